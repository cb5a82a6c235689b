"""Pieces of C with lines that only some nets need."""

from collections.abc import Collection


def filled(text: str, flags: Collection[str]) -> str:
    r"""Return a piece of C with the lines that its conditions ask for.

    ``//if NAME`` begins lines for nets with that flag, ``//else`` those for the others, ``//end``
    ends both; they nest.

    Raises:
        ValueError: if a condition is not closed.

    Example:
        >>> filled("//if wide\nint64_t y;\n//else\nint32_t y;\n//end\n", {"wide"})
        'int64_t y;\n'
    """
    kept: list[str] = []
    open_: list[bool] = []
    for line in text.splitlines(keepends=True):
        word, _, name = line.strip().partition(" ")
        if word == "//if":
            open_.append(name in flags)
        elif word == "//else":
            open_[-1] = not open_[-1]
        elif word == "//end":
            open_.pop()
        elif all(open_):
            kept.append(line)
    if open_:
        raise ValueError("a condition is not closed")
    return "".join(kept)
