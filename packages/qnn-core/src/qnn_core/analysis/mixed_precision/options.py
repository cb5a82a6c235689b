"""What the weight of each layer may be quantized with."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...arguments import number
from ...errors import SpecError
from ...nn import Module, QuantizeWeight
from ...nn.quant.quantized_weight import QuantizedWeight
from ...nn.surgery import check_names, modules
from ...quantizer import Quantizer
from ...registry import get_quantizer

Array = NDArray[Any]

FLOAT_BITS = 32

# Bits (32: float), a spec string, or a quantizer.
Choice = int | str | Quantizer
Choices = Iterable[Choice] | Mapping[str, Iterable[Choice]] | None


@dataclass(frozen=True, eq=False)
class Option:
    """One way to store a weight.

    Attributes:
        name: the choice in short, such as ``"4"``, ``"binary"`` or ``"float"``.
        quantizer: the scheme, None for float.
        module: it, fitted to the weight; None for float.
        weight: the float weight.
    """

    name: str
    quantizer: Quantizer | None
    module: QuantizeWeight | None
    weight: Array

    @property
    def bits(self) -> int:
        """Bits of a weight."""
        return FLOAT_BITS if self.quantizer is None else self.quantizer.bits

    def arrays(self) -> tuple[Array, ...]:
        """Return what is stored of the weight."""
        if self.module is None:
            return (self.weight,)
        coded = self.module.encode(self.weight)
        return coded.packed, coded.levels, coded.scale, coded.shift


def options_of(model: Module, bits: Choices) -> dict[str, list[Option]]:
    """Return the options of each layer with a quantized weight, by the layer's path.

    Raises:
        SpecError: if there is no such layer, or a choice has no meaning.
    """
    found = {
        path: module
        for path, module in modules(model).items()
        if isinstance(module, QuantizedWeight) and module.weight_quantizer is not None
    }
    if not found:
        raise SpecError(
            f"allocate: no layer of this {type(model).__name__} has a quantized weight; "
            "qnn.quantize(model, weight=...) says which are to have one, and of which scheme"
        )
    if isinstance(bits, Mapping):
        check_names("allocate, bits", bits, found)
        named = {path: _listed(repr(path), choices) for path, choices in bits.items()}
    else:
        named = dict.fromkeys(found, _listed("bits", bits))
    return {path: _options(path, layer, named.get(path)) for path, layer in found.items()}


def _listed(where: str, choices: Iterable[Choice] | None) -> list[Choice] | None:
    """Return choices as a list, NumPy's whole numbers as Python's."""
    if choices is None:
        return None
    given = [*choices] if isinstance(choices, Iterable) and not isinstance(choices, str) else []
    if not given:
        raise SpecError(f"allocate: {where} needs choices such as (2, 4, 8), got {choices!r}")
    return [int(choice) if isinstance(choice, np.integer) else choice for choice in given]


def _options(path: str, layer: QuantizedWeight, choices: list[Choice] | None) -> list[Option]:
    assert layer.weight_quantizer is not None
    own = layer.weight_quantizer.scheme
    found: dict[Quantizer | None, Option] = {}
    for choice in _widths(own) if choices is None else choices:
        scheme = _quantizer(path, own, choice)
        name = _name(own, scheme, choice)
        found.setdefault(scheme, Option(name, scheme, _module(layer, scheme), layer.weight.array))
    return [*found.values()]


def _name(own: Quantizer, scheme: Quantizer | None, choice: Choice) -> str:
    """Return the choice in short; a quantizer that is the layer's own at another width is bits."""
    if scheme is None:
        return "float"
    if isinstance(choice, Quantizer) and type(scheme) is type(own):
        return str(scheme.bits) if replace(own, bits=scheme.bits) == scheme else str(scheme)
    return str(choice)


def _widths(own: Quantizer) -> list[Choice]:
    """Return the widths at which a scheme has a meaning."""
    found: list[Choice] = []
    for bits in range(1, 9):
        try:
            found.append(get_quantizer(own, bits=bits).bits)
        except SpecError:
            continue
    return found


def _quantizer(path: str, own: Quantizer, choice: Any) -> Quantizer | None:
    bits = number(choice)
    if bits == FLOAT_BITS:
        return None
    try:
        if bits is not None:
            return get_quantizer(own, bits=bits)
        return get_quantizer(choice)
    except SpecError as error:
        raise SpecError(
            f"allocate: {path!r} cannot have {choice!r} (bits of its own scheme, "
            f"{FLOAT_BITS} for float, or a spec): {error}"
        ) from error


def _module(layer: QuantizedWeight, scheme: Quantizer | None) -> QuantizeWeight | None:
    own = layer.weight_quantizer
    if scheme is None or own is None:
        return None
    # Its own bits with its own qparams: a learned scale stays as it was learned.
    if scheme == own.scheme:
        return own
    return QuantizeWeight(scheme, layer.weight).astype(layer.weight.dtype).eval()
