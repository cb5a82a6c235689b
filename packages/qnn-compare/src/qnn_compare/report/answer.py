"""The answer of a study, in words: what costs nothing, what costs how much, what is not known."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..experiment.configs import Config
from ..experiment.spec_bits import FLOAT_BITS
from ..formatting import listed, width
from ..statistics import Pair

if TYPE_CHECKING:
    from ..comparison import Comparison

KINDS = ("equivalent", "better", "worse", "unstable", "undecided")
MOST_NAMES = 4  # more are only counted
FEW = 2  # more are told together, with the least and the greatest difference
Group = list[tuple[Config, Pair]]


def answer(comparison: "Comparison") -> str:
    """Return the answer in one line.

    Widths are named instead of configs where all configs of a width have one verdict.
    """
    if not any(comparison.done(config) for config in comparison.configs):
        return "No run has been trained to its end yet."
    pairs = {pair.config: pair for pair in comparison.against()}
    known = [(config, pairs[config.name]) for config in comparison.configs if config.name in pairs]
    if not known:
        return f"{comparison.configs[0].name} is alone: there is nothing to compare it with."
    if all(pair.n < 2 for _, pair in known):
        why = "it takes two seeds or more to see what training varies by"
        if all(len(comparison.done(config)) > 1 for config in comparison.configs):
            why += ", the same ones of each config"
        return f"Nothing can be told yet: {why}."
    groups: dict[str, Group] = {kind: [] for kind in KINDS}
    for config, pair in known:
        wild = pair.unstable and pair.verdict != "equivalent"
        groups["unstable" if wild else pair.verdict].append((config, pair))
    told = []
    for kind, group in groups.items():
        told += [_said(comparison, kind, *part) for part in _parts(kind, group, known)]
    return "; ".join(told) + "."


def _parts(kind: str, group: Group, known: Group) -> list[tuple[Group, str, bool]]:
    """Return what is said together: widths that are all of one kind, and then the rest.

    Each with what it is called, and whether that is one.
    """
    widths = Counter(config.bits for config, _ in known)
    in_group = Counter(config.bits for config, _ in group)
    one_series = len({config.series for config, _ in known}) == 1
    whole = {
        bits
        for bits, count in widths.items()
        if min(bits) < FLOAT_BITS
        and len(widths) > 1
        and count == in_group[bits]
        and (count > 1 or one_series)
    }
    # What costs nothing is one finding; what costs something is worth a number for each width.
    alike = kind == "equivalent" or len(whole) > MOST_NAMES
    parts = [whole] if alike else [{bits} for bits in sorted(whole, reverse=True)]
    found = []
    for part in filter(None, parts):
        by_width = [entry for entry in group if entry[0].bits in part]
        others = {*widths} - part
        found.append((by_width, _bits(sorted(part), others), part == {(1, 1)}))
    rest = [entry for entry in group if entry[0].bits not in whole]
    if kind in ("better", "worse") and len(rest) <= FEW:
        found += [([entry], entry[0].name, True) for entry in sorted(rest, key=_size)]
    elif rest:
        names = [config.name for config, _ in rest]
        many = len(names) > MOST_NAMES
        subject = f"{len(names)} {'other ' * bool(whole)}configs" if many else listed(names)
        if kind == "equivalent" and found:  # one finding, in one clause
            return [(group, f"{found[0][1]}, and {subject}", False)]
        found.append((rest, subject, len(names) == 1))
    return found


def _size(entry: tuple[Config, Pair]) -> float:
    return abs(entry[1].difference or 0.0)


def _said(comparison: "Comparison", kind: str, group: Group, subject: str, one: bool) -> str:
    metric, reference = comparison.metric, comparison.reference.name
    sizes = [abs(pair.difference) for _, pair in group if pair.difference is not None]
    amounts = metric.amounts(min(sizes, default=0.0), max(sizes, default=0.0))
    if kind == "equivalent":
        verb = "costs" if one else "cost"
        within = f"within {metric.margin(comparison.margin)} of {reference}"
        return f"{subject} {verb} nothing that matters here: {within}{_smaller(comparison, group)}"
    if kind == "better":
        return f"{subject} {'is' if one else 'are'} better than {reference} by {amounts}"
    if kind == "worse":
        told = f"{'costs' if one else 'cost'} {amounts}"
        if not metric.shares:
            told = f"{'is' if one else 'are'} worse by {amounts}"
        if all(pair.within_margin for _, pair in group):
            told += f", less than {metric.margin(comparison.margin)}"
        return f"{subject} {told}"
    if kind == "unstable":
        return f"{subject} {'does' if one else 'do'} not train reliably"
    return f"{subject} {'is' if one else 'are'} undecided"


def _smaller(comparison: "Comparison", group: Group) -> str:
    """Return how much smaller the smallest of some configs is than the reference."""
    size = comparison.nbytes(comparison.reference)
    sizes = {config.name: comparison.nbytes(config) for config, _ in group}
    known = {name: nbytes for name, nbytes in sizes.items() if nbytes}
    if not size or not known:
        return ""
    least = min(known, key=lambda name: known[name])
    times = size / known[least]
    if times < 1.05:
        return ""
    named = "" if len(group) == 1 else f" ({least})"
    return f", {times:.{0 if times >= 9.95 else 1}f} times smaller{named}"


def _bits(widths: Sequence[tuple[int, int]], others: set[tuple[int, int]]) -> str:
    """Return widths in words.

    Example:
        >>> _bits([(3, 3), (4, 4), (8, 8)], {(1, 1), (2, 2)}), _bits([(1, 1)], {(2, 2)})
        ('3 bits and more', '1 bit')
    """
    told = [width(bits) for bits in widths]
    below = {bits for bits in others if min(bits) < FLOAT_BITS}
    if len(widths) > 1 and below and max(below) < min(widths):
        return f"{told[0]} bits and more"
    return "1 bit" if told == ["1"] else f"{listed(told)} bits"
