"""Names in C: of letters, digits and underscores, each given once."""

import re


class Names:
    """Gives names that are not taken yet."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def value(self, name: str) -> str:
        """Return a name for a value."""
        return self._unique(f"v_{_plain(name)}")

    def step(self, path: str) -> str:
        """Return a name for what belongs to a step.

        It has a prefix, since a layer may be called as something else in the file, or be a word
        of C: ``self.input``, ``self.score``, ``self.long``.
        """
        return self._unique(f"step_{_plain(path)}")

    def _unique(self, name: str) -> str:
        found, number = name, 1
        while found in self._taken:
            number += 1
            found = f"{name}_{number}"
        self._taken.add(found)
        return found


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "net"
