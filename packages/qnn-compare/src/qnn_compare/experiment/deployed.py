"""What a trained net is when it is packed: its bytes, its times, and that it gives the same."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.data import leaves
from qnn_core.deploy import PackedModel, pack
from qnn_core.errors import QnnError
from qnn_core.nn import Module

from .c_costs import c_costs
from .configs import one_line
from .targets import Batch

Array = NDArray[Any]

LATENCY_BATCHES = (1, 100)
LATENCY_SECONDS = 0.01  # the least of so short a time is that of 0.05, within 1 %
LATENCY_CALLS = 5


def deployed(
    model: Module,
    tests: Sequence[Batch],
    outputs: Sequence[Any],
    c: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the fields of a `Result` that are of the packed model, or why there is none.

    Args:
        model: a trained net.
        tests: the test data, in batches.
        outputs: what the net gave for each of them; a packed model gives the same arrays in a
            tuple, also those of a dictionary.
        c: what it is measured as C with; None for not at all.
    """
    try:
        # Some samples that differ: what cannot be packed shows in few.
        packed = pack(model, tests[0][0][:32])
    except QnnError as error:
        return {"unpacked": one_line(error)}
    content = packed.content()
    return {
        "packed": content,
        "nbytes": len(content),
        "difference": max(
            _difference(packed(x), given) for given, (x, _) in zip(outputs, tests, strict=True)
        ),
        "latency": _latencies(packed, tests),
        **c_costs(packed, c),
    }


def _difference(ours: Any, theirs: Any) -> float:
    """Return the greatest difference of a packed model's outputs from the model's.

    Infinite where one has another shape, or a NaN where the other has none.
    """
    pairs = zip(leaves(ours), leaves(theirs), strict=True)
    return max(_greatest(np.asarray(one), np.asarray(other)) for one, other in pairs)


def _greatest(one: Array, other: Array) -> float:
    if one.shape != other.shape:
        return np.inf
    if np.array_equal(one, other, equal_nan=True):  # infinities too, whose difference is NaN
        return 0.0
    greatest = np.abs(one - other).max(initial=0)
    return np.inf if np.isnan(greatest) else float(greatest)


def _latencies(packed: PackedModel, tests: Sequence[Batch]) -> dict[str, float]:
    x = tests[0][0]
    return {str(n): _least(partial(packed, x[:n])) for n in LATENCY_BATCHES if n <= len(x)}


def _least(call: Callable[[], Any]) -> float:
    """Return the wall time of the fastest of several calls."""
    times: list[float] = []
    end = time.perf_counter() + LATENCY_SECONDS
    while len(times) < LATENCY_CALLS or time.perf_counter() < end:
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return min(times)
