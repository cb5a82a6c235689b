"""The weights that a net starts with: those that configs of one seed have in common."""

import hashlib
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from qnn_core.nn import Module
from qnn_core.nn.surgery import quantizers

Weights = Mapping[str, NDArray[np.generic]]

# Digests of the weights, by those of their names and shapes: nets of one shape start alike.
Starts = Mapping[str, str]
# The first studies did not tell the shapes: theirs are of one shape.
UNTOLD = ""


def latent_weights(model: Module) -> Weights:
    """Return the parameters that are not those of quantizers, by name.

    Example:
        >>> import qnn_core as qnn
        >>> list(latent_weights(qnn.MLP([3, 2], weight="binary", last_weight="binary")))
        ['layers.0.weight', 'layers.0.bias']
    """
    inside = tuple(f"{path}." for path in quantizers(model))
    return {n: p.array for n, p in model.named_parameters() if not n.startswith(inside)}


def shapes_digest(weights: Weights) -> str:
    """Return a digest of names and shapes."""
    digest = hashlib.blake2b(digest_size=8)
    for name, array in weights.items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
    return digest.hexdigest()


def digest_of(weights: Weights) -> str:
    """Return a digest of names, shapes and values."""
    digest = hashlib.blake2b(digest_size=8)
    for name, array in weights.items():
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def starts_of(weights: Weights) -> dict[str, str]:
    """Return the digest of the weights by that of their shapes."""
    return {shapes_digest(weights): digest_of(weights)}


def differ(ours: Starts, theirs: Starts) -> bool:
    """Whether nets of one shape start with other weights here than there.

    Example:
        >>> differ({"a": "1"}, {"a": "2"}), differ({"a": "1"}, {"b": "2"})
        (True, False)
    """
    for one, other in ((ours, theirs), (theirs, ours)):
        if UNTOLD in one and other and one[UNTOLD] not in other.values():
            return True
    return any(ours[shapes] != theirs[shapes] for shapes in {*ours} & {*theirs})
