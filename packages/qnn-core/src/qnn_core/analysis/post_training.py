"""Post-training quantization: a trained float model with quantizers in its layers."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Tensor, no_grad, trace
from ..data import Given, checked_inputs
from ..errors import NonFiniteError, SpecError, StateError
from ..nn import Conv2d, Linear, Module, Quantize, surgery
from ..nn.left_float import bounds_if_quantized, leave_float, not_asked
from ..nn.models.specs import SAME, Spec, of_the_ends
from ..nn.parts import joined
from ..nn.surgery import Float, check_module, exchange
from .rules import QUANT_LAYER, Rule, by_layer, float_by, with_quantizers

M = TypeVar("M", bound=Module)
Array = NDArray[Any]


def quantize(
    model: M,
    *,
    weight: Spec = None,
    input: Spec = None,
    calibration: Given | None = None,
    first_weight: Spec = SAME,
    first_input: Spec = SAME,
    last_weight: Spec = None,
    last_input: Spec = None,
    layers: Mapping[str, Rule] | None = None,
) -> M:
    """Return a trained float model with its `Linear` and `Conv2d` layers quantized, not trained on.

    It is a copy, equal in structure, in evaluation mode: `QuantLinear` and `QuantConv2d` stand
    where the layers were, with the same parameters, batch normalization and all else as it was. It
    can be evaluated, packed, and trained further. Layers are found wherever the model holds them.

    How a range is found is part of each spec (``"uniform:4,calibration=absmax"``); `calibration` is
    the data for it. The weights' qparams are fitted to the weights. The qparams of each input is
    fitted to all that enters the layer when the data run through the model in evaluation mode, with
    the layers before it quantized already and it and those after it float: what counts is which
    samples are given, not how they are divided into batches. A few hundred are mostly enough.
    Without quantized inputs no data are needed.

    The arguments are those of `MLP`: unless told otherwise the last layer is float and the first
    is as the others. The first is the one that the data run first, the last the one that they run
    last, though it may have run before; one of several that is both counts as the last. Without
    data the order is that in which the model holds them. `qnn.skipped` lists the layers that are
    float then, and why.

    Args:
        model: a trained module without quantizers.
        weight: quantizer of the layers' weights, None for float.
        input: quantizer of their inputs, None for float.
        calibration: inputs ``[n, ...]``, ``(x, y)``, a data set, or batches of these, such as a
            DataLoader; targets are not used.
        first_weight: quantizer of the first layer's weight, None for float; ``"same"`` is `weight`.
        first_input: quantizer of the first layer's input, None for float; ``"same"`` is `input`.
        last_weight: quantizer of the last layer's weight, None for float; ``"same"`` is `weight`.
            If there is one layer, this counts, or if it is None or ``"same"``, `first_weight`.
        last_input: quantizer of the last layer's input, likewise.
        layers: quantizers of single layers in place of all of these: by the layer's path, or a
            pattern of paths, a pair ``(weight, input)``, one quantizer for both, or None to leave
            it float; see `apply_rules`.

    Raises:
        SpecError: for an unknown quantizer or layer, if nothing would be quantized, if something
            is already, for a layer whose `forward` is the user's own, or what is no module.
        StateError: if there are no data for an input, or they never run its layer.
        ShapeError: if the data are empty.
        NonFiniteError: if they, or what a layer gets, hold NaN or infinity.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([3, 4, 2], seed=0)
        >>> x = np.random.default_rng(0).normal(size=(8, 3))
        >>> quantize(model, weight="symmetric:4", input="uniform:4", calibration=x)
        MLP()
          layers.0: QuantLinear(3, 4, bias=True)
            weight_quantizer: QuantizeWeight(Symmetric(bits=4))
            input_quantizer: Quantize(Uniform(bits=4))
          layers.1: ReLU()
          layers.2: Linear(4, 2, bias=True)
    """
    check_module("quantize", model)
    copied = copy.deepcopy(model).eval()
    found = _float_layers(copied)
    batches: list[Array] = []
    if calibration is not None:
        batches = checked_inputs(calibration, copied.dtype, "quantize")
    order, last = _in_order(copied, found, batches)
    pairs = dict.fromkeys(order, (weight, input))
    pairs[order[0]], pairs[last] = of_the_ends(
        (weight, input),
        (first_weight, first_input),
        (last_weight, last_input),
        only=len(order) == 1,
    )
    pairs |= by_layer("quantize, layers", layers or {}, order)
    made = {n: _quantized(n, found[n], *pair) for n, pair in pairs.items() if pair != (None, None)}
    for name in pairs.keys() - made.keys():
        place = "last" if name == last else "first" if name == order[0] else ""
        why = float_by(layers or {}, name) or not_asked(place)
        leave_float(found[name], why, bounds_if_quantized(found[name]))
    if not made:
        raise SpecError(
            "quantize: nothing would be quantized: give weight= or input=; the last layer "
            f"({last!r}) stays float unless last_weight= or last_input= says otherwise"
        )
    quantized = exchange(copied, made).eval()
    _calibrate(quantized, made, batches)
    return quantized


def _float_layers(model: Module) -> dict[str, Linear | Conv2d]:
    """Return the layers of a model that has no quantizers."""
    done = list(surgery.quantizers(model))
    if done:
        raise SpecError(
            f"quantize: {', '.join(done)}: quantized already; give the model as float, or "
            "`allocate` to choose other bits"
        )
    found = surgery.layers(model)
    if not found:
        raise SpecError(f"quantize: there is no Linear and no Conv2d in the {type(model).__name__}")
    return found


def _in_order(
    model: Module, found: Mapping[str, Module], batches: Sequence[Array]
) -> tuple[list[str], str]:
    """Return the names of the layers in the order of their first runs, and that of the last run."""
    if not batches:
        return list(found), list(found)[-1]
    names = {id(layer): name for name, layer in found.items()}
    paths = dict(model.named_modules())
    scopes = (names.get(id(paths[node.scope])) for node in trace(model, batches[0][:1]).nodes)
    runs = [name for name in scopes if name is not None]
    order = list(dict.fromkeys([*runs, *found]))
    return order, runs[-1] if runs else order[-1]


def _quantized(name: str, layer: Module, weight: Spec, input: Spec) -> Module:
    if type(layer) not in QUANT_LAYER:
        raise SpecError(
            f"quantize: {name!r} is a {type(layer).__name__}, whose forward is its own: leave it "
            f"float with layers={{{name!r}: None}}"
        )
    return with_quantizers("quantize", name, layer, (weight, input), None)


def _calibrate(model: Module, order: Mapping[str, Module], batches: Sequence[Array]) -> None:
    """Fit the qparams of each input to what it gets, one after the other as they run."""
    found = surgery.quantizers(model)
    names = [joined(name, "input_quantizer") for name in order]
    waiting = [n for n in names if n in found and not found[n].calibrated.array]
    if waiting and not batches:
        raise StateError(
            f"quantize: calibration= is needed: data to find the ranges of {', '.join(waiting)}"
        )
    for position, name in enumerate(waiting):
        seen = _Seen()
        later: dict[str, Module | None] = dict.fromkeys(waiting[position:], Float())
        observed = exchange(model, later | {name: seen})
        with no_grad():
            for x in batches:
                observed(x)
        _fit(found[name], name, seen.arrays)


class _Seen(Module):
    """Stands where an input quantizer is to be, and keeps what it gets."""

    def __init__(self) -> None:
        self.arrays: list[Array] = []

    def forward(self, x: Tensor) -> Tensor:
        self.arrays.append(x.array)
        return x


def _fit(quantizer: Quantize, name: str, arrays: Sequence[Array]) -> None:
    layer = name.rpartition(".")[0]
    if not arrays:
        raise StateError(
            f"quantize: the data never run {layer!r}, so its input has no range; leave it float "
            f"with layers={{{layer!r}: None}}"
        )
    try:
        quantizer.observe(_together(arrays, quantizer.quantizer.axis))
    except NonFiniteError as error:
        raise NonFiniteError(f"quantize: the input of {layer!r}: {error}") from error


def _together(arrays: Sequence[Array], axis: int | None) -> Array:
    """Return all elements in one array with its channels on `axis`, whatever the other lengths.

    A convolution may get images of several sizes.
    """
    if axis is None:
        return np.concatenate([x.ravel() for x in arrays])
    moved = [np.moveaxis(x, axis, -1) for x in arrays]
    together_nc = np.concatenate([x.reshape(-1, x.shape[-1]) for x in moved])
    shape = [1] * arrays[0].ndim
    shape[0], shape[axis] = together_nc.shape
    return together_nc.reshape(shape)
