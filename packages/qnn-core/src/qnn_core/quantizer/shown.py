"""How a quantizer shows itself in a notebook."""

import inspect
from typing import TYPE_CHECKING

import numpy as np

from ..display import block, facts, sentence, staircase
from .codebook import codebook

if TYPE_CHECKING:
    from .base import QParams, Quantizer

FEW = 16  # levels that are written out


def quantizer_html(quantizer: "Quantizer", qparams: "QParams | None" = None) -> str:
    """Return a quantizer as HTML: its staircase, the gradient, its levels and options.

    Args:
        quantizer: the scheme.
        qparams: where its levels lie, if that is known.
    """
    book = codebook(quantizer)
    about = inspect.getdoc(type(quantizer)) or ""
    drawn = staircase(book.levels, book.thresholds, quantizer.surrogate)
    known = facts(
        {
            "levels": _listed(book.levels),
            "thresholds": _listed(book.thresholds),
            "scale": quantizer.scale if qparams is None else told(qparams.scale),
            "shift": "" if qparams is None or not np.any(qparams.shift) else told(qparams.shift),
            "fitted by": quantizer.calibration,
            "gradient": quantizer.ste,
            "channels on axis": quantizer.axis,
            "trained": ", ".join(quantizer.trained),
        }
    )
    beside = f'<div style="display:inline-block;vertical-align:top;max-width:28em">{known}</div>'
    return block(str(quantizer), sentence(about.partition("\n\n")[0]), drawn + beside)


def told(values: object) -> str:
    """Return a number, or the range of many."""
    array = np.asarray(values)
    if array.size == 1:
        return f"{array.item():.4g}"
    if not array.size:
        return "none"
    return f"{array.min():.4g} to {array.max():.4g}, {array.size} channels"


def _listed(values: np.ndarray) -> str:
    if values.size <= FEW:
        return ", ".join(f"{value:.4g}" for value in values)
    return f"{values.size} from {values[0]:.4g} to {values[-1]:.4g}"
