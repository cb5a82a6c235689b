"""The global generators, of `random` and `numpy.random`: seeded for each run, and given back.

A seed decides what a run draws, and nothing else does: not what ran before it in the same process,
and not how many processes there are. The config is left out on purpose, so that all configs
of a seed draw the same numbers: they are pairs.
"""

import random
import threading
from collections.abc import Generator
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import numpy as np
from qnn_core.errors import CompareError

State = tuple[Any, Any, Any]
GLOBAL: Any = np.random  # whose stubs lack functions that are documented


class Purpose(IntEnum):
    """What numbers are drawn for; each has a sequence of its own.

    What a builder draws must not shift what is drawn in training: configs may draw other counts.
    """

    DATA = 0
    BUILD = 1
    TRAINING = 2


class Shared(CompareError):
    """Runs in threads of one process drew from the same global generators."""


@contextmanager
def seeded(purpose: Purpose, seed: int = 0) -> Generator[None]:
    """Seed the global generators, and put them back as they were.

    Threads take turns: no other one is in here at the same time.

    Example:
        >>> with seeded(Purpose.BUILD, 3):
        ...     first = random.random(), np.random.random()
        >>> with seeded(Purpose.BUILD, 3):
        ...     first == (random.random(), np.random.random())
        True
    """
    with _TURN:
        before = _state()
        _seed(purpose, seed)
        try:
            yield
        finally:
            _restore(before)


class Training:
    """A context: the global generators in one training, seeded and put back.

    Threads of one process share these generators, so the trainings of a net that draws from them
    would depend on each other there. That is found, and refused: see `check`. Nets that do not draw
    train beside each other, in any order.

    Args:
        seed: of the run.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._beside = False  # whether another one was there at the same time

    def __enter__(self) -> "Training":
        with _TURN:
            if not _TRAININGS:
                _OUTSIDE[:] = [_state()]
                _seed(Purpose.TRAINING, self._seed)
                _BEGAN[:] = [_state()]
            _TRAININGS.append(self)
            if len(_TRAININGS) > 1:
                for training in _TRAININGS:
                    training._beside = True
        return self

    def __exit__(self, *_: object) -> None:
        with _TURN:
            _TRAININGS.remove(self)
            if not _TRAININGS:
                _restore(_OUTSIDE.pop())

    def check(self) -> None:
        """Raise an error if others trained at the same time, and one of all drew numbers."""
        with _TURN:
            if self._beside and not _same(_state(), _BEGAN[0]):
                raise Shared(
                    "it trained in a thread beside others, and one of them drew from the "
                    "generators of random or numpy.random, which the threads of a process share, "
                    "so its numbers depend on theirs: let executor be a number of processes, or "
                    "one thread, or draw from numpy.random.default_rng(seed)"
                )


_TURN = threading.RLock()
_TRAININGS: list[Training] = []
# The generators before the first of the trainings that are there, and as that one began.
_OUTSIDE: list[State] = []
_BEGAN: list[State] = []


def _seed(purpose: Purpose, seed: int) -> None:
    words = np.random.SeedSequence([purpose, seed]).generate_state(8)
    random.seed(words.tobytes())
    # Another one, since the user may have set one that cannot be seeded.
    GLOBAL.set_bit_generator(np.random.MT19937(np.random.SeedSequence([*map(int, words)])))


def _state() -> State:
    numpy = GLOBAL.get_bit_generator(), GLOBAL.get_state(legacy=False)
    return random.getstate(), *numpy


def _restore(state: State) -> None:
    random.setstate(state[0])
    GLOBAL.set_bit_generator(state[1])
    # A normal number that was drawn ahead is part of it.
    GLOBAL.set_state(state[2])


def _same(one: State, other: State) -> bool:
    (of_random, _, of_numpy), (random_then, _, numpy_then) = one, other
    return bool(
        of_random == random_then
        and of_numpy["bit_generator"] == numpy_then["bit_generator"]
        and of_numpy["has_gauss"] == numpy_then["has_gauss"]
        and of_numpy["state"]["pos"] == numpy_then["state"]["pos"]
        and np.array_equal(of_numpy["state"]["key"], numpy_then["state"]["key"])
    )
