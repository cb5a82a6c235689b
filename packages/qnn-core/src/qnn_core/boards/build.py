"""C compiled for a target: a bare ELF of some functions, without start-up code or C library."""

from collections.abc import Sequence
from pathlib import Path

from .image import Image
from .targets import Target
from .tools import C_SOURCES, require_command, run

# The compiler may call memset and memcpy by itself, freestanding or not: support.c has them, and
# the last flag is lest it makes a call of itself out of each.
BARE = ("-ffreestanding", "-fno-builtin", "-nostdlib", "-fno-tree-loop-distribute-patterns")
SECTIONS = ("-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections")


def build(
    elf: str | Path,
    sources: Sequence[str | Path],
    target: Target,
    entries: Sequence[str],
    *,
    optimize: str = "-O2",
    flags: Sequence[str] = ("-Wall", "-Wextra"),
) -> Image:
    """Compile C into an ELF that holds some functions, and what they need, alone.

    Args:
        elf: the file that is written.
        sources: C files.
        target: what to compile for.
        entries: names of the functions that are kept.
        optimize: flag of the compiler.
        flags: more of them: warnings, macros, folders of headers, another standard than C99.

    Returns:
        The ELF, read.

    Raises:
        MissingToolError: if the compiler is not installed.
        BoardError: if it refuses, with what it says.

    Example:
        >>> target = find_target("m4")  # doctest: +SKIP
        >>> image = build("net.elf", ["net.c"], target, ["net_predict"])  # doctest: +SKIP
        >>> image.flash  # doctest: +SKIP
        18480
    """
    require_command(target.compiler, target.package)
    wanted = [f"-Wl,-u,{entry}" for entry in entries]
    output = ["-o", str(elf), f"-Wl,-e,{entries[0]}", *wanted]
    if target.core == "avr":
        # Its own layout of memory, and memset of its C library.
        machine: list[str | Path] = [*SECTIONS, "-nostartfiles"]
        end: list[str | Path] = []
    else:
        machine = [*BARE, *SECTIONS, "-T", C_SOURCES / "link.ld"]
        end = [C_SOURCES / "support.c", "-lgcc"]
    options = [*target.flags, target.standard, optimize]
    command = [target.compiler, *options, *machine, *flags, *output, *sources, *end]
    run(command)
    return Image.read(elf)
