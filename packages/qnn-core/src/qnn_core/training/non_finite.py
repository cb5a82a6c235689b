"""Where numbers stop being finite, once the loss has: the layer to look at."""

import copy
from typing import Any

import numpy as np

from ..autodiff import Op, Tensor, no_grad
from ..autodiff.mode import recording
from ..data import run
from ..nn import Module
from ..nn.watcher import Watcher


def first_overflow(model: Module, inputs: Any) -> str:
    """Return the first operation that makes NaN or infinity of finite numbers; ``""`` if none does.

    Args:
        model: as it is, in its mode; a copy of it is run.
        inputs: of a batch.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([2, 3, 2], seed=0)
        >>> model.layers[2].weight.data[:] = 3e38
        >>> first_overflow(model, np.full((1, 2), 3e38, np.float32))
        'layers.0 (Linear, linear)'
    """
    try:
        watched = copy.deepcopy(model)
        look = _Look(watched)
        with no_grad(), recording(look), np.errstate(all="ignore"):
            run(watched, inputs)
    except Exception:
        # What a user's model raises when it is run once more must not stand before the first error.
        return ""
    return look.found


class _Look(Watcher):
    """A recorder of the first output that is not finite."""

    def __init__(self, model: Module) -> None:
        super().__init__(model)
        self.found = ""

    def record(
        self, op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Look at what an operation gives."""
        if self.found or np.all(np.isfinite(output.array)):
            return
        if all(np.all(np.isfinite(x.array)) for x in inputs):
            self.found = self.place(op)
