"""Names in C: of letters, digits and underscores, each given once."""

import re
from functools import cache
from importlib.resources import files

# Of the generated functions, and words of C that no step may be called.
OTHERS = ("input", "net", "s", "scratch", "sums", "logits", "best", "class", "int", "float", "long")


class Names:
    """Gives names that are not taken yet: none that the library of kernels has a meaning for."""

    def __init__(self) -> None:
        self._taken = set(reserved())

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


@cache
def reserved() -> frozenset[str]:
    """Return every word of the library."""
    library = files("qnn_core.deploy.c") / "library"
    texts = [piece.read_text(encoding="utf-8") for piece in library.iterdir()]
    words = re.findall(r"[A-Za-z_]\w*", " ".join(texts))
    return frozenset([*words, *OTHERS])


def _plain(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_") or "net"
