"""Ways to damage a file: bytes, and the tables inside of it."""

import copy
import json
from collections.abc import Callable
from random import Random
from typing import Any

ODD_BYTES = (b"\0", b"\xff", b"\x7f", b"\x80", b"[", b"{", b'"', b"\\", b"\r\n", b"\xef\xbb\xbf")


def damaged(rng: Random, content: bytes, others: list[bytes]) -> bytes:
    """Return `content` with one to some changes; now and then with a part of one of `others`."""
    data = bytearray(content)
    for _ in range(1 + min(int(rng.expovariate(1)), 6)):
        rng.choice(CHANGES)(rng, data, others)
    return bytes(data)


def _flip(rng: Random, data: bytearray, others: list[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _change(rng: Random, data: bytearray, others: list[bytes]) -> None:
    if data:
        data[rng.randrange(len(data))] = rng.randrange(256)


def _change_early(rng: Random, data: bytearray, others: list[bytes]) -> None:
    """Headers come first."""
    if data:
        data[rng.randrange(min(len(data), 32))] = rng.choice((0, 1, 127, 128, 255))


def _cut(rng: Random, data: bytearray, others: list[bytes]) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _take_out(rng: Random, data: bytearray, others: list[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    del data[at : at + rng.randrange(1, 64)]


def _insert(rng: Random, data: bytearray, others: list[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.choice(
        (rng.randbytes(rng.randrange(1, 64)), rng.choice(ODD_BYTES) * rng.randrange(1, 3000))
    )


def _repeat(rng: Random, data: bytearray, others: list[bytes]) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = data[at : at + rng.randrange(1, 64)] * rng.randrange(1, 40)


def _splice(rng: Random, data: bytearray, others: list[bytes]) -> None:
    other = rng.choice(others)
    at, start = rng.randrange(len(data) + 1), rng.randrange(len(other) + 1)
    size = rng.randrange(1, 256)
    data[at : at + size] = other[start : start + size]


def _move(rng: Random, data: bytearray, others: list[bytes]) -> None:
    start, size = rng.randrange(len(data) + 1), rng.randrange(1, 64)
    part = data[start : start + size]
    del data[start : start + size]
    at = rng.randrange(len(data) + 1)
    data[at:at] = part


CHANGES: tuple[Callable[[Random, bytearray, list[bytes]], None], ...] = (
    _flip, _flip, _change, _change_early, _cut, _take_out, _insert, _repeat, _splice, _move,
)  # fmt: skip


# Tables: what JSON and TOML hold


def nested(depth: int) -> Any:
    """Return lists in lists."""
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


ODD_NUMBERS = (
    0, 1, -1, 2, 3, 9, 255, 256, 65536, 2**20,
    2**31 - 1, 2**31, 2**32, 2**40, 2**53, 2**63, -(2**63),
    2**64, 2**70, 10**400, 0.5, -0.0, 1e-45, 1e-320, 3e38, 1e39, 1e308, float("nan"), float("inf"),
    -float("inf"),
)  # fmt: skip
ODD_THINGS = (
    None, True, False, "", "x", "0", "nan", "\0",
    "é\ud7ff", "a" * 5000, [], {}, [[]], [None], {"": 0},
    {"float": "inf"}, {"batch": 1}, {"indices": [0, 0]}, {"slice": [None, None, -1]},
    {"ellipsis": True}, [0] * 1000, nested(30), nested(300),
)  # fmt: skip


def changed(rng: Random, tree: Any) -> Any:
    """Return a table like `tree` with one to some entries that are not as they were."""
    tree = copy.deepcopy(tree)
    for _ in range(1 + min(int(rng.expovariate(1.5)), 4)):
        places = list(_places(tree))
        if not places:
            return rng.choice(ODD_THINGS)
        holder, key = rng.choice(places)
        _change_entry(rng, holder, key, places)
    return tree


def _places(tree: Any) -> Any:
    """Yield each container and key below."""
    entries: Any = ()
    if isinstance(tree, dict):
        entries = tree.items()
    elif isinstance(tree, list):
        entries = enumerate(tree)
    for key, value in entries:
        yield tree, key
        yield from _places(value)


def _change_entry(rng: Random, holder: Any, key: Any, places: list[Any]) -> None:
    value, way = holder[key], rng.random()
    if way < 0.15:
        holder[key] = copy.deepcopy(rng.choice(ODD_THINGS))
    elif way < 0.25:
        del holder[key]
    elif way < 0.35:
        other, at = rng.choice(places)
        if at in other if isinstance(other, dict) else at < len(other):
            holder[key] = copy.deepcopy(other[at])
    elif way < 0.45 and isinstance(holder, list):
        holder[key:key] = [copy.deepcopy(value) for _ in range(rng.choice((1, 2, 30)))]
    elif way < 0.5 and isinstance(holder, dict):
        holder[rng.choice(("x", f"{key}2", ""))] = holder.pop(key)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        holder[key] = rng.choice(ODD_NUMBERS) if way < 0.7 else _like(rng, value)
    else:
        holder[key] = _number(rng, value)


def _number(rng: Random, value: float) -> Any:
    way = rng.randrange(6)
    if way == 0:
        return -value
    if way == 1:
        return value + rng.choice((-1, 1))
    if way == 2:
        return value * rng.choice((2, 3, 1000, 2**20))
    if way == 3:
        return str(value)
    return rng.choice(ODD_NUMBERS)


def _like(rng: Random, value: Any) -> Any:
    """Return something of the same kind."""
    if isinstance(value, str) and value:
        text = bytearray(value.encode("utf-8", "replace"))
        rng.choice(CHANGES)(rng, text, [b"input0", b"symmetric:3,axis=0", b"os:system"])
        return text.decode("utf-8", "replace")
    if isinstance(value, list):
        return value[: rng.randrange(len(value) + 1)] or [0]
    return copy.deepcopy(rng.choice(ODD_THINGS))


def as_json(rng: Random, tree: Any) -> bytes:
    """Return JSON, now and then with an array or object that is nested too deep for a parser."""
    text = json.dumps(tree, separators=(",", ":"))
    if rng.random() < 0.02:
        depth, (first, last) = rng.choice((900, 5000, 100_000)), rng.choice(("[]", ('{"a":', "}")))
        text = text.replace("1", first * depth + "1" + last * depth, 1)
    return text.encode()
