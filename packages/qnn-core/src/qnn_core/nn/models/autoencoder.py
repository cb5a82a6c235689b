"""The fully connected autoencoder, with any quantizers."""

from collections.abc import Sequence
from typing import Any

from ...errors import ShapeError
from .mlp import MLP


class Autoencoder(MLP):
    """An `MLP` down to few numbers and up again, which learns to give what it gets.

    That of MLPerf Tiny's anomaly detection (Banbury et al. 2021, arXiv:2106.07597) is
    ``Autoencoder([640, 128, 128, 128, 128, 8], batch_norm=True)``; samples whose error is great are
    the anomalies. Targets are the inputs: ``loss=qnn.ops.mean_squared_error``.

    Args:
        sizes: number of features from the input to the code; they are mirrored for the way up.
        options: those of `MLP`: weight, input, batch_norm, first_weight, last_weight, seed and so
            on.

    Raises:
        ShapeError: if `sizes` has fewer than two entries, or one below 1.

    Example:
        >>> import numpy as np
        >>> Autoencoder([16, 8, 2], weight="symmetric:4", seed=0)(np.zeros((3, 16))).shape
        (3, 16)
    """

    def __init__(self, sizes: Sequence[int], **options: Any) -> None:
        if not isinstance(sizes, list | tuple) or len(sizes) < 2:
            raise ShapeError(f"Autoencoder: sizes needs an input and a code, got {sizes!r}")
        super().__init__([*sizes, *reversed(sizes[:-1])], **options)
