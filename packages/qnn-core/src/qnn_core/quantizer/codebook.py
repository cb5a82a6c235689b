"""A quantizer's levels and thresholds as arrays: what the kernels, coded tensors and files use."""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import search as kernel
from .._kernels import training
from ..errors import SpecError

if TYPE_CHECKING:
    from .base import Quantizer

Array = NDArray[Any]

# Of thresholds whose steps kernels may count: its reciprocal is a float32 with room to spare.
LEAST_STEP = float(np.finfo(np.float32).tiny) * 2**30


@dataclass(frozen=True, eq=False)
class Codebook:
    """The two tables of a scheme.

    Attributes:
        levels: float32, ascending; the value of each code in units of the scale.
        thresholds: float32, ascending, one fewer; ``code = count(thresholds <= u)``.
        per_step: 1 / distance of the thresholds if they are about evenly spaced, else 0.

    Example:
        >>> import qnn_core as qnn
        >>> book = codebook(qnn.get_quantizer("symmetric:2"))
        >>> book.levels, book.step
        (array([-1.,  0.,  1.], dtype=float32), 1.0)
        >>> int(np.count_nonzero(book.thresholds <= 0.7))  # the code of 0.7
        2
    """

    levels: NDArray[np.float32]
    thresholds: NDArray[np.float32]
    per_step: float

    @cached_property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest level."""
        return float(self.levels[0]), float(self.levels[-1])

    @cached_property
    def rounds(self) -> bool:
        """Whether the levels are evenly spaced and each number goes to the nearest."""
        levels = self.levels.astype(np.float64)
        middles = (levels[1:] + levels[:-1]) / 2
        near = np.abs(self.thresholds - middles) < 1e-3 * self.step
        return levels.size > 1 and bool(np.all(near))

    @cached_property
    def step(self) -> float:
        """The distance of the levels if they are evenly spaced, else 0."""
        with np.errstate(over="ignore", invalid="ignore"):  # then they are not even
            steps = np.diff(self.levels)
            even = self.levels[0] + steps[0] * np.arange(self.levels.size, dtype=np.float32)
        return float(steps[0]) if np.array_equal(even, self.levels) else 0.0

    @cached_property
    def search(self) -> kernel.Search | None:
        """A table to search the thresholds by; None if their steps are counted."""
        return None if self.per_step else kernel.Search(self.thresholds)

    @cached_property
    def book(self) -> training.Book:
        """The tables as the kernels of a training step take them."""
        return training.Book(
            # The last is reached by nothing, not even by infinity.
            bounded_thresholds=np.concatenate([[-np.inf], self.thresholds, [np.nan]]).astype("f4"),
            count=self.thresholds.size,
            per_step=self.per_step,
            search=self.search,
            levels=self.levels,
            first=float(self.levels[0]),
            step=self.step,
        )


# The books of quantizers that were asked for before, with the quantizers, so that an id stays
# theirs: their hashes, of all fields, would be a tenth of a small step.
_KNOWN: dict[int, tuple["Quantizer", Codebook]] = {}
_MOST_KNOWN = 512


def codebook(quantizer: "Quantizer") -> Codebook:
    """Return the tables of `quantizer`, made once.

    The thresholds are found by bisection over `quantizer.encode` itself, through all float32
    numbers, so that counting them equals encoding, by construction, for every monotone scheme.

    Raises:
        SpecError: if the levels are not finite ascending numbers, as many as need just `bits` bits,
            or `encode` does not give each level its own code.

    Example:
        >>> import qnn_core as qnn
        >>> codebook(qnn.get_quantizer("logarithmic:2,signed=False")).levels
        array([0.  , 0.25, 0.5 , 1.  ], dtype=float32)
    """
    known = _KNOWN.get(id(quantizer))
    if known is not None:
        return known[1]
    book = _codebook(quantizer)
    if len(_KNOWN) >= _MOST_KNOWN:
        _KNOWN.clear()
    _KNOWN[id(quantizer)] = quantizer, book
    return book


def forget_codebooks() -> None:
    """Make all tables anew when they are next asked for.

    They are found by equality, so one is stale where a class of a notebook, or what it reads, was
    changed since.

    Example:
        >>> import qnn_core as qnn
        >>> quantizer = qnn.get_quantizer("symmetric:3")
        >>> before = codebook(quantizer)
        >>> forget_codebooks()
        >>> codebook(quantizer) is before
        False
    """
    _KNOWN.clear()
    _codebook.cache_clear()


@lru_cache(maxsize=512)
def _codebook(quantizer: "Quantizer") -> Codebook:
    levels = checked_levels(quantizer.levels, quantizer.bits, type(quantizer).__name__)
    thresholds = _thresholds(quantizer, levels)
    levels.flags.writeable = False
    thresholds.flags.writeable = False
    return Codebook(levels, thresholds, _per_step(thresholds))


def checked_levels(levels: Any, bits: int, name: str) -> NDArray[np.float32]:
    """Return the levels as an ascending float32 array, or raise a SpecError."""
    try:
        with np.errstate(over="ignore"):  # what overflows is refused below
            array = np.array(levels, dtype=np.float32)
    except (OverflowError, TypeError, ValueError) as error:
        raise SpecError(f"{name}: levels must be numbers, got {levels!r}") from error
    if array.ndim != 1:
        raise SpecError(f"{name}: levels must be numbers in one row, got shape {array.shape}")
    if not np.all(np.isfinite(array)):
        raise SpecError(f"{name}: levels must be finite, got {array}")
    if not np.all(array[1:] > array[:-1]):
        raise SpecError(f"{name}: levels must ascend strictly, got {array}")
    if not 2 ** (bits - 1) < array.size <= 2**bits:
        raise SpecError(
            f"{name}: {bits} bits have {2 ** (bits - 1) + 1} to {2**bits} levels, got {array.size}"
        )
    return array


def _thresholds(quantizer: "Quantizer", levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return, for each code but the first, the least float32 whose code is not below it."""
    name = type(quantizer).__name__
    codes = np.asarray(quantizer.encode(levels))
    if codes.shape != levels.shape or not np.array_equal(codes, np.arange(levels.size)):
        raise SpecError(
            f"{name}: encode(levels) must be 0..{levels.size - 1} in that order, got {codes}"
        )
    wanted = np.arange(1, levels.size)
    # Between neighbouring levels, over the order-preserving integers of their float32 patterns.
    low = ordinal(levels[:-1])
    high = ordinal(levels[1:])
    # Mostly the threshold is the middle, or next to it: there it takes three steps, not thirty.
    middle = ordinal(((levels[1:].astype(np.float64) + levels[:-1]) / 2).astype(np.float32))
    tries = [middle - 1, middle + 1]
    while np.any(high - low > 1):
        tried = tries.pop() if tries else (low + high) >> 1
        tried = np.clip(tried, low, high)
        reached = np.asarray(quantizer.encode(from_ordinal(tried))).astype(np.int64) >= wanted
        high = np.where(reached, tried, high)
        low = np.where(reached, low, tried)
    return from_ordinal(high)


def ordinal(x: NDArray[np.float32]) -> NDArray[np.int64]:
    """Map float32 numbers to integers in the same order (both zeros to 0)."""
    pattern = x.view(np.int32).astype(np.int64)
    return np.where(pattern < 0, -(pattern & 0x7FFFFFFF), pattern)


def from_ordinal(ordinal: NDArray[np.int64]) -> NDArray[np.float32]:
    """Undo `ordinal`."""
    magnitude = np.abs(ordinal).astype(np.int32).view(np.float32)
    return np.where(ordinal < 0, -magnitude, magnitude)


def _per_step(thresholds: NDArray[np.float32]) -> float:
    wide = thresholds.astype(np.float64)
    # The kernels count steps from the first threshold on in float32: where that overflows, or a
    # step has no float32 reciprocal, they have to search.
    if wide.size < 2 or not np.ptp(wide) < np.finfo(np.float32).max:
        return 0.0
    steps = np.diff(wide)
    even = np.ptp(steps) < 1e-3 * steps.mean()
    return float(1 / steps.mean()) if even and steps.mean() > LEAST_STEP else 0.0
