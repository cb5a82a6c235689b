"""Quantizers layer by layer: rules by the layers' names, for any model."""

import fnmatch
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from ..errors import SpecError, nearest
from ..nn import Conv1d, Conv2d, Linear, Module, QuantConv1d, QuantConv2d, QuantLinear
from ..nn.models.specs import Pair, Spec
from ..nn.surgery import check_module, exchange, layers
from ..quantizer import Quantizer

M = TypeVar("M", bound=Module)
# A quantizer of weight and input, one of each, or None for float.
Rule = Spec | Pair

FLOAT_LAYER: dict[type[Module], type[Module]] = {
    QuantLinear: Linear,
    QuantConv1d: Conv1d,
    QuantConv2d: Conv2d,
}
QUANT_LAYER: dict[type[Module], Any] = {
    **{plain: quantized for quantized, plain in FLOAT_LAYER.items()},
    **{quantized: quantized for quantized in FLOAT_LAYER},
}


def apply_rules(model: M, rules: Mapping[str, Rule]) -> M:
    """Return a model with the quantizers that rules give to its linear and convolutional layers.

    Layers that no rule names stay as they are. The model is a copy that shares all parameters with
    the given one; scales of weights are fitted to the weights, those of inputs are still to be
    fitted.

    Args:
        model: with linear and convolutional layers, quantized or not, anywhere in it.
        rules: by the path of a layer, or a pattern of paths with ``*`` and ``?``: a quantizer for
            weight and input, a pair ``(weight, input)``, or None for a float layer. Where several
            fit, the last one counts.

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
    return exchange(model, {name: _with(name, found[name], *p) for name, p in chosen.items()})


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
        fitting = [name for name in known if name == pattern or fnmatch.fnmatchcase(name, pattern)]
        if not fitting:
            raise SpecError(
                f"{where}: no layer is called {pattern!r}{nearest(str(pattern), known)} "
                f"(layers: {', '.join(known)})"
            )
        found |= dict.fromkeys(fitting, _pair(where, pattern, rule))
    return found


def _pair(where: str, pattern: str, rule: Any) -> Pair:
    pair = tuple(rule) if isinstance(rule, tuple | list) else (rule, rule)
    if len(pair) != 2 or not all(isinstance(one, str | Quantizer | None) for one in pair):
        raise SpecError(
            f"{where}: {pattern!r} needs a quantizer, a pair (weight, input), or None for float, "
            f"got {rule!r}"
        )
    weight, input = (None if one == "float" else one for one in pair)
    return weight, input


def _with(name: str, layer: Module, weight: Spec, input: Spec) -> Module:
    """Return a layer with other quantizers, which shares its parameters."""
    kind = type(layer)
    if kind not in QUANT_LAYER:
        raise SpecError(
            f"apply_rules: {name!r} is a {kind.__name__}, whose forward is its own: no rule may "
            "name it"
        )
    plain = FLOAT_LAYER.get(kind, kind)
    made: Module = plain.__new__(plain)
    quantizers = ("weight_quantizer", "input_quantizer")
    vars(made).update({n: v for n, v in vars(layer).items() if n not in quantizers})
    if (weight, input) == (None, None):
        return made
    quantized: Module = QUANT_LAYER[kind].from_float(made, weight=weight, input=input)
    return quantized.astype(layer.dtype)
