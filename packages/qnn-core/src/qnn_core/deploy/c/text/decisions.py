"""Decisions as C: tables of a channel's line or thresholds, and the struct that holds them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..plan import Decision, Integers
from .arrays import array, smallest


@dataclass(frozen=True, eq=False)
class Written:
    """A decision in C.

    Attributes:
        flags: what of `library/decide.c` it needs.
        tables: definitions of its arrays.
        fields: of the struct ``Decision``, by name.
        way: ``line``, ``wide line`` or ``thresholds``.
    """

    flags: frozenset[str]
    tables: tuple[tuple[str, str, Integers], ...]
    fields: tuple[tuple[str, str], ...]
    way: str


NONE = Written(frozenset(), (), (("shift", "0"), ("top", "0"), ("each", "0")), "")

# Of a kernel whose tables hold the decision.
INSIDE = replace(NONE, way="kernel")

BYTES = {"int8_t": 1, "uint8_t": 1, "int16_t": 2, "int32_t": 4, "int64_t": 8}


def written(decision: Decision | None, name: str, *, multiplies: bool = True) -> Written:
    """Return how a decision is written.

    Args:
        decision: None for no decision.
        name: in C, of what it belongs to.
        multiplies: whether the target has a multiplier worth using: else thresholds are searched.
    """
    if decision is None:
        return NONE
    lines, shared = decision.lines, decision.shared
    one = slice(0, 1) if shared else slice(None)
    flags: set[str] = set()
    tables: list[tuple[str, str, Integers]] = []
    fields: list[tuple[str, str]] = []
    multiplier, offset, shift = _common_shift(decision)
    if bool(np.all(lines.exact)) and (multiplies or decision.top > 15):
        narrow = bool(np.all(_narrow(decision, multiplier, offset)))
        flags |= {"line"}
        tables.append(("Multiplier", f"{name}_multiplier", multiplier[one]))
        fields.append(("multiplier", f"{name}_multiplier"))
        if narrow:
            tables.append(("int32_t", f"{name}_offset", offset[one]))
            fields.append(("offset", f"{name}_offset"))
        else:
            flags.add("wide")
            tables.append(("int64_t", f"{name}_offset", offset[one]))
            fields.append(("wide_offset", f"{name}_offset"))
        if np.any(shift != shift[0]):
            flags.add("shifts")
            tables.append(("uint8_t", f"{name}_shifts", shift[one]))
            fields.append(("shifts", f"{name}_shifts"))
            fields.append(("shift", "0"))
        else:
            fields.append(("shift", str(int(shift[0]))))
        way = "line" if narrow else "wide line"
    else:
        flags.add("thresholds")
        # One beyond the greatest sum that there is means never.
        clipped = np.clip(decision.thresholds, decision.low, decision.high + 1)
        thresholds = (decision.thresholds if shared else clipped).T
        tables.append(("Threshold", f"{name}_thresholds", thresholds[one]))
        fields += [("thresholds", f"{name}_thresholds"), ("shift", "0")]
        way = "thresholds"
    if decision.turned.any():
        flags.add("turned")
        tables.append(("uint8_t", f"{name}_turned", decision.turned.astype(np.int64)))
        fields.append(("turned", f"{name}_turned"))
    fields += [("top", str(decision.top)), ("each", "0" if shared else "1")]
    return Written(frozenset(flags), tuple(tables), tuple(fields), way)


def text_of(made: Written) -> str:
    """Return the definitions of a decision's arrays."""
    return "".join(array(kind, name, values) for kind, name, values in made.tables)


def types_of(made: Iterable[Written]) -> dict[str, str]:
    """Return the types of all multipliers and of all thresholds of a net, those that it has."""
    found: dict[str, list[Integers]] = {}
    for w in made:
        for kind, _, values in w.tables:
            if kind in ("Multiplier", "Threshold"):
                found.setdefault(kind, []).append(values.reshape(-1))
    return {kind: smallest(np.concatenate(v), "int16_t") for kind, v in sorted(found.items())}


def nbytes_of(made: Written, types: Mapping[str, str]) -> int:
    """Return the bytes of a decision's arrays in a net with these types."""
    return sum(BYTES[types.get(kind, kind)] * values.size for kind, _, values in made.tables)


def _common_shift(decision: Decision) -> tuple[Integers, Integers, Integers]:
    """Return multiplier, offset and shift, with one shift for all channels where that is narrow.

    ``(s * 2M + 2B) >> (S + 1)`` is ``(s * M + B) >> S`` for every s.
    """
    lines = decision.lines
    more = lines.shift.max() - lines.shift
    if np.any(more) and np.all(more < 31):
        multiplier, offset = lines.multiplier << more, lines.offset << more
        fits = np.all(_narrow(decision, multiplier, offset))
        if fits or not np.all(_narrow(decision, lines.multiplier, lines.offset)):
            small = np.all(np.abs(multiplier) < 2**31) and np.all(np.abs(offset) < 2**60)
            if small:
                return multiplier, offset, lines.shift + more
    return lines.multiplier, lines.offset, lines.shift


def _narrow(decision: Decision, multiplier: Integers, offset: Integers) -> Integers:
    """Whether products and sums are int32 for all sums that can occur, of each channel."""
    ends = [end * multiplier for end in (decision.low, decision.high)]
    ends += [end + offset for end in ends] + [offset]
    inside = [(end >= -(2**31)) & (end < 2**31) for end in ends]
    fits: Integers = np.all(inside, axis=0).astype(np.int64)
    return fits
