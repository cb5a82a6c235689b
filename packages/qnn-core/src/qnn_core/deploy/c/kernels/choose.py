"""Which kernel computes a product: the fastest by the model of cycles, or the smallest."""

from typing import Literal

from ....errors import ExportError
from ..plan import Product
from .base import Kernel
from .depthwise import Depthwise
from .lanes import Lanes
from .plain import Plain
from .sorted import Sorted

# All of them; the last one takes everything.
KERNELS: tuple[Kernel, ...] = (Lanes(), Depthwise(), Sorted(), Plain())


def choose(product: Product, target: str, optimize: Literal["size", "speed"]) -> Kernel:
    """Return the kernel for a product.

    Raises:
        ExportError: if there is none.
    """
    fitting = [kernel for kernel in KERNELS if kernel.fits(product)]
    if not fitting:
        raise ExportError(
            f"export_c: {product.path}: weights of more than 16 bits have no form in C"
        )
    if optimize == "speed":
        return min(fitting, key=lambda kernel: kernel.cycles(product, target))
    return min(fitting, key=lambda kernel: (kernel.nbytes(product), kernel.cycles(product, target)))
