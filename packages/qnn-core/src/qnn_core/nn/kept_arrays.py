"""Which arrays a file of a model holds: of NumPy's own class, of a few dtypes, each on its own."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.typing import NDArray

from ..errors import SpecError

Array = NDArray[Any]

KEPT = (
    "bool",
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
)
DTYPES = frozenset(map(np.dtype, KEPT))

# Steps of the search for an element that two arrays share; what takes more counts as shared.
MOST_STEPS = 100_000


def check_kept(array: Array, where: str) -> None:
    """Raise a SpecError unless a file gives an array back as it is.

    A subclass would lose what it has beside its numbers, such as the mask of a masked array.
    """
    if type(array) is not np.ndarray:
        raise SpecError(
            f"save: {where} holds a {type(array).__module__}.{type(array).__name__}, of which a "
            "file of a model would keep the numbers alone: hold np.array(it), and what else it "
            "tells in attributes of their own"
        )
    if array.dtype not in DTYPES or array.dtype.metadata:
        raise SpecError(
            f"save: {where} holds a numpy.ndarray of dtype {array.dtype!r}, which a file of a "
            f"model cannot: it holds {', '.join(KEPT)}, in this processor's order of bytes"
        )


def check_apart(held: Iterable[tuple[str, Array]]) -> None:
    """Raise a SpecError if two arrays share memory, as views do: they would come back apart.

    Args:
        held: all arrays of a model, each once, with where they stand.
    """
    spans = [(*byte_bounds(array), where, array) for where, array in held if array.size]
    reached: list[tuple[int, str, Array]] = []
    for low, high, where, array in sorted(spans, key=lambda span: span[0]):
        reached = [span for span in reached if span[0] > low]
        for _, other_place, other in reached:
            if _shared(array, other):
                raise SpecError(
                    f"save: {where} shares its memory with {other_place}, and would not after it "
                    "is loaded: hold one array, parameter or buffer in both places, or a copy"
                )
        reached.append((high, where, array))


def _shared(one: Array, other: Array) -> bool:
    try:
        return np.shares_memory(one, other, max_work=MOST_STEPS)  # type: ignore[arg-type] # any
    except np.exceptions.TooHardError:
        return True
