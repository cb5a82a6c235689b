"""What a way to compute a product in C is."""

from typing import Protocol

from ..plan import Product
from ..prepared import Prepared
from ..text.decisions import Written


class Kernel(Protocol):
    """A way to compute a product.

    Attributes:
        name: of the file in the library, and of its function.
        code: bytes of its code on Cortex-M0+, about.
    """

    @property
    def code(self) -> int:
        """See above."""
        ...

    @property
    def name(self) -> str:
        """See above."""
        ...

    def fits(self, product: Product) -> bool:
        """Whether it can compute this product."""
        ...

    def cycles(self, product: Product, target: str) -> float:
        """Return about how many cycles it takes."""
        ...

    def nbytes(self, product: Product) -> int:
        """Return how many bytes its weights take."""
        ...

    def work(self, product: Product) -> int:
        """Return how many bytes of scratch memory it needs while it runs."""
        ...

    def prepare(self, product: Product, name: str, decision: Written) -> Prepared:
        """Return the product written for it; names of arrays begin with `name`."""
        ...


# Numbers of a window that the fast kernels keep in a byte, and that `plain` has room for.
MOST_PIXELS = 2**15 - 1


def window_numbers(product: Product) -> list[int]:
    """Return all numbers of the windows of a product."""
    window, pool = product.window, product.pool
    found = [*window.kernel, *window.stride, *window.padding, *window.dilation]
    return found if pool is None else [*found, *pool.kernel, *pool.stride]


def is_small(product: Product) -> bool:
    """Whether a byte holds each number of a product's windows."""
    return max(window_numbers(product)) < 256


def geometry(product: Product) -> list[tuple[str, str]]:
    """Return the fields that say where windows are."""
    height, width, channels = product.image
    rows, columns = product.pooled
    window, pool = product.window, product.pool
    pairs = {
        "kernel": window.kernel,
        "stride": window.stride,
        "padding": window.padding,
        "dilation": window.dilation,
        "pool": pool.kernel if pool else (1, 1),
        "pool_stride": pool.stride if pool else (1, 1),
    }
    sizes = {
        "height": height,
        "width": width,
        "channels": channels,
        "rows": rows,
        "columns": columns,
        "outputs": product.n,
        "inputs": channels // product.groups,
        "each": product.n // product.groups,
    }
    fields = [(name, str(value)) for name, value in sizes.items()]
    for name, pair in pairs.items():
        fields += [(f"{name}_y", str(pair[0])), (f"{name}_x", str(pair[1]))]
    return fields
