"""How a tensor shows itself in a notebook."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..display import Plot, block, codes_picture, facts, preformatted, sampled

Array = NDArray[Any]
BINS = 48
FEW = 8  # elements that are no distribution
LINES = 12  # of numbers


def tensor_html(
    kind: str, array: Array, *, op: str, trained: bool, grad: Array | None, quantized: Any
) -> str:
    """Return HTML: shape and dtype, the distribution, the numbers, codes if there are such.

    Args:
        kind: the class.
        array: the data.
        op: the operation that made it, or ``""``.
        trained: whether it takes a gradient.
        grad: its gradient, or None.
        quantized: its codes, with their levels, or None.
    """
    shape = " x ".join(map(str, array.shape)) or "scalar"
    some, of = sampled(array)
    finite = some[np.isfinite(some)].astype(np.float64)
    about = {"measured on": of}
    with np.errstate(over="ignore"):  # then it says infinity
        deviation = finite.std() if finite.size else 0.0
    if finite.size > 1:
        about |= {
            "from, to": f"{finite.min():.4g}, {finite.max():.4g}",
            "mean": f"{finite.mean():.4g}",
            "standard deviation": f"{deviation:.4g}",
            "zeros": _share(int(np.count_nonzero(some == 0)), some.size),
        }
    broken = some.size - finite.size
    about |= {
        "not finite": f"{broken:,} of {some.size:,}" if broken else "",
        "made by": op,
        "gradient": _gradient(trained, grad),
    }
    with np.printoptions(threshold=200, edgeitems=3, linewidth=90):
        lines = str(array).split("\n")
    numbers = [*lines[: LINES // 2], " ...", *lines[-LINES // 2 :]] if len(lines) > LINES else lines
    codes = "" if quantized is None else codes_picture(quantized.codes, quantized.levels)
    return block(
        f"{kind}, {shape}, {array.dtype}",
        facts(about),
        _histogram(finite) if finite.size > FEW else "",
        codes,
        preformatted("\n".join(numbers)),
    )


def _share(count: int, size: int) -> str:
    return f"{count / size:.1%}" if count else ""


def _gradient(trained: bool, grad: Array | None) -> str:
    if grad is not None:
        some, of = sampled(np.asarray(grad))
        norm = np.linalg.norm(some.astype(np.float64)) * np.sqrt(grad.size / max(some.size, 1))
        return f"norm {'about ' if of else ''}{norm:.4g}"
    return "" if not trained else "none yet"


def _histogram(values: Array) -> str:
    low, high = float(values.min()), float(values.max())
    edges = np.linspace(low, high, BINS + 1) if np.isfinite(high - low) else np.zeros(2)
    if not np.all(edges[:-1] < edges[1:]):
        return ""  # one value, or so near to each other, or so far, that no bins are between
    counts, _ = np.histogram(values, edges)
    plot = Plot(
        (low, high), (0, float(counts.max())), size=(240, 56), label="histogram of the values"
    )
    plot.bars([*edges], [*counts], Plot.BLUE)
    plot.rule(y=0)
    if low < 0 < high:
        plot.rule(x=0, dash="2 2")
    plot.words(f"{low:.3g}", low, 0, dy=13)
    plot.words(f"{high:.3g}", high, 0, dy=13, anchor="end")
    return plot.svg()
