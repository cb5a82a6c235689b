"""Biases that make up for what quantizing a trained net shifts."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Tensor, no_grad
from ..data import Given, checked_inputs, joined, run
from ..errors import SpecError
from ..nn import Module
from ..nn.surgery import check_module, exchange, layers
from ..training.evaluate import evaluating

Array = NDArray[Any]


def correct_biases(model: Module, trained: Module, data: Given) -> list[str]:
    """Change the biases of a quantized net so that each layer's mean output is that of another.

    Quantized weights and inputs shift the mean of what a layer gives. The shift of each output
    channel is measured on some samples, layer by layer, with the layers before it corrected
    already, and taken off the bias: empirical bias correction, Nagel et al. 2019,
    arXiv:1906.04721, section 4.2 and appendix D. Nothing is trained.

    Args:
        model: quantized, with layers of the same paths; its biases are changed in place.
        trained: the float net that it was made of.
        data: inputs ``[n, ...]``, ``(x, y)``, a data set, or batches; some hundred samples do.

    Returns:
        The paths of the layers whose bias was changed: those that are quantized and have one.

    Raises:
        SpecError: if a quantized layer is not in `trained`.
        ShapeError, NonFiniteError: for data that are none.

    Example:
        >>> import qnn_core as qnn
        >>> x = np.random.default_rng(0).normal(size=(64, 3)).astype(np.float32)
        >>> trained = qnn.MLP([3, 8, 2], seed=0)
        >>> model = qnn.quantize(trained, weight="symmetric:2", calibration=x)
        >>> correct_biases(model, trained, x)
        ['layers.0']
    """
    check_module("correct_biases", model)
    x = joined(checked_inputs(data, model.dtype, "correct_biases"))
    known = layers(trained)
    changed = []
    for path, layer in layers(model).items():
        quantized = [getattr(layer, name, None) for name in ("weight_quantizer", "input_quantizer")]
        if not any(quantized) or layer.bias is None:
            continue
        if path not in known:
            raise SpecError(f"correct_biases: the trained net has no layer {path!r}")
        shift = _mean_output(model, path, layer, x) - _mean_output(trained, path, known[path], x)
        layer.bias.array[...] -= shift.astype(layer.bias.dtype)
        layer.bias.written()
        changed.append(path)
    return changed


class _Watched(Module):
    """A layer whose outputs are added up, by channel."""

    def __init__(self, layer: Module) -> None:
        self.layer = layer
        self.total: Array = np.zeros(())
        self.count = 0

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x)
        rows = y.array.reshape(-1, y.shape[-1])
        self.total = self.total + rows.sum(axis=0, dtype=np.float64)
        self.count += len(rows)
        return y


def _mean_output(model: Module, path: str, layer: Module, x: Array) -> Array:
    """Return the mean of each output channel of a layer, in evaluation mode."""
    watched = _Watched(layer)
    seen = exchange(model, {path: watched})
    with evaluating(seen), no_grad():
        run(seen, x)
    mean: Array = watched.total / max(watched.count, 1)
    return mean
