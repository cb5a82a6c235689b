"""What does not fit between a state and a model, said in no more lines than one reads."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

# Of each kind so many are listed: a net of a hundred layers that is another has hundreds.
SHOWN = 5


class Problem(NamedTuple):
    """One thing that does not fit.

    Attributes:
        kind: what others like it are called, in the plural.
        text: a line of a message.
    """

    kind: str
    text: str


def listed(problems: Iterable[Problem]) -> list[str]:
    """Return a line for each of the first problems of each kind, and how many more there are.

    Example:
        >>> listed(Problem("that do not fit", f"layer {n} does not fit") for n in range(9))[4:]
        ['layer 4 does not fit', '... and 4 more that do not fit']
    """
    kinds: dict[str, list[str]] = {}
    for kind, text in problems:
        kinds.setdefault(kind, []).append(text)
    lines = []
    for kind, texts in kinds.items():
        # One more takes no more lines than to say so.
        shown = len(texts) if len(texts) <= SHOWN + 1 else SHOWN
        lines += texts[:shown]
        if shown < len(texts):
            lines.append(f"... and {len(texts) - shown} more {kind}")
    return lines


def joined(names: Sequence[str], by: str = " and ") -> str:
    """Return the first names in one line, and how many more there are.

    Example:
        >>> joined(list("abcdefgh"), ", ")
        'a, b, c, d, e, ... (8 of them)'
    """
    shown = names if len(names) <= SHOWN + 1 else [*names[:SHOWN], f"... ({len(names)} of them)"]
    return by.join(shown)
