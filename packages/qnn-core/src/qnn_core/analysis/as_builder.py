"""A model as a builder: the same net with other quantizers and other initial weights."""

import copy
from collections.abc import Mapping
from typing import Any

from ..autodiff import Buffer
from ..errors import SpecError
from ..nn import BatchNorm, Module
from ..nn.init import generator, kaiming_uniform
from ..nn.left_float import leave_float, not_asked
from ..nn.models.specs import SAME, Spec, of_the_ends
from ..nn.surgery import check_module, layers, modules, quantizers
from .rules import Rule, apply_rules, by_layer, float_by


class ModelBuilder:
    """What `as_builder` returns: call it for a net; it can be pickled.

    Attributes:
        model: whose structure it has.
        ends: quantizers of the first and the last layer, by their names in `MLP`.
    """

    def __init__(self, model: Module, ends: Mapping[str, Any]) -> None:
        self.model = model
        self.ends = dict(ends)

    def __call__(
        self,
        *,
        weight: Spec = None,
        input: Spec = None,
        seed: Any = None,
        layers: Mapping[str, Rule] | None = None,
        **ends: Spec,
    ) -> Module:
        """Return an untrained net.

        Args:
            weight: quantizer of the layers' weights, None for float.
            input: quantizer of their inputs, None for float.
            seed: of the initial weights (He et al. 2015, uniform).
            layers: quantizers of single layers, see `qnn.quantize`.
            ends: those of the first and last layer in place of the builder's.
        """
        if unknown := [name for name in ends if name not in self.ends]:
            raise SpecError(f"as_builder: no argument is called {unknown[0]!r}")
        model = _begun(copy.deepcopy(self.model), seed)
        if weight is None and input is None and not ends:
            at: dict[str, Any] = dict.fromkeys(self.ends)  # all is float
        else:
            at = self.ends | ends
        pairs: dict[str, tuple[Spec, Spec]] = dict.fromkeys(_layers(model), (weight, input))
        first, last = next(iter(pairs)), [*pairs][-1]
        pairs[first], pairs[last] = of_the_ends(
            (weight, input),
            (at["first_weight"], at["first_input"]),
            (at["last_weight"], at["last_input"]),
            only=first == last,
        )
        given = by_layer("as_builder, layers", layers or {}, pairs)
        pairs |= given
        made = apply_rules(model, {n: pair for n, pair in pairs.items() if pair != (None, None)})
        for name, pair in pairs.items():
            if pair == (None, None):
                place = "last" if name == last else "first" if name == first else ""
                why = float_by(layers or {}, name) or not_asked(place)
                leave_float(modules(made)[name], why)
        return made.train()


def as_builder(
    model: Module,
    *,
    first_weight: Spec = SAME,
    first_input: Spec = SAME,
    last_weight: Spec = None,
    last_input: Spec = None,
) -> ModelBuilder:
    """Return a function that builds nets like a model, as `compare` wants one.

    A net from elsewhere (`qnn.from_onnx`, `qnn.from_torch`) is compared at several widths so; its
    trained weights are what configs start from, with ``start=``: else its linear and convolutional
    layers begin anew, from the seed, and batch normalization as when it is made. All else is as in
    the model: parameters and buffers of other modules, such as your own, keep their values.

    Called without quantizers it returns a float net; else the first and last of its linear and
    convolutional layers, in the order in which the model holds them, are quantized as
    `qnn.quantize` does, or as is said here.

    Args:
        model: without quantizers; it is copied, and stays as it is.
        first_weight: quantizer of the first layer's weight, None for float; ``"same"`` for that of
            the others.
        first_input: quantizer of its input, likewise.
        last_weight: quantizer of the last layer's weight, likewise. If there is one layer, this
            counts, or if it is None or ``"same"``, `first_weight`.
        last_input: quantizer of its input, likewise.

    Raises:
        SpecError: if the model has quantizers, or no layer that could have one.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> trained = qnn.MLP([3, 4, 2], seed=0)
        >>> build = as_builder(trained)
        >>> model = build(weight="binary", input="binary", seed=1)
        >>> model
        MLP()
          layers.0: QuantLinear(3, 4, bias=True)
            weight_quantizer: QuantizeWeight(Binary(bits=1))
            input_quantizer: Quantize(Binary(bits=1))
          layers.1: ReLU()
          layers.2: Linear(4, 2, bias=True)
        >>> model = qnn.warm_start(model, trained)
    """
    check_module("as_builder", model)
    if done := list(quantizers(model)):
        raise SpecError(
            f"as_builder: {', '.join(done[:3])}: quantized already; a float model is needed"
        )
    _layers(model)
    ends = {
        "first_weight": first_weight,
        "first_input": first_input,
        "last_weight": last_weight,
        "last_input": last_input,
    }
    return ModelBuilder(copy.deepcopy(model), ends)


def _layers(model: Module) -> list[str]:
    found = list(layers(model))
    if not found:
        raise SpecError(
            f"as_builder: there is no Linear and no Conv2d in the {type(model).__name__}"
        )
    return found


def _begun(model: Module, seed: Any) -> Module:
    """Give a model weights as its layers have them when they are made."""
    rng = generator(seed)
    for layer in layers(model).values():
        shape = layer.weight.shape
        fan_in = layer.weight.size // shape[0]
        _put(layer.weight, kaiming_uniform(shape, fan_in, rng))
        if layer.bias is not None:
            _put(layer.bias, 0)
    for module in modules(model).values():
        if isinstance(module, BatchNorm):
            for buffer, value in (
                (module.weight, 1),
                (module.bias, 0),
                (module.running_mean, 0),
                (module.running_variance, 1),
            ):
                _put(buffer, value)
    return model


def _put(tensor: Buffer | Any, value: Any) -> None:
    tensor.array[...] = value
    tensor.written()
