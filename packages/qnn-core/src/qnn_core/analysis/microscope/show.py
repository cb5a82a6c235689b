"""`show`: the microscope."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike

from ...display import panels_for, saved
from ...errors import SpecError, StateError
from ...nn import Module, Quantize, QuantizeWeight
from ...nn.quant.quantized_weight import QuantizedWeight
from ...qtensor import codes_of, units
from ...quantizer import Quantizer, codebook
from ...quantizer.shown import told
from ...registry import get_quantizer
from . import panels
from .over_time import WeightHistory
from .weights import Weights

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = 4.4, 3.1  # of a panel, in inches


@overload
def show(
    what: Module | Quantizer | str,
    path: None = None,
    *,
    data: ArrayLike | None = None,
    lr: float | None = None,
    history: WeightHistory | None = None,
    ax: "Axes | None" = None,
) -> "Figure": ...


@overload
def show(
    what: Module | Quantizer | str,
    path: str | Path,
    *,
    data: ArrayLike | None = None,
    lr: float | None = None,
    history: WeightHistory | None = None,
    ax: "Axes | None" = None,
) -> Path: ...


def show(
    what: Module | Quantizer | str,
    path: str | Path | None = None,
    *,
    data: ArrayLike | None = None,
    lr: float | None = None,
    history: WeightHistory | None = None,
    ax: "Axes | None" = None,
) -> "Figure | Path":
    """Show a layer's weight, or a quantizer, as under a microscope.

    Of a layer: the latent weights and the levels that they become, with the thresholds between; how
    often each code occurs; where the gradient passes, and how many weights get none; and how many
    codes one update changes, by the size of its step: at most, if each weight went straight to its
    nearest threshold, and along the gradient that the last backward left. The scale counts as
    fixed. Of a quantizer: its staircase and its gradients, and what it makes of data.

    Nothing is changed by it.

    Args:
        what: a layer with a quantized weight, such as ``model[0]``; a quantizer or its spec; or the
            part of a layer that holds one, ``model[0].input_quantizer``.
        path: of a picture, whose suffix says the format; None for none.
        data: numbers that a quantizer is shown with, and fitted to if its scale is not known.
        lr: learning rate of a step of plain gradient descent, which is marked.
        history: of the weights over the epochs; adds two panels.
        ax: axes of matplotlib, whose room is divided among the panels; None for a figure of its
            own.

    Returns:
        The figure, which a notebook shows; with a path, that.

    Raises:
        SpecError: if `data` is given for a layer, or `lr` or `history` for a quantizer.
        StateError: if the layer's weight is float, or `history` is of another model.
        TypeError: if it is neither a layer nor a quantizer; for a model it says which layers are.
        ImportError: if matplotlib is not installed.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([8, 4, 2], weight="symmetric:2", seed=0)
        >>> figure = qnn.show(model[0])
        >>> figure.axes[1].get_title()
        'Codes: entropy 1.57 of 1.58 bits'
    """
    if isinstance(what, QuantizedWeight):
        if data is not None:
            raise SpecError("show: data= is for a quantizer; a layer is shown with its weight")
        figure = _layer(what, lr, history, ax)
    elif isinstance(what, Quantize | Quantizer | str) and not isinstance(what, QuantizeWeight):
        if lr is not None or history is not None:
            raise SpecError("show: lr= and history= are for a layer: a quantizer has no weight")
        owner = what if isinstance(what, Quantize) else None
        quantizer = get_quantizer(what) if not isinstance(what, Quantize) else what.quantizer
        figure = _quantizer(quantizer, owner, data, ax)
    else:
        raise TypeError(_no_layer(what))
    return figure if path is None else saved(figure, path, "show")


def _no_layer(what: Any) -> str:
    wanted = "show: a layer with a quantized weight, a quantizer or its spec is needed"
    if not isinstance(what, Module):
        return f"{wanted}, got {type(what).__name__}"
    found = [
        path
        for path, module in what.named_modules()
        if isinstance(module, QuantizedWeight) and module.weight_quantizer is not None
    ]
    told = f"; its quantized layers are {', '.join(found)}" if found else ", which has no such"
    return f"{wanted}, got the {type(what).__name__}{told}"


def _layer(
    layer: QuantizedWeight, lr: float | None, history: WeightHistory | None, ax: "Axes | None"
) -> "Figure":
    owner = layer.weight_quantizer
    if owner is None:
        raise StateError(
            f"show: the weight of this {type(layer).__name__} is float: it has no codes; "
            f"{type(layer).__name__}(..., weight='symmetric:2') quantizes it"
        )
    snapshots = [] if history is None else history.of(layer)
    weights = Weights.of(layer.weight.array, owner)
    gradient = None if layer.weight.grad is None else np.asarray(layer.weight.grad.array)
    quantizer, counts = weights.quantizer, weights.counts
    figure, axes = _panels(3 if snapshots else 2, 2, ax)
    below = len(axes) // 2
    scale = f"scale {told(weights.qparams.scale)}"
    panels.draw_weights(axes[0], weights.u, counts, quantizer, scale)
    panels.draw_codes(axes[1], counts, quantizer)
    panels.draw_gradient(axes[below], quantizer, weights.u)
    panels.draw_update(axes[below + 1], weights, gradient, lr)
    if snapshots:
        panels.draw_course(axes[2], snapshots, quantizer)
        panels.draw_changes(axes[5], snapshots)
    if ax is None:
        shape = " x ".join(map(str, layer.weight.shape))
        figure.suptitle(f"{type(layer).__name__}, weight {shape}, {quantizer}", fontsize=10)
    return figure


def _quantizer(
    quantizer: Quantizer, owner: Quantize | None, data: ArrayLike | None, ax: "Axes | None"
) -> "Figure":
    x = None if data is None else np.asarray(data, np.float32)
    qparams = owner.qparams() if owner is not None and owner.calibrated.array else None
    if qparams is None and x is not None:
        qparams = quantizer.fit(x, quantizer.axis)
    figure, axes = _panels(3, 1, ax) if x is None else _panels(2, 2, ax)
    panels.draw_staircase(axes[0], quantizer, qparams)
    if x is None or qparams is None:
        panels.draw_gradient(axes[1], quantizer)
        panels.draw_scale_gradient(axes[2], quantizer)
    else:
        scale, shift = (np.asarray(part, x.dtype) for part in (qparams.scale, qparams.shift))
        codes = codes_of(x, scale, shift, quantizer)
        counts = np.bincount(codes.ravel(), minlength=codebook(quantizer).levels.size)
        u = units(x, scale, shift, quantizer.axis)
        named = {"what": "data", "less": " - shift" if np.any(shift) else ""}
        panels.draw_weights(axes[1], u, counts, quantizer, f"scale {told(scale)}", **named)
        panels.draw_codes(axes[2], counts, quantizer, what="data")
        panels.draw_gradient(axes[3], quantizer, u, **named)
    if ax is None:
        figure.suptitle(str(quantizer), fontsize=10)
    return figure


def _panels(columns: int, rows: int, ax: "Axes | None") -> "tuple[Figure, list[Axes]]":
    size = SIZE[0] * columns, SIZE[1] * rows + 0.3
    return panels_for("show", ax, [1] * columns, rows, size=size)
