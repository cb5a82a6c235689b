"""A product of integers as it is written for a kernel."""

from dataclasses import dataclass


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
        decides: whether the tables hold the decision too, in a form of the kernel's own.
    """

    kernel: str
    flags: frozenset[str]
    tables: str
    fields: tuple[tuple[str, str], ...]
    nbytes: int
    work: int = 0
    decides: bool = False

    @property
    def struct(self) -> str:
        """Name of the struct."""
        return self.kernel.title().replace("_", "")
