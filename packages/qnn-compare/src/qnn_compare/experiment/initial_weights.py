"""The weights that a net starts with: those that all configs of a seed have in common."""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from qnn_core.nn import Module
from qnn_core.nn.surgery import quantizers

Weights = Mapping[str, NDArray[np.generic]]


def latent_weights(model: Module) -> Weights:
    """Return the parameters that are not those of quantizers, by name.

    Example:
        >>> import qnn_core as qnn
        >>> list(latent_weights(qnn.MLP([3, 2], weight="binary", last_weight="binary")))
        ['layers.0.weight', 'layers.0.bias']
    """
    inside = tuple(f"{path}." for path in quantizers(model))
    return {n: p.array for n, p in model.named_parameters() if not n.startswith(inside)}


def digest_of(weights: Weights) -> str:
    """Return a digest of names, shapes and values."""
    digest = hashlib.blake2b(digest_size=8)
    for name, array in weights.items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
