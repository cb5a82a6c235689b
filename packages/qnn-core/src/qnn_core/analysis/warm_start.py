"""Warm starts: a net with quantizers begins with the weights of a trained one."""

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..autodiff import no_grad
from ..data import Given, checked_inputs, joined, run
from ..errors import StateError
from ..nn import Module, Quantize
from ..nn.quant.quantize import QuantizeWeight
from ..nn.surgery import check_module, quantizers

M = TypeVar("M", bound=Module)
Array = NDArray[Any]
State = Mapping[str, ArrayLike]


def warm_start(model: M, trained: Module | State, *, calibration: Given | None = None) -> M:
    """Give a model the parameters of a trained one, fit its quantizers to them, and return it.

    Nearly every published result of few bits begins with a trained float net. All that both models
    have by one path is taken over: latent weights, biases, batch normalization with its running
    statistics. What belongs to quantizers is not, since a scale that fits other weights, or other
    levels, fits nothing here: each scale is fitted anew, the weights' to the weights that were
    loaded, the inputs' to what enters them when the calibration data run through the model. A
    quantizer that is the same in both, by its arguments, keeps what it has learned.

    Args:
        model: what is to be trained further, or used as it is; it is changed in place, and its mode
            stays as it is.
        trained: a module of the same parameters, quantized or not, or its ``state_dict()``.
        calibration: inputs ``[n, ...]``, ``(x, y)``, a data set, or batches; some hundred samples
            do. Left out: the inputs' ranges are fitted to the first batch that is trained on.

    Raises:
        StateError: if a parameter has another shape in `trained`, only one of both has it, or it
            holds NaN; the message lists all of them, and nothing was changed.
        ShapeError, NonFiniteError: for data that are none.

    Example:
        >>> import qnn_core as qnn
        >>> x = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
        >>> trained = qnn.MLP([3, 8, 2], seed=1)
        >>> model = qnn.MLP([3, 8, 2], weight="symmetric:4", input="symmetric:4", seed=0)
        >>> model = qnn.warm_start(model, trained, calibration=x)
        >>> bool(np.all(model.layers[0].weight.array == trained.layers[0].weight.array))
        True
    """
    check_module("warm_start", model)
    found = quantizers(model)
    kept = _same(found, trained)
    state = trained.state_dict() if isinstance(trained, Module) else trained
    _load(model, found, kept, state)
    batches = [] if calibration is None else checked_inputs(calibration, model.dtype, "warm_start")
    anew = [quantizer for path, quantizer in found.items() if path not in kept]
    for quantizer in anew:
        quantizer.forget()  # those of weights are fitted when they are next used
    if batches:
        _calibrate(model, anew, batches)
    return model


def calibrate(model: M, data: Given) -> M:
    """Fit what no data have been seen for: the ranges of inputs that are not known yet.

    All else stays as it is: ranges that are known, weights, running statistics, the mode. So a net
    whose weights were loaded can be evaluated.

    Args:
        model: with quantizers; it is changed in place, and returned.
        data: inputs ``[n, ...]``, ``(x, y)``, a data set, or batches; some hundred samples do.

    Raises:
        ShapeError, NonFiniteError: for data that are none.

    Example:
        >>> import qnn_core as qnn
        >>> x = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)
        >>> model = qnn.MLP([3, 8, 2], weight="symmetric:4", input="symmetric:4", seed=0)
        >>> calibrate(model, x).eval()(x).shape
        (32, 2)
    """
    check_module("calibrate", model)
    unknown = [q for q in quantizers(model).values() if not q.calibrated.array]
    batches = checked_inputs(data, model.dtype, "calibrate")
    if batches:
        _calibrate(model, unknown, batches)
    return model


def _same(found: Mapping[str, Quantize], trained: Any) -> set[str]:
    """Return the paths of the quantizers that are the same in both models."""
    if not isinstance(trained, Module):
        return set()
    theirs = quantizers(trained)
    return {p for p, q in found.items() if p in theirs and theirs[p].scheme == q.scheme}


def _load(model: Module, found: Mapping[str, Quantize], kept: set[str], state: State) -> None:
    left_out = tuple(f"{path}." for path in found if path not in kept)
    own = dict([*model.named_parameters(), *model.named_buffers()])
    # Noise is the net's own, as its seed is.
    own = {
        name: tensor
        for name, tensor in own.items()
        if not name.startswith(left_out) and not name.endswith("_quantizer.noise")
    }
    problems = [f"the trained net has no {name}" for name in own if name not in state]
    problems += [
        f"the model has no {name}"
        for name in state
        if name not in own and not name.startswith(left_out) and not _of_quantizer(name)
    ]
    for name in own.keys() & state.keys():
        here, there = own[name].shape, np.shape(state[name])
        if here != there:
            problems.append(f"{name} has shape {there} in the trained net, and {here} in the model")
        elif not np.all(np.isfinite(state[name])):
            problems.append(f"{name} holds NaN or infinity")
    if problems:
        raise StateError(
            "warm_start: the trained net does not fit the model:\n  "
            + "\n  ".join(sorted(problems))
        )
    for name, tensor in own.items():
        tensor.array[...] = state[name]
        tensor.written()


def _of_quantizer(name: str) -> bool:
    """Whether a name of a state is of a quantizer that the model need not have."""
    return any(part.endswith("_quantizer") for part in name.split("."))


def _calibrate(model: Module, found: list[Quantize], batches: list[Any]) -> None:
    """Fit the qparams of the inputs, each with the layers before it quantized already.

    In one pass: in training, a quantizer fits its range to the first data that it gets. All else is
    in evaluation mode, so that no statistics move.
    """
    modes = [(module, module.training) for _, module in model.named_modules()]
    try:
        model.eval()
        for quantizer in found:
            if not isinstance(quantizer, QuantizeWeight):
                quantizer.training = True
        with no_grad():
            run(model, joined(batches))
    finally:
        for module, training in modes:
            module.training = training
