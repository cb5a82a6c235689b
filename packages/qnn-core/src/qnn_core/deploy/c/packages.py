"""Files beside the C: what it is, for people, and what build systems want."""

from collections.abc import Sequence

from .cost import CSummary
from .readme import readme
from .text.projects import arduino, cmake, platformio, zephyr
from .text.sketch import sketch
from .text.source import Generated


def packages(g: Generated, summary: CSummary, proved: Sequence[str]) -> dict[str, str]:
    """Return further files by name; they depend on the arguments and on nothing else.

    The C stays at the top of the folder, where a compiler, CMake and all package managers take it
    from: Arduino compiles what is at the top if there is no folder `src`.

    Args:
        g: the net.
        summary: what it costs.
        proved: lines on what was proved and run before the files were written.
    """
    name = g.name
    return {
        "README.md": readme(g, summary, proved),
        "CMakeLists.txt": cmake(name),
        "library.properties": arduino(name),
        "library.json": platformio(name),
        f"examples/{name}/{name}.ino": sketch(g),
        **{f"zephyr/{file}": text for file, text in zephyr(name).items()},
    }
