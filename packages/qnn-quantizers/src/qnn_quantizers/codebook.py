"""Levels that are learned: a codebook for each layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import SpecError
from qnn_core.quantizer import QParams, Quantizer, sums_by_code, with_values

Array = NDArray[np.floating]

ROUNDS = 30  # of k-means; it has settled long before
SAMPLES = 100_000  # of more data, a part is enough


@dataclass(frozen=True)
class LearnedCodebook(Quantizer):
    """Levels at distances that are fitted to the data and then learned, 0.0 among them.

    ::

        levels      2**bits of them over a range of 2**bits - 1, in steps of 2**(bits - 8):
                    round(256 (1 - 2**-bits) (c - c0) / sum(gaps)) of these, c the sums of the gaps
                    up to a level, c0 up to the level that is 0
        value       scale * level
        code        that of the level nearest to u = x / scale
        d/dx        1 inside the range, 0 outside
        d/dgap      that of the levels, as if they were not rounded

    The gaps begin as k-means finds them (Lloyd's algorithm in one dimension, as in Han et al. 2016,
    "Deep Compression", arXiv:1510.00149, section 3), and are trained by the sum of the gradients of
    what shares a level (the same, section 3.3; learned along with the net as in LCQ, Yamamoto 2021,
    arXiv:2103.07156, which has another formula for the levels). As in LCQ the levels are whole
    numbers times a step, so that products are ones of integers, exact: of bytes, unless many levels
    have come together at one end.

    Args:
        bits: 2 to 7.
        signed: 2**(bits - 1) levels are below 0; with False all are above, as after ReLU.
        gaps: distances of neighbouring levels, ascending, of which only the proportions count; none
            for those that k-means finds. They are what is trained.
        axis, scale, calibration, ...: see `Quantizer`. Channels share the levels. The calibration
            is ``mse`` unless another is named.

    Example:
        >>> LearnedCodebook(bits=2).levels
        array([-2., -1.,  0.,  1.], dtype=float32)
        >>> LearnedCodebook(bits=2, gaps=(2, 1, 1)).levels
        array([-2.25, -0.75,  0.  ,  0.75], dtype=float32)
    """

    trained: ClassVar[Mapping[str, tuple[float, float]]] = {"gaps": (0.02, 50.0)}

    bits: int = 4
    signed: bool = True
    gaps: tuple[float, ...] = ()
    calibration: str = "mse"

    def __post_init__(self) -> None:
        if self.bits == 8:
            raise SpecError(
                "LearnedCodebook: 8 bits leave no room between the levels; use symmetric or uniform"
            )
        if self.bits == 1:
            raise SpecError(
                "LearnedCodebook: one bit has one gap, and nothing to learn; use 'binary', or "
                "'uniform:1'"
            )
        if isinstance(self.gaps, list | np.ndarray):
            object.__setattr__(self, "gaps", tuple(float(gap) for gap in self.gaps))
        right = isinstance(self.gaps, tuple) and len(self.gaps) in (0, self._count - 1)
        if not right or not all(isinstance(gap, int | float) and gap > 0 for gap in self.gaps):
            raise SpecError(
                f"LearnedCodebook: gaps must be {self._count - 1} numbers > 0, got {self.gaps!r}"
            )
        super().__post_init__()

    @property
    def _count(self) -> int:
        # Of a width that is none, too, however large: it is refused later.
        return 2**self.bits if self.bits in range(1, 9) else 1

    @property
    def _zero(self) -> int:
        """The code of level 0."""
        return self._count // 2 if self.signed else 0

    @property
    def levels(self) -> NDArray[np.float32]:
        """The levels, in units of the scale."""
        steps = 256 // self._count  # in a unit
        reached = _reached(self.trained_values()["gaps"])
        whole = np.rint(reached * ((self._count - 1) * steps / reached[-1]))
        # Two that come together are set apart: each has a code.
        order = np.arange(self._count)
        whole = np.maximum.accumulate(whole - order) + order
        levels: NDArray[np.float32] = ((whole - whole[self._zero]) / steps).astype(np.float32)
        return levels

    def trained_values(self) -> dict[str, NDArray[np.float32]]:
        """Return the gaps, even ones if none were given."""
        return {"gaps": np.asarray(self.gaps or (1.0,) * (self._count - 1), np.float32)}

    def trained_gradients(self, u: Array, code: Array, gradient: Array) -> dict[str, Array]:
        """Return the gradient in the gaps, of levels that are not rounded."""
        reached = _reached(self.trained_values()["gaps"])
        of_levels = sums_by_code(code, gradient, self._count)
        # A gap moves the levels above it up, all below the zero down; its share in the sum of all
        # moves each by how far it lies from zero.
        above = np.cumsum(of_levels[::-1])[::-1][1:]
        below = np.where(np.arange(self._count - 1) < self._zero, of_levels.sum(), 0.0)
        share = of_levels @ (reached - reached[self._zero]) / reached[-1]
        return {"gaps": (above - below - share) * (self._count - 1) / reached[-1]}

    def fitted(self, x: Array, axis: int | None = None) -> tuple[Self, QParams]:
        """Return the quantizer with the gaps of k-means, and a scale that fits; given ones stay."""
        qparams = self.fit(x, axis)
        if self.gaps:
            return self, qparams
        shape = [1] * x.ndim
        if axis is not None:
            shape[axis] = -1
        u = (x / qparams.scale.reshape(shape)).ravel().astype(np.float64)
        centres = self._centres(np.sort(u[:: -(-u.size // SAMPLES)]))
        gaps = np.diff(centres)
        width = gaps.sum() / (self._count - 1)
        found = with_values(self, {"gaps": (gaps / gaps.mean()).clip(*self.trained["gaps"])})
        scale = (qparams.scale * width).astype(qparams.scale.dtype)
        return found, QParams(scale, qparams.zero_point)

    def _centres(self, u: Array) -> Array:
        """Return levels of the least squared error, found from even ones, for ascending data."""
        centres = self.levels.astype(np.float64)
        sums = np.concatenate([[0.0], np.cumsum(u)])
        for _ in range(ROUNDS):
            ends = np.searchsorted(u, (centres[1:] + centres[:-1]) / 2)
            ends = np.concatenate([[0], ends, [u.size]])
            counts = np.diff(ends)
            means = np.diff(sums[ends]) / np.maximum(counts, 1)
            # A level that nothing is nearest to stays; so does zero.
            means = np.where(counts > 0, means, centres)
            means[self._zero] = 0.0
            centres = np.maximum.accumulate(means)
        least = 1e-3 * max(centres[-1] - centres[0], 1e-30)
        order = least * np.arange(self._count)
        apart: Array = np.maximum.accumulate(centres - order) + order
        return apart


def _reached(gaps: Array) -> NDArray[np.float64]:
    """Return how far each level is from the first."""
    return np.concatenate([[0.0], np.cumsum(gaps.astype(np.float64))])
