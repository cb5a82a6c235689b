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

    def prepare(self, product: Product, name: str, decision: Written) -> Prepared:
        """Return the product written for it; names of arrays begin with `name`."""
        ...
