"""What is not installed that a target needs."""

from collections.abc import Callable, Iterator
from functools import partial

from ..errors import MissingToolError
from .avr import require_simavr
from .run_many import EMULATORS
from .targets import Target
from .tools import require_command, require_module


def missing_tools(target: Target) -> list[str]:
    """Return what a target cannot be built or emulated without, with what installs it.

    Example:
        >>> missing_tools(TARGETS["m4"])  # doctest: +SKIP
        ['there is no arm-none-eabi-gcc (Debian: apt-get install gcc-arm-none-eabi)']
    """
    return list(_missing(target))


def _missing(target: Target) -> Iterator[str]:
    for requirement in _requirements(target):
        try:
            requirement()
        except MissingToolError as error:
            yield str(error)


def _requirements(target: Target) -> Iterator[Callable[[], object]]:
    yield partial(require_command, target.compiler, target.package)
    if target.core == "avr":
        yield require_simavr
        yield partial(require_module, "elftools.elf.elffile")
        return
    yield partial(require_command, EMULATORS[target.core], "qemu-user")
    for module in ("elftools.elf.elffile", "unicorn", "capstone"):
        yield partial(require_module, module)
