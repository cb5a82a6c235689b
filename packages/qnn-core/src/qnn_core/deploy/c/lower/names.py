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
        """Return a name for what belongs to a step."""
        return self._unique(_plain(path))

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
    plain = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
    return plain if plain and not plain[0].isdigit() else f"layer_{plain}".rstrip("_")
