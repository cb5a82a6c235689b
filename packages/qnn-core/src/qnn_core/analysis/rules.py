"""Quantizers layer by layer: rules by the layers' names, for any model."""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from ..errors import SpecError, nearest
from ..nn import Conv1d, Conv2d, Linear, Module, QuantConv1d, QuantConv2d, QuantLinear
from ..nn.left_float import NOTE, Bounds, bounds_if_quantized, leave_float
from ..nn.models.specs import Pair, Spec
from ..nn.surgery import check_module, exchange, layers
from ..quantizer import Quantizer

M = TypeVar("M", bound=Module)
# A quantizer of weight and input, one of each, or None for float.
Rule = Spec | Pair

# What a quantizer may be given as; of a class an object is made.
KINDS = (str, Quantizer, type(Quantizer), type(None))

FLOAT_LAYER: dict[type[Module], type[Module]] = {
    QuantLinear: Linear,
    QuantConv1d: Conv1d,
    QuantConv2d: Conv2d,
}
QUANT_LAYER: dict[type[Module], Any] = {
    **{plain: quantized for quantized, plain in FLOAT_LAYER.items()},
    **{quantized: quantized for quantized in FLOAT_LAYER},
}


def apply_rules(model: M, rules: Mapping[str, Rule], *, weight_bounds: Bounds = None) -> M:
    """Return a model with the quantizers that rules give to its linear and convolutional layers.

    Layers that no rule names stay as they are. The model is a copy that shares all parameters with
    the given one; scales of weights are fitted to the weights, those of inputs are still to be
    fitted. `qnn.skipped` lists what is float then, and why.

    Args:
        model: with linear and convolutional layers, quantized or not, anywhere in it.
        rules: by the path of a layer, or a pattern of paths with ``*`` and ``?``: a quantizer for
            weight and input, a pair ``(weight, input)``, or None for a float layer. Where several
            fit, the last one counts.
        weight_bounds: ``(low, high)`` that the latent weights of the layers that rules quantize are
            kept inside; left out: those that a layer, or the builder of the model, was given. A
            layer that gets bounds has a weight of its own, with the same values.

    Raises:
        SpecError: for a pattern that fits no layer, an unknown quantizer, a rule that is none, or a
            layer whose class is the user's own.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([8, 6, 4, 2], weight="binary", seed=0)
        >>> apply_rules(model, {"*": None, "layers.0": ("symmetric:8", None)})
        MLP()
          layers.0: QuantLinear(8, 6, bias=True)
            weight_quantizer: QuantizeWeight(Symmetric(bits=8))
          layers.1: ReLU()
          layers.2: Linear(6, 4, bias=True)
          layers.3: ReLU()
          layers.4: Linear(4, 2, bias=True)
    """
    check_module("apply_rules", model)
    found = layers(model)
    chosen = by_layer("apply_rules", rules, found)
    made: dict[str, Module] = {}
    weights: dict[int, Any] = {}  # with bounds they are other parameters, and stay shared
    for name, pair in chosen.items():
        before = found[name]
        # Of a quantized layer they are those of its weight, which both share.
        bounds = bounds_if_quantized(before) if weight_bounds is None else weight_bounds
        layer: Any = with_quantizers("apply_rules", name, before, pair, bounds)
        if layer.weight is not before.weight:
            layer.weight = weights.setdefault(id(before.weight), layer.weight)
        if pair == (None, None):
            leave_float(layer, float_by(rules, name), bounds_if_quantized(before))
        made[name] = layer
    return exchange(model, made)


def by_layer(where: str, rules: Mapping[str, Any], known: Iterable[str]) -> dict[str, Pair]:
    """Return the pair of quantizers of each layer that a rule fits.

    Args:
        where: for messages.
        rules: see `apply_rules`.
        known: paths of the layers.

    Raises:
        SpecError: for a pattern that fits none of them, or a rule that is none.

    Example:
        >>> by_layer("f", {"*": "binary", "b*": ("nf4", None)}, ["a", "b.0"])
        {'a': ('binary', 'binary'), 'b.0': ('nf4', None)}
    """
    known = list(known)
    found: dict[str, Pair] = {}
    for pattern, rule in rules.items():
        fitting = [name for name in known if _fits(pattern, name)]
        if not fitting:
            raise SpecError(
                f"{where}: no layer is called {pattern!r}{nearest(str(pattern), known)} "
                f"(layers: {', '.join(known)})"
            )
        found |= dict.fromkeys(fitting, _pair(where, pattern, rule))
    return found


def float_by(rules: Mapping[str, Any], name: str) -> str:
    """Return that a rule leaves a layer float, and which one; ``""`` if no rule fits it.

    Example:
        >>> float_by({"*": None, "b*": None}, "b.0"), float_by({"b*": None}, "a")
        ("the rule 'b*' is None", '')
    """
    fitting = [pattern for pattern in rules if _fits(pattern, name)]
    return f"the rule {fitting[-1]!r} is None" if fitting else ""


def _fits(pattern: str, name: str) -> bool:
    return name == pattern or fnmatch.fnmatchcase(name, pattern)


def _pair(where: str, pattern: str, rule: Any) -> Pair:
    pair = tuple(rule) if isinstance(rule, tuple | list) else (rule, rule)
    if len(pair) != 2 or not all(isinstance(one, KINDS) for one in pair):
        raise SpecError(
            f"{where}: {pattern!r} needs a quantizer, a pair (weight, input), or None for float, "
            f"got {rule!r}"
        )
    weight, input = (None if one == "float" else one for one in pair)
    return weight, input


def with_quantizers(where: str, name: str, layer: Module, pair: Pair, bounds: Bounds) -> Module:
    """Return a layer with other quantizers, or without, which shares its parameters.

    With bounds its weight is a parameter of its own.

    Args:
        where: for messages.
        name: the layer's path, for messages.
        layer: a linear or convolutional layer, with quantizers or without.
        pair: quantizers of weight and input, None for float.
        bounds: ``(low, high)`` of a quantized weight, None for none.

    Raises:
        SpecError: if the layer's class is the user's own.
    """
    kind = type(layer)
    if kind not in QUANT_LAYER:
        raise SpecError(
            f"{where}: {name!r} is a {kind.__name__}, whose forward is its own: no rule may name it"
        )
    plain = FLOAT_LAYER.get(kind, kind)
    made: Module = plain.__new__(plain)
    old = ("weight_quantizer", "input_quantizer", NOTE)
    vars(made).update({n: v for n, v in vars(layer).items() if n not in old})
    if pair == (None, None):
        return made
    weight, input = pair
    quantized: Module = QUANT_LAYER[kind].from_float(
        made, weight=weight, input=input, weight_bounds=bounds
    )
    return quantized.astype(layer.dtype)
