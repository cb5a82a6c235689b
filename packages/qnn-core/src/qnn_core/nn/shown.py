"""How modules show themselves in a notebook: a table of what they hold."""

from collections.abc import Iterator
from typing import Any

from ..autodiff import Parameter
from ..display import block, html_table, sentence
from ..quantizer import Quantizer
from .parts import held

MOST = 60  # rows; of more, the middle is left out
HEADERS = ("layer", "", "parameters", "weight", "input")
SIDES = ("weight_quantizer", "input_quantizer")


def module_html(module: Any, *more: str) -> str:
    """Return HTML of a module: its layers, how many parameters, and what quantizes them.

    Args:
        module: the module.
        more: HTML that follows.
    """
    counted: dict[int, int] = {}
    rows = [*_rows("", module, counted, set())]
    cut = len(rows) - MOST
    if cut > 0:
        middle = [f"{cut} more", *[""] * (len(HEADERS) - 1)]
        rows = [*rows[: MOST // 2], middle, *rows[-MOST // 2 :]]
    mode = "training" if module.training else "evaluation"
    title = f"{type(module).__name__}, {sum(counted.values()):,} parameters, in {mode} mode"
    frozen = "frozen: what training measures stays as it is" if module.frozen else ""
    return block(title, sentence(frozen), html_table(HEADERS, rows, left=2), *more)


def _rows(path: str, module: Any, counted: dict[int, int], seen: set[int]) -> Iterator[list[str]]:
    """Yield a row for each module, in order; a layer's own quantizers are columns of its row."""
    parts = held(module)
    again = id(module) in seen
    seen.add(id(module))
    sides = {name: part for name, part in parts if name in SIDES and _quantizer(part)}
    shown = [str(_quantizer(sides[name])) if name in sides else "" for name in SIDES]
    if own := _quantizer(module):
        shown[SIDES.index("input_quantizer")] = str(own)
    of = [parts, *(held(part) for part in sides.values())]
    sizes = {id(p): p.size for some in of for _, p in some if isinstance(p, Parameter)}
    new = sum(size for key, size in sizes.items() if key not in counted)
    counted |= sizes
    described = f"{type(module).__name__}({'' if own else module.describe()})"
    yield [path, f"{described}, again" if again else described, f"{new:,}" if new else "", *shown]
    for name, part in parts:
        if hasattr(part, "describe") and name not in sides and not again:
            yield from _rows(f"{path}.{name}" if path else name, part, counted, seen)


def _quantizer(part: Any) -> Quantizer | None:
    """Return the quantizer that a part owns, or None."""
    found = getattr(part, "quantizer", None)
    return found if isinstance(found, Quantizer) else None
