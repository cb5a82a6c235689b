"""What an ELF holds: bytes of each section, what is loaded where, where functions are."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import BoardError
from .tools import require_module

ALLOCATED = 2  # SHF_ALLOC: the section is in memory when the program runs


@dataclass(frozen=True)
class Image:
    """A program, read from its ELF.

    Attributes:
        path: of the file.
        sections: bytes of each section that is in memory.
        segments: address and content of what is loaded.
        symbols: address by name.
        functions: address and size by name.

    Example:
        >>> image = build("net.elf", ["net.c"], target, ["net_predict"])  # doctest: +SKIP
        >>> image.flash, image.static  # doctest: +SKIP
        (18480, 0)
    """

    path: Path
    sections: dict[str, int]
    segments: tuple[tuple[int, bytes], ...]
    symbols: dict[str, int]
    functions: dict[str, tuple[int, int]]

    @classmethod
    def read(cls, path: str | Path) -> "Image":
        """Return what a file holds.

        Raises:
            MissingToolError: without pyelftools.
        """
        elffile = require_module("elftools.elf.elffile")
        with Path(path).open("rb") as file:
            elf = elffile.ELFFile(file)
            table = [s for s in elf.get_section_by_name(".symtab").iter_symbols() if s.name]
            return cls(
                Path(path),
                {s.name: s["sh_size"] for s in elf.iter_sections() if _allocated(s)},
                tuple((s["p_vaddr"], s.data()) for s in elf.iter_segments() if _loaded(s)),
                {s.name: s["st_value"] for s in table},
                {s.name: (s["st_value"] & ~1, s["st_size"]) for s in table if _function(s)},
            )

    @property
    def flash(self) -> int:
        """Bytes of flash: code, constants, and first values of data."""
        return self.sections.get(".text", 0) + self.sections.get(".data", 0)

    @property
    def static(self) -> int:
        """Bytes of RAM that are taken all the time."""
        return sum(self.sections.get(name, 0) for name in (".data", ".bss", ".noinit"))

    def address(self, symbol: str) -> int:
        """Return where a symbol is.

        Raises:
            BoardError: if there is none of that name.
        """
        if symbol not in self.symbols:
            raise BoardError(f"{self.path} has no {symbol!r}")
        return self.symbols[symbol]

    def function_at(self, address: int) -> str:
        """Return the name of the function that an address is in, or the address as text."""
        for name, (start, size) in self.functions.items():
            if start <= address < start + size:
                return name
        return f"0x{address:08x}"


def _allocated(section: Any) -> bool:
    return bool(section["sh_flags"] & ALLOCATED and section["sh_size"])


def _loaded(segment: Any) -> bool:
    return bool(segment["p_type"] == "PT_LOAD" and segment["p_filesz"])


def _function(symbol: Any) -> bool:
    return bool(symbol["st_info"]["type"] == "STT_FUNC" and symbol["st_size"])
