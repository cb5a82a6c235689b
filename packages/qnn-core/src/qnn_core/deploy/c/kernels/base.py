"""What a way to compute a product in C is."""

from dataclasses import dataclass
from typing import Protocol

from ..plan import Product
from ..text.decisions import Written


@dataclass(frozen=True)
class Prepared:
    """A product written for a kernel.

    Attributes:
        kernel: name of the kernel, of its file in the library, and of its function.
        flags: what of the file it needs.
        tables: C text of its arrays.
        fields: of the kernel's struct, by name, beside ``decision``.
        nbytes: of the arrays.
        work: bytes of scratch that it needs while it runs.
    """

    kernel: str
    flags: frozenset[str]
    tables: str
    fields: tuple[tuple[str, str], ...]
    nbytes: int
    work: int = 0

    @property
    def struct(self) -> str:
        """Name of the struct."""
        return self.kernel.title().replace("_", "")


class Kernel(Protocol):
    """A way to compute a product.

    Attributes:
        name: of the file in the library, and of its function.
    """

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

    def prepare(self, product: Product, name: str, decision: Written) -> Prepared:
        """Return the product written for it; names of arrays begin with `name`."""
        ...
