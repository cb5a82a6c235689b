"""Distillation: a net learns from another one's outputs too."""

import inspect
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..arguments import real
from ..autodiff import Tensor, no_grad
from ..data import run
from ..errors import ShapeError, SpecError
from ..nn import Module
from ..ops import log_softmax, softmax_cross_entropy
from ..ops import sum as sum_
from ..ops.loss import weighted_mean
from .evaluate import Loss

Array = NDArray[Any]


class Distillation:
    """A loss that pulls a net to the outputs of a trained one, the teacher.

    ``(1 - weight) * loss(outputs, targets) + weight * T**2 * KL(teacher, net)``, with both outputs
    divided by the temperature T before their softmax: Hinton et al. 2015, arXiv:1503.02531, section
    2. T**2 keeps the gradients of the second part of one size whatever T.

    `fit` and `evaluate` give the batch's inputs to any loss that has an argument `inputs`; so it is
    for losses of your own, of which this is one.

    Args:
        teacher: a trained module; it is used in evaluation mode and not trained.
        temperature: T > 0; greater ones show more of what the teacher holds for less likely.
        weight: share of the teacher's part, 0..1.
        loss: what is learned from the targets, ``loss(outputs, targets)``; one with an argument
            ``teacher`` gets the teacher's outputs, and is all that is learned: then temperature and
            weight mean nothing.

    Raises:
        SpecError: if the teacher is no module.
        ValueError: for a temperature or weight outside of these.

    Example:
        >>> import qnn_core as qnn
        >>> x, y = np.eye(2), np.array([0, 1])
        >>> teacher, net = qnn.MLP([2, 8, 2], seed=0), qnn.MLP([2, 2], weight="binary", seed=0)
        >>> optimizer = qnn.optim.Adam(net.parameters(), lr=0.1)
        >>> loss = qnn.Distillation(teacher, temperature=2.0)
        >>> len(qnn.fit(net, (x, y), epochs=2, optimizer=optimizer, loss=loss).epochs)
        2
    """

    def __init__(
        self,
        teacher: Module,
        *,
        temperature: float = 4.0,
        weight: float = 0.5,
        loss: Loss = softmax_cross_entropy,
    ) -> None:
        if not isinstance(teacher, Module):
            raise SpecError(f"Distillation: the teacher must be a module, got {teacher!r}")
        self.teacher = teacher.eval()
        self.temperature = real("Distillation", "temperature", temperature, above=0)
        self.weight = real("Distillation", "weight", weight, least=0, most=1)
        # What a loss adds to: its metric is that of this one.
        self.wrapped_loss = loss
        self._own = "teacher" in inspect.signature(loss).parameters

    def __call__(
        self, outputs: Tensor, targets: Any, *, inputs: Any, sample_weight: Array | None = None
    ) -> Tensor:
        """Return the mean loss of a batch."""
        with no_grad():
            theirs = run(self.teacher, inputs)
        options: dict[str, Any] = {} if sample_weight is None else {"sample_weight": sample_weight}
        if self._own:
            return self.wrapped_loss(outputs, targets, teacher=theirs, **options)
        if theirs.shape != outputs.shape:
            raise ShapeError(
                f"Distillation: the teacher gives outputs of shape {theirs.shape}, and the net of "
                f"shape {outputs.shape}"
            )
        soft = self._soft(outputs, theirs, sample_weight)
        if self.weight == 1:
            return soft
        hard = self.wrapped_loss(outputs, targets, **options)
        return hard * (1 - self.weight) + soft * self.weight

    def _soft(self, outputs: Tensor, theirs: Tensor, sample_weight: Array | None) -> Tensor:
        """Return the mean of T**2 * KL(teacher, net) over the samples."""
        scale = 1 / self.temperature
        with no_grad():
            theirs_log = log_softmax(theirs * scale).array
        likely = np.exp(theirs_log)
        gaps = (theirs_log - log_softmax(outputs * scale)) * likely
        divergence = sum_(gaps, axis=tuple(range(1, outputs.ndim)))
        return weighted_mean("Distillation", divergence, sample_weight) * self.temperature**2
