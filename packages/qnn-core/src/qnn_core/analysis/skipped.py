"""Layers that stay float, and why: none is passed over in silence."""

from collections.abc import Mapping

from ..autodiff import Parameter
from ..nn import Conv2d, Linear, Module, Quantize
from ..nn.left_float import why_float
from ..nn.parts import children, held
from ..nn.quant.quantized_weight import QuantizedWeight
from ..nn.surgery import check_module, modules
from .rules import QUANT_LAYER

BUILT = "built without quantizers"


def skipped(model: Module) -> dict[str, str]:
    """Return the layers of a model that are float, each with the reason, by their paths.

    A layer counts that multiplies by weights: linear and convolutional ones, and any module of
    one's own that holds a parameter of two axes or more. Of a layer with one quantizer, of its
    weight or of its input, `summary` shows the bits of both.

    Args:
        model: any module: of a builder, of `quantize` or `apply_rules`, or of one's own.

    Raises:
        SpecError: for what is no module.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([8, 6, 4, 2], weight="binary", seed=0)
        >>> for path, why in skipped(qnn.apply_rules(model, {"layers.0": None})).items():
        ...     print(f"{path}: {why}")
        layers.0: the rule 'layers.0' is None
        layers.4: the last layer: last_weight and last_input are None
    """
    check_module("skipped", model)
    found = modules(model)
    quantized = {
        id(module.weight): path
        for path, module in found.items()
        if isinstance(module, QuantizedWeight) and module.weight_quantizer is not None
    }
    reasons = {}
    for path, module in found.items():
        if why := _why(module):
            other = quantized.get(id(getattr(module, "weight", None)))
            reasons[path] = why + (f"; {other}, which has the same weight, is not" if other else "")
    return reasons


def _why(module: Module) -> str:
    """Return why a layer is float, ``""`` if it is not, or is no layer with weights."""
    name = type(module).__name__
    if isinstance(module, QuantizedWeight):
        both = module.weight_quantizer, module.input_quantizer
        return (why_float(module) or BUILT) if both == (None, None) else ""
    if isinstance(module, Quantize) or any(isinstance(c, Quantize) for c in children(module)):
        return ""
    if type(module) in QUANT_LAYER:
        return why_float(module) or BUILT
    if isinstance(module, Linear | Conv2d):
        return f"its forward is {name}'s own: nobody else can quantize it"
    weights = [part for _, part in held(module) if isinstance(part, Parameter) and part.ndim > 1]
    if weights:
        return f"{name} holds weights of its own, and no quantizer that qnn knows"
    return ""


def by_reason(skipped: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the paths of each reason, in one text, and the reason.

    Example:
        >>> by_reason({"a": "it is first", "b": "a rule", "c": "a rule"})
        [('a', 'it is first'), ('b, c', 'a rule')]
    """
    groups: dict[str, list[str]] = {}
    for path, why in skipped.items():
        groups.setdefault(why, []).append(path)
    return [(", ".join(paths), why) for why, paths in groups.items()]
