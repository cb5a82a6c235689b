"""Which array of a state is which parameter: as told, by names, or by order and shape."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import groupby
from typing import TypeVar

from ..errors import nearest
from .state_places import LEAVES, Group, Place, Signature, groups, theirs
from .state_problems import Problem, joined
from .state_source import Arrays

Names = Mapping[str, str | None] | Callable[[str], str | None] | None
# Names of theirs to names of ours.
Table = dict[str, str]
Pair = tuple[Group, Place]
T = TypeVar("T", Group, Place)
# Kinds of problems.
NAMES, UNKNOWN, MISSING, ALIKE = (
    "names like these",
    "that the model has no place for",
    "that the state has nothing for",
    "that fit alike",
)
# Of normalization without parameters, which ours has always: what computes the same.
NEUTRAL = {"weight": 1.0, "bias": 0.0}


def matched(
    found: Sequence[Place], arrays: Arrays, names: Names, *, ordered: bool
) -> tuple[Table, list[Problem]]:
    """Return which of ours each of theirs is, and what stays without a partner.

    Args:
        found: what there is to be filled.
        arrays: the state.
        names: what is told.
        ordered: whether the state is in the order of the net's modules, as far as is known.
    """
    table, left_out, problems = _told(found, arrays, names)
    rest = {n: a for n, a in arrays.items() if n not in table and n not in left_out}
    taken = set(table.values())
    open_places = [left for place in found if (left := _left(place, taken)).tensors]
    ordered = ordered and _looks_ordered(rest)
    pairs, more = _paired(groups(rest), open_places, ordered=ordered)
    problems += more
    for group, place in pairs:
        own, missing = _leaves(group, place)
        table |= own
        problems += missing
    return table, problems


def _left(place: Place, taken: set[str]) -> Place:
    """Return a place with what has no partner yet; no neutral numbers, if it has some."""
    own = {leaf: t for leaf, t in place.tensors.items() if full(place, leaf) not in taken}
    if place.is_norm and own.keys() == NEUTRAL.keys():
        own = {}
    return replace(place, tensors=own)


def full(place: Place, leaf: str) -> str:
    """Return the whole name of a tensor of ours."""
    return f"{place.path}.{leaf}" if place.path else leaf


def _told(
    found: Sequence[Place], arrays: Arrays, names: Names
) -> tuple[Table, set[str], list[Problem]]:
    """Return what `names` says: the table, what is left out, and what there is not."""
    known: Table = {}
    for place in found:
        for leaf in place.tensors:
            alias = f"{place.alias}.{leaf}" if place.alias else leaf
            known.setdefault(alias, full(place, leaf))
    known |= {full(place, leaf): full(place, leaf) for place in found for leaf in place.tensors}
    table: Table = {}
    left_out: set[str] = set()
    problems: list[Problem] = []
    for name, ours in _asked(arrays, names, problems):
        if not isinstance(ours, str | None):
            problems.append(
                Problem(NAMES, f"names: {name} is to be {ours!r:.80}, which is no name")
            )
            left_out.add(name)
            continue
        path, _, leaf = (ours or "").rpartition(".")
        translated = ".".join(filter(None, (path, LEAVES.get(leaf, leaf))))
        if ours is None:
            left_out.add(name)
        elif translated not in known:
            text = f"names: {name} is to be {ours}, which the model has not{nearest(ours, known)}"
            problems.append(Problem(NAMES, text))
            left_out.add(name)
        else:
            table[name] = known[translated]
    for ours, users in groupby(sorted(table, key=table.__getitem__), key=table.__getitem__):
        several = list(users)
        if len(several) > 1:
            problems.append(Problem(NAMES, f"names: {joined(several)} are all to be {ours}"))
    return table, left_out, problems


def _asked(
    arrays: Arrays, names: Names, problems: list[Problem]
) -> Iterator[tuple[str, str | None]]:
    """Yield ``(theirs, ours)`` of all that `names` speaks of, tensors or whole modules."""
    if names is None:
        return
    if callable(names):
        yield from ((name, names(name)) for name in arrays)
        return
    used: set[str] = set()
    for name in arrays:
        parts = name.split(".")
        for count in range(len(parts), 0, -1):
            key = ".".join(parts[:count])
            if key in names:
                used.add(key)
                ours = names[key]
                yield name, ".".join([ours, *parts[count:]]) if isinstance(ours, str) else ours
                break
    known = {
        ".".join(name.split(".")[: n + 1]) for name in arrays for n in range(name.count(".") + 1)
    }
    problems += [
        Problem(NAMES, f"names: the state has no {key}{nearest(key, known)}")
        for key in names
        if key not in used
    ]


def _paired(
    given: list[Group], wanted: list[Place], *, ordered: bool
) -> tuple[list[Pair], list[Problem]]:
    """Return which module of theirs is which of ours, and what has no partner."""
    named = _namesakes(given, wanted)
    # Where all are called alike, another shape is a mistake, and not another name.
    plain = all(group.path.replace(".", "").isdigit() for group, _ in named)
    if len(named) == len(given) == len(wanted) and (not plain or _all_fit(named)):
        return named, []
    in_order = _in_order(given, wanted, ordered=ordered)
    if in_order is not None:
        return in_order
    if named and 2 * len(named) >= min(len(given), len(wanted)):
        return named, _alone(given, wanted, named)
    return _alike(given, wanted)


def _namesakes(given: list[Group], wanted: list[Place]) -> list[Pair]:
    """Return those of one name; `from_onnx` writes that of a layer with underscores."""
    by_alias = {place.alias: place for place in wanted}
    pairs: list[Pair] = []
    for group in given:
        flat = re.sub(r"\W+", "_", group.path)
        names = [n for n in (group.path, flat, f"layer_{flat}") if n in by_alias]
        if names:
            pairs.append((group, by_alias.pop(names[0])))
    return pairs


def _all_fit(pairs: Sequence[Pair]) -> bool:
    return all(group.signature == place.signature for group, place in pairs)


def _in_order(
    given: list[Group], wanted: list[Place], *, ordered: bool
) -> tuple[list[Pair], list[Problem]] | None:
    """Return pairs of the same shapes, if that is without doubt; None if the shapes differ.

    Without an order only what its shape tells, or names that differ in numbers, has a place.
    """
    if ordered and _sequence(given) == _sequence(wanted):
        as_they_come = list(zip(given, wanted, strict=True))
        return as_they_come, _crossed(given, wanted, as_they_come)
    by_shape = _by_signature(given)
    places = _by_signature(wanted)
    if {s: len(g) for s, g in by_shape.items()} != {s: len(p) for s, p in places.items()}:
        return None
    pairs: list[Pair] = []
    problems = []
    for signature, alike in by_shape.items():
        one_family = len({_family(group.path) for group in alike}) == 1
        if len(alike) == 1 or one_family:
            in_turn = sorted(alike, key=lambda group: _numbers(group.path))
            pairs += zip(in_turn, places[signature], strict=True)
        else:
            text = (
                f"{joined([group.path or 'the top' for group in alike])} fit "
                f"{joined([place.path for place in places[signature]])} alike, and the order "
                "of the state does not tell: give names="
            )
            problems.append(Problem(ALIKE, text))
    return pairs, problems


def _crossed(given: list[Group], wanted: list[Place], pairs: list[Pair]) -> list[Problem]:
    """Return where a name says otherwise than the order; not numbers, which are often shifted."""
    by_order = {id(group): place for group, place in pairs}
    return [
        Problem(
            ALIKE,
            f"{group.path} fits {place.path} by its name, and {by_order[id(group)].path} by the "
            "order: give names=",
        )
        for group, place in _namesakes(given, wanted)
        if place is not by_order[id(group)]
        and group.signature == place.signature
        and group.path == _family(group.path)
    ]


def _looks_ordered(arrays: Arrays) -> bool:
    """Return whether a state may be as PyTorch made it: not sorted by name, nor by chance.

    PyTorch has a module's arrays together, the weight first, and numbers of modules go up.
    """
    names = list(arrays)
    paths = [name.rpartition(".")[0] for name in names]
    together = len(list(groupby(paths))) == len(set(paths))
    places = {name: n for n, name in enumerate(names)}
    weights = [name for name in names if name.endswith("weight")]
    first = all(places[w] < places.get(f"{w[:-6]}bias", len(names)) for w in weights)
    families: dict[str, list[list[int]]] = {}
    for path in paths:
        families.setdefault(_family(path), []).append(_numbers(path))
    rising = all(numbers == sorted(numbers) for numbers in families.values())
    return names != sorted(names) and together and first and rising


def _sequence(items: Sequence[Group] | Sequence[Place]) -> list[Signature]:
    return [item.signature for item in items]


def _by_signature(items: Sequence[T]) -> dict[Signature, list[T]]:
    found: dict[Signature, list[T]] = {}
    for item in items:
        found.setdefault(item.signature, []).append(item)
    return found


def _family(path: str) -> str:
    """Return what names have in common that differ in numbers only."""
    return re.sub(r"\d+", "#", path)


def _numbers(path: str) -> list[int]:
    return [int(n) for n in re.findall(r"\d+", path)]


def _alike(given: list[Group], wanted: list[Place]) -> tuple[list[Pair], list[Problem]]:
    """Return pairs as far as the orders agree, and what stays without a partner.

    Where as many stand between two pairs on both sides, each is held against each, so that a
    message says which shape differs.
    """
    pairs: list[Pair] = []
    problems: list[Problem] = []
    steps = SequenceMatcher(None, _sequence(given), _sequence(wanted), autojunk=False).get_opcodes()
    for _, a, b, c, d in steps:
        if b - a == d - c:
            pairs += zip(given[a:b], wanted[c:d], strict=True)
        else:
            problems += _alone(given[a:b], wanted[c:d])
    return pairs, problems


def _alone(
    given: Sequence[Group], wanted: Sequence[Place], named: Sequence[Pair] = ()
) -> list[Problem]:
    """Return what has no partner, on both sides."""
    known = {id(item) for pair in named for item in pair}
    problems = [
        Problem(UNKNOWN, f"the model has no place for {theirs(group, leaf)} of shape {array.shape}")
        for group in given
        if id(group) not in known
        for leaf, array in group.arrays.items()
    ]
    problems += [
        Problem(MISSING, f"the state has nothing for {full(place, leaf)} of shape {tensor.shape}")
        for place in wanted
        if id(place) not in known
        for leaf, tensor in place.tensors.items()
    ]
    return problems


def _leaves(group: Group, place: Place) -> tuple[Table, list[Problem]]:
    """Return which array of a module of theirs is which of ours, and what is left over."""
    table = {
        theirs(group, leaf): full(place, leaf) for leaf in group.arrays if leaf in place.tensors
    }
    problems = [
        Problem(
            UNKNOWN,
            f"{place.path or 'the model'} ({type(place.module).__name__}) has no {leaf} for "
            f"{theirs(group, leaf)}",
        )
        for leaf in group.arrays
        if leaf not in place.tensors
    ]
    neutral = NEUTRAL if place.is_norm and not NEUTRAL.keys() & group.arrays.keys() else {}
    problems += [
        Problem(
            MISSING,
            f"the state has nothing for {full(place, leaf)} of shape {tensor.shape} beside "
            f"{theirs(group, next(iter(group.arrays)))}",
        )
        for leaf, tensor in place.tensors.items()
        if leaf not in group.arrays and leaf not in neutral
    ]
    return table, problems
