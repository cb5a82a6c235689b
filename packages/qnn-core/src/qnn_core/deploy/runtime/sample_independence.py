"""Whether a packed model answers each sample by itself, and as the model does: tried, not proved.

A trace sees what happened to the example. What Python took out of it (a maximum, a branch), and
what a sample takes from its neighbours, shows on other batches: samples alone, in another order, in
other company, and samples made of the example's that have other least and greatest values.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ... import autodiff
from ...autodiff import trace
from ...errors import PackError
from ..compile.program import Program
from ..graph.operations import OPERATIONS

Array = NDArray[np.float32]
Arrays = Sequence[Array]
Model = Callable[..., Any]

# So many samples of the example stand for all of them.
MOST = 8

# What the last bits of operations that are not invariant make at most, as a share of the greatest
# value of a column, and of all.
OF_COLUMN, OF_ALL = 1e-4, 1e-6


def verify_apart(program: Program, model: Model, traced: autodiff.Graph) -> None:
    """Compare the packed model with the model, and with itself, on other batches than the example.

    Args:
        program: of the packed model.
        model: that it was made from.
        traced: the trace of the example.

    Raises:
        PackError: if the two differ, since Python decided something by the values or the size of
            the batch; or if a sample's answer depends on the others.
    """
    example = [value.data for value in traced.inputs]
    chosen = np.unique(np.linspace(0, len(example[0]) - 1, MOST).astype(int))
    own = [x[chosen] for x in example]
    answers = _as_the_model(program, model, [x[::-1] for x in own], "in another order")
    for row in {0, len(chosen) - 1}:
        _as_the_model(program, model, [x[row : row + 1] for x in own], "alone")
    batches = [own]
    for made in zip(*(_made(x, every) for x, every in zip(own, example, strict=True)), strict=True):
        # What these values give need not have a meaning, only the same for both.
        with np.errstate(all="ignore"):
            try:
                outputs = trace(model, made).outputs
            except Exception:  # whatever a model says that takes no such values
                continue
            _compare(program(made), [value.data for value in outputs], "on other values")
        batches.append(list(made))
    tolerant = not all(OPERATIONS[node.op].batch_invariant for node in program.graph.nodes)
    values = [value.data[chosen] for value in traced.outputs]
    _check_apart([y[::-1] for y in answers], values, tolerant)
    company = [np.concatenate(parts) for parts in zip(*batches, strict=True)]
    with np.errstate(all="ignore"):
        together = _as_the_model(program, model, company, "in greater company")
        for row in range(0, len(company[0]), max(1, len(chosen) - 1)):
            alone = program([x[row : row + 1] for x in company])
            _check_apart(alone, [y[row : row + 1] for y in together], tolerant)


def _made(x: Array, every: Array) -> list[Array]:
    """Return batches like `x` in the range of `every`: nearer to either end of it, and drawn."""
    rng = np.random.default_rng(0)
    low, high = (every.min(), every.max()) if every.size else (0.0, 0.0)
    if not low < high:
        low, high = low - 1, high + 1  # one value has no range
    drawn = rng.uniform(low, high, x.shape)
    near = [low + (x - low) / 2, high - (high - x) / 2, drawn]
    return [np.asarray(batch, np.float32) for batch in near]


def _as_the_model(program: Program, model: Model, inputs: Arrays, how: str) -> list[Array]:
    """Return the packed model's answers, which are those of the model to the bit."""
    ours = program(inputs)
    theirs = [value.data for value in trace(model, tuple(inputs)).outputs]
    _compare(ours, theirs, f"for samples of the example {how}")
    return ours


def _compare(ours: Arrays, theirs: Arrays, when: str) -> None:
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        if not np.array_equal(mine, other, equal_nan=True):
            raise PackError(
                f"pack: output {number} {when} differs from the model's: the model decides "
                "something in Python, by the values or by the size of the batch, which was done "
                "once, for the example"
            )


def _check_apart(ours: Arrays, theirs: Arrays, tolerant: bool) -> None:
    """Compare answers to the same samples in other company."""
    for number, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
        if np.array_equal(mine, other, equal_nan=True):
            continue
        if mine.shape != other.shape or not (tolerant and _nearly(mine, other)):
            raise PackError(
                f"pack: output {number} for a sample depends on the other samples of its batch; "
                "what is deployed must answer each by itself"
            )


def _nearly(ours: Array, theirs: Array) -> bool:
    """Whether outputs differ in their last bits only, as far as those go that are great."""
    found = np.nan_to_num(theirs, posinf=0, neginf=0)
    size = np.abs(found)
    columns = size.max(axis=tuple(range(size.ndim - 1)), initial=0)
    allowed = OF_COLUMN * columns + OF_ALL * size.max(initial=0)
    finite = np.isfinite(theirs)
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(ours - theirs) <= allowed
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    return bool(np.all(np.where(finite, near, same)))
