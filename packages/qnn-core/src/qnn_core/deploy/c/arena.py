"""Where each value lies in the scratch memory: values that are never needed together share it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .plan import Plan

ALIGNMENT = 4


@dataclass(frozen=True)
class Arena:
    """Places in the scratch memory.

    Attributes:
        offsets: bytes from its start, by the place of a value (`Value.place`).
        work: of each step that needs memory while it runs, by its number.
        nbytes: of all of it.
    """

    offsets: Mapping[str, int]
    work: Mapping[int, int]
    nbytes: int


@dataclass(frozen=True)
class _Block:
    key: str | int
    nbytes: int
    first: int
    last: int


def arena(plan: Plan, work: Sequence[int]) -> Arena:
    """Return places for all values that steps make.

    A value is needed from the step that makes it to the last that reads it, an output to the end.
    The largest are placed first, each as low as those that are needed with it leave room.

    Args:
        plan: the steps.
        work: bytes that each step needs while it runs.
    """
    blocks = _blocks(plan, work)
    placed: list[tuple[_Block, int]] = []
    for block in sorted(blocks, key=lambda b: (-b.nbytes, b.first)):
        beside = sorted(
            (offset, other.nbytes)
            for other, offset in placed
            if other.first <= block.last and block.first <= other.last
        )
        at = 0
        for offset, nbytes in beside:
            if at + block.nbytes <= offset:
                break
            at = max(at, offset + nbytes)
        placed.append((block, at))
    return Arena(
        {b.key: at for b, at in placed if isinstance(b.key, str)},
        {b.key: at for b, at in placed if isinstance(b.key, int)},
        max((at + b.nbytes for b, at in placed), default=0),
    )


def _blocks(plan: Plan, work: Sequence[int]) -> list[_Block]:
    sizes: dict[str, int] = {}
    made: dict[str, int] = {}
    last: dict[str, int] = {}
    for number, step in enumerate(plan.steps):
        made.setdefault(step.target.place, number)
        sizes[step.target.place] = _aligned(step.target.size * step.target.nbytes)
        for value in (*step.sources, step.target):
            last[value.place] = number
    for output in plan.outputs:
        last[output.value.place] = len(plan.steps)
    blocks = [_Block(p, sizes[p], made[p], last[p]) for p in made if p != plan.input.place]
    blocks += [
        _Block(number, _aligned(nbytes), number, number)
        for number, nbytes in enumerate(work)
        if nbytes
    ]
    return blocks


def _aligned(nbytes: int) -> int:
    return -(-nbytes // ALIGNMENT) * ALIGNMENT
