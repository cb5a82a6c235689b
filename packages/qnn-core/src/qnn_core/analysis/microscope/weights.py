"""What the quantizer of a layer does to its weight, and what an update would change, as numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...nn import QuantizeWeight
from ...qtensor import codes_of, units
from ...quantizer import QParams, Quantizer, codebook

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Weights:
    """A latent weight and its codes.

    Attributes:
        latent: what is trained, float32 of any shape.
        owner: the part of the layer that quantizes it.
        qparams: where the levels lie, if the weight is used as it is now.
        u: what is quantized, in units of the scale: of the weight's shape, or transformed if the
            quantizer has a transform.
        codes: uint8, of the weight's shape.
    """

    latent: Array
    owner: QuantizeWeight
    qparams: QParams
    u: Array
    codes: NDArray[np.uint8]

    @classmethod
    def of(cls, latent: Array, owner: QuantizeWeight) -> "Weights":
        """Return a weight as it is now; nothing is changed by it."""
        return cls._with(latent, owner, owner.qparams_now(latent))

    @classmethod
    def _with(cls, latent: Array, owner: QuantizeWeight, qparams: QParams) -> "Weights":
        quantizer, x = owner.quantizer, owner.transformed(latent)
        scale, shift = (np.asarray(part, x.dtype) for part in (qparams.scale, qparams.shift))
        u = units(x, scale, shift, quantizer.axis)
        return cls(latent, owner, qparams, u, codes_of(x, scale, shift, quantizer))

    def moved(self, step: Array) -> "Weights":
        """Return the weight after a step that is subtracted, with the qparams as they were."""
        return self._with(self.latent - step, self.owner, self.qparams)

    @property
    def quantizer(self) -> Quantizer:
        """The scheme, with what was trained in its fields."""
        return self.owner.quantizer

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each code occurs, ``[levels]``."""
        return np.bincount(self.codes.ravel(), minlength=codebook(self.quantizer).levels.size)

    @property
    def masked(self) -> float:
        """Share of the weights that get no gradient, 0..1."""
        return float(np.mean(self.quantizer.surrogate(self.u) == 0))

    def to_next_code(self) -> Array:
        """Return how far each weight lies from its nearest threshold, in units of the scale."""
        thresholds = codebook(self.quantizer).thresholds.astype(np.float64)
        u = self.u.ravel().astype(np.float64)
        above = np.clip(np.searchsorted(thresholds, u), 0, thresholds.size - 1)
        below = np.maximum(above - 1, 0)
        return np.minimum(np.abs(thresholds[above] - u), np.abs(u - thresholds[below]))


def changed(before: Weights, after: Weights) -> float:
    """Return the share of the codes that differ, 0..1."""
    return float(np.mean(before.codes != after.codes))


def along(weights: Weights, gradient: Array, rates: Array) -> tuple[Array, Array]:
    """Return what steps of plain gradient descent do: how far weights move, and codes that change.

    Args:
        weights: before the step.
        gradient: of the latent weight.
        rates: learning rates.

    Returns:
        For each rate the root mean square of the movement, in units of the scale, and the share of
        the codes that change.
    """
    sizes, shares = [], []
    for rate in rates:
        after = weights.moved(rate * gradient)
        moved = (after.u - weights.u).astype(np.float64)
        sizes.append(float(np.sqrt(np.mean(moved**2))))
        shares.append(changed(weights, after))
    return np.array(sizes), np.array(shares)
