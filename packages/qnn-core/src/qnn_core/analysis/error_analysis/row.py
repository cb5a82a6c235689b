"""One quantizer's line in an anatomy."""

from dataclasses import dataclass

from ...quantizer import Quantizer
from .errors_of import Errors


@dataclass(frozen=True)
class Cost:
    """What a quantizer costs the model: positive is worse.

    Attributes:
        loss: rise of the mean loss.
        accuracy: fall of the accuracy, a share of 1; None if samples are not classified.
        metric: by how much the metric is worse; None if there is none.
    """

    loss: float
    accuracy: float | None
    metric: float | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Row(Errors):
    """The errors of one quantizer, and what it costs.

    Attributes:
        layer: path of the layer whose weight or input it quantizes, else of the quantizer itself.
        kind: ``"weight"`` or ``"input"``; what is no weight is an input of what follows.
        quantizer: the scheme.
        alone: its cost where all other quantizers are float: that model beside the float one.
        among: its cost beside all others: the model beside the same with only this one float.
            Both are None if the data have no targets, or what quantizes is no `Quantize` module.
        counts, signal, rounding, clipping, outside: see `Errors`, as are the properties.
    """

    layer: str
    kind: str
    quantizer: Quantizer
    alone: Cost | None = None
    among: Cost | None = None
