"""How the class is found: the order of the outputs' numbers, with integers if that can be."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..plan import Output
from .arrays import smallest


@dataclass(frozen=True, eq=False)
class Scores:
    """Numbers that are ordered as the outputs are.

    Attributes:
        expression: in C, of channel n and the values y.
        kind: its type.
        least: a number to begin with.
        zero: the number that stands for 0.
        tables: ``(type, name, values)``.
        uses_library: whether it calls ``score`` of the library.
        way: in words.
    """

    expression: str
    kind: str
    least: str
    zero: str
    tables: tuple[tuple[str, str, Any], ...]
    uses_library: bool
    way: str


# The numbers themselves, in memory or as another function of the net gives them.
FLOATS = Scores("y[n]", "float", "0.0f", "0.0f", (), False, "float32")


def scores(output: Output, *, logits: bool) -> Scores | None:
    """Return how the outputs are ordered; None if the output has no classes, or takes floats.

    Args:
        output: of sums, codes or floats.
        logits: whether floats may be used.
    """
    if len(output.value.shape) != 1:
        return None
    if output.value.kind == "codes":
        return _codes(output)
    if output.value.kind == "floats":
        return FLOATS
    found = None if output.links else _sums(output)
    return FLOATS if found is None and logits else found


def _codes(output: Output) -> Scores:
    coding = output.value.coding
    assert coding is not None
    zero = int(np.searchsorted(coding.levels * coding.scale + coding.shift, 0.0, side="right")) - 1
    return Scores("y[n]", "int32_t", "0", str(zero), (), False, "the greatest code")


def _sums(output: Output) -> Scores | None:
    scale = output.scale
    assert scale is not None
    n = output.value.shape[0]
    base = np.broadcast_to(scale.base, (n,))
    sum_ = "y[n]" if scale.unit == 1 else f"y[n] * {scale.unit}"
    tables: list[tuple[str, str, Any]] = []
    if np.any(base != base[0]):
        tables.append((smallest(base, "int16_t"), "class_base", base))
        sum_ += " + class_base[n]"
    elif base[0]:
        sum_ += f" + {int(base[0])}"
    plain = np.asarray(scale.scale).ndim == 0 and scale.bias is None and scale.divisor is None
    usual = np.all(np.isfinite(scale.scale)) and np.all(scale.scale > 2.0**-100)
    if not usual:
        return None
    if plain and n > 1 and output.reach < 2**22:
        # Sums below 2**22 have products with one scale that differ and are in order.
        return Scores(sum_, "int32_t", "0", "0", tuple(tables), False, "the greatest sum")
    if scale.divisor is not None and scale.divisor != 2 ** round(np.log2(scale.divisor)):
        return None
    factor = np.asarray(scale.scale, np.float32) / np.float32(scale.divisor or 1)
    m, e = _whole(np.broadcast_to(factor, (n,)))
    bias = np.zeros(n, np.float32) if scale.bias is None else np.broadcast_to(scale.bias, (n,))
    b, f = _whole(bias)
    if np.any(m <= 0) or e.min() < -120 or e.max() > 60 or f.min() < -120 or f.max() > 60:
        return None
    m_text, e_text = str(int(m[0])) + "u", str(int(e[0]))
    if np.any(m != m[0]) or np.any(e != e[0]):
        tables += [("uint32_t", "class_scale", m), ("int8_t", "class_scale_exponent", e)]
        m_text, e_text = "class_scale[n]", "class_scale_exponent[n]"
    tables.append(("int32_t", "class_bias", b))
    tables.append(("int8_t", "class_bias_exponent", f))
    call = f"score({sum_}, {m_text}, {e_text}, class_bias[n], class_bias_exponent[n])"
    way = "float32 scores, by integers"
    return Scores(call, "int32_t", "0", "0", tuple(tables), True, way)


def _whole(numbers: Any) -> tuple[Any, Any]:
    """Return numbers as whole numbers of 24 bits and exponents."""
    mantissa, exponent = np.frexp(numbers.astype(np.float64))
    whole = np.rint(mantissa * 2**24).astype(np.int64)
    return whole, np.where(whole == 0, 0, exponent - 24).astype(np.int64)
