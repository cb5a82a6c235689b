"""Generators of NumPy from their state, which is checked: NumPy takes any, and reads beside it."""

from typing import Any

import numpy as np

from ..errors import FileError

BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")

# Where in its numbers a generator may be, by what its state calls it: NumPy does not look.
PLACES = {"pos": 624, "buffer_pos": 4}

# Far more than anybody seeds with; NumPy takes more steps than there are bits.
MOST_BITS, MOST_WORDS = 2**14, 512


def bit_generator(kind: Any, state: Any, seeds: np.random.SeedSequence) -> Any:
    """Return a bit generator in a state.

    Args:
        kind: name of its class.
        state: as its ``state`` gives it.
        seeds: what it spawns others with.

    Raises:
        FileError: if there is no such class or state.
    """
    if kind not in BIT_GENERATORS:
        raise FileError(f"{kind!r:.80} is no generator of NumPy's")
    places = {**state, **state["state"]}
    for name, last in PLACES.items():
        if name in places and (type(places[name]) is not int or not 0 <= places[name] <= last):
            raise FileError(f"{kind} has no place {places[name]!r:.80} among its numbers")
    bits = getattr(np.random, kind)(seeds)
    bits.state = state
    return bits


def seed_sequence(given: dict[str, Any]) -> np.random.SeedSequence:
    """Return NumPy's ``SeedSequence`` of its arguments.

    Raises:
        FileError: if they are so many, or so large, that nobody gave them.
    """
    for name in ("entropy", "spawn_key"):
        words = given[name] if isinstance(given[name], list | tuple) else [given[name]]
        large = [w for w in words if isinstance(w, int) and w.bit_length() > MOST_BITS]
        if large or len(words) > MOST_WORDS:
            raise FileError(f"no generator's {name} is that large")
    if given["pool_size"] > MOST_WORDS:
        raise FileError(f"no generator has a pool of {given['pool_size']!r:.80}")
    return np.random.SeedSequence(
        given["entropy"],
        spawn_key=given["spawn_key"],
        pool_size=given["pool_size"],
        n_children_spawned=given["n_children_spawned"],
    )


def seeds_of(sequence: np.random.SeedSequence) -> dict[str, Any]:
    """Return what `seed_sequence` makes it of again."""
    return {
        "entropy": sequence.entropy,
        "spawn_key": sequence.spawn_key,
        "pool_size": sequence.pool_size,
        "n_children_spawned": sequence.n_children_spawned,
    }
