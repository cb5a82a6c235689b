"""Which kernels compute the products of a net: the fastest by a model of cycles, or small ones."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Literal

from ....errors import ExportError
from ..plan import Product
from .base import MOST_PIXELS, Kernel, is_small
from .counters import Counters
from .depthwise import Depthwise
from .dot import Dot
from .lanes import Lanes
from .plain import Plain
from .sorted import Sorted

# All of them; the last one takes everything.
KERNELS: tuple[Kernel, ...] = (Lanes(), Depthwise(), Sorted(), Counters(), Dot(), Plain())

# For size: the fastest choice of those that take so many bytes, and a share, more than the least.
SPARE_BYTES, SPARE_SHARE = 512, 0.03

# No kernel is taken for its size that takes more than so many times the cycles of the fastest.
SLOWER = 3.0

Chosen = dict[int, Kernel]


def choose(
    products: Mapping[int, Product], target: str, optimize: Literal["size", "speed"]
) -> Chosen:
    """Return the kernel for each product of a net.

    For size the code of a kernel counts once, for all products that use it, and so does the memory
    that the greediest product needs.

    Raises:
        ExportError: if there is none.
    """
    fitting: dict[int, list[Kernel]] = {}
    for number, product in products.items():
        possible = KERNELS if is_small(product) else KERNELS[-1:]
        fitting[number] = [kernel for kernel in possible if kernel.fits(product)]
        if not fitting[number]:
            raise ExportError(
                f"export_c: {product.path}: weights of more than 16 bits, or windows of more than "
                f"{MOST_PIXELS:,} pixels, have no form in C"
            )
    cycles = {
        (n, kernel.name): kernel.cycles(products[n], target)
        for n, kernels in fitting.items()
        for kernel in kernels
    }
    if optimize == "speed":
        return _least(fitting, cycles)
    for n, kernels in fitting.items():
        most = SLOWER * min(cycles[n, kernel.name] for kernel in kernels)
        fitting[n] = [kernel for kernel in kernels if cycles[n, kernel.name] <= most]
    nbytes = {
        (n, kernel.name): kernel.nbytes(products[n])
        for n, kernels in fitting.items()
        for kernel in kernels
    }
    found = []
    for count in range(1, len(KERNELS) + 1):
        for some in combinations(KERNELS, count):
            left = {n: [k for k in kernels if k in some] for n, kernels in fitting.items()}
            if not all(left.values()):
                continue
            for chosen in (_least(left, nbytes, cycles), _least(left, cycles)):
                code = sum({k.name: k.code for k in chosen.values()}.values())
                total = code + sum(nbytes[n, k.name] for n, k in chosen.items())
                total += max((k.work(products[n]) for n, k in chosen.items()), default=0)
                found.append((total, sum(cycles[n, k.name] for n, k in chosen.items()), chosen))
    least = min((total for total, _, _ in found), default=0)
    limit = least * (1 + SPARE_SHARE) + SPARE_BYTES
    _, _, best = min(
        ((total, time, chosen) for total, time, chosen in found if total <= limit),
        key=lambda item: item[1],
        default=(0, 0.0, {}),
    )
    return best


def _least(fitting: Mapping[int, list[Kernel]], *costs: Mapping[tuple[int, str], float]) -> Chosen:
    """Return the kernel of each product that costs least; where it ties, by the next costs."""
    return {
        number: min(kernels, key=partial(_costs, number, costs))
        for number, kernels in fitting.items()
    }


def _costs(
    number: int, costs: Sequence[Mapping[tuple[int, str], float]], kernel: Kernel
) -> tuple[float, ...]:
    return tuple(cost[number, kernel.name] for cost in costs)
