"""What other distributions add, by entry points: names of `qnn_core`, and commands of `qnn`."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from .errors import PluginError

NAMES = "qnn.api"
COMMANDS = "qnn.commands"

# Commands that people ask for where their distribution is missing.
OF_COMPARE = ("compare", "report")
COMPARE_MISSING = (
    "is in qnn-compare, which is not installed: pip install packages/qnn-compare in the repository"
)


@dataclass(frozen=True)
class Extension:
    """What distributions register under one name; two of them are a conflict."""

    name: str
    points: Collection[EntryPoint]

    @property
    def owners(self) -> str:
        """The distributions that register it."""
        return " and ".join(_owner(point) for point in self.points)

    def load(self) -> Any:
        """Import it.

        Raises:
            PluginError: if it is not installed, cannot be imported, or two distributions have it.
        """
        if not self.points:
            raise PluginError(f"{self.name!r} {COMPARE_MISSING}")
        if len(self.points) > 1:
            claims = " and ".join(f"{_owner(point)} ({point.value})" for point in self.points)
            raise PluginError(f"{self.name!r} is registered twice: by {claims}; uninstall one")
        (point,) = self.points
        try:
            return point.load()
        except (Exception, SystemExit) as error:  # a module that exits must not end the program
            raise PluginError(
                f"{self.name!r} of {_owner(point)} cannot be imported: "
                f"{type(error).__name__}: {error}"
            ) from error


@cache
def added_name(name: str) -> Any:
    """Return the object that a distribution adds to `qnn_core`, by the group ``qnn.api``.

    Raises:
        ModuleNotFoundError: if none does.
        PluginError: if it cannot be used.
    """
    found = _named(NAMES).get(name)
    if found is None:
        raise ModuleNotFoundError(f"qnn.{name} {COMPARE_MISSING}", name="qnn_compare")
    return found.load()


def added_commands() -> list[Extension]:
    """Return the commands that distributions add to `qnn`, by the group ``qnn.commands``.

    Each loads as a function that takes `add_parser` of the subparsers of argparse, calls it, and
    sets `run`, a function of the parsed arguments that returns the exit status. One that adds the
    option of `terminal.add_json` sets `answer` of these arguments too. Those of
    qnn-compare are among them even where it is missing: loading them says so.
    """
    missing = {name: Extension(name, ()) for name in OF_COMPARE}
    return [extension for _, extension in sorted((missing | _named(COMMANDS)).items())]


def _named(group: str) -> dict[str, Extension]:
    # An editable install can list the same distribution twice.
    points = {
        (point.value, _owner(point), point.name): point for point in entry_points(group=group)
    }
    return {
        name: Extension(name, tuple(points[key] for key in sorted(points) if key[2] == name))
        for name in {name for _, _, name in points}
    }


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "an unknown distribution"
