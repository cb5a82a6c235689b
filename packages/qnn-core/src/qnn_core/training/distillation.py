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
from ..ops import log_softmax, mean_squared_error, sigmoid, softmax_cross_entropy, softplus
from ..ops import sum as sum_
from ..ops.loss import weighted_mean
from .evaluate import Loss
from .metrics import DISTANCES, YES_OR_NO, unwrapped

Array = NDArray[Any]


class Distillation:
    """A loss that pulls a net to the outputs of a trained one, the teacher.

    ``(1 - weight) * loss(outputs, targets) + weight * T**2 * KL(teacher, net)``, with both outputs
    divided by the temperature T before their softmax: Hinton et al. 2015, arXiv:1503.02531, section
    2. T**2 keeps the gradients of the second part of one size whatever T. Where the loss is one of
    yes and no, each column is a sigmoid of its own; where it is a distance, the second part is the
    mean squared distance to the teacher's outputs, and T means nothing.

    `fit` and `evaluate` give the batch's inputs to any loss that has an argument `inputs`; so it is
    for losses of your own, of which this is one.

    Args:
        teacher: a trained module; it is used in evaluation mode and not trained.
        temperature: T > 0; greater ones show more of what the teacher holds for less likely.
        weight: share of the teacher's part, 0..1.
        loss: what is learned from the targets, ``loss(outputs, targets)``; one with an argument
            ``teacher`` gets the teacher's outputs, and is all that is learned: then temperature and
            weight mean nothing. Models of several outputs need such a loss.

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
        self._takes = inspect.signature(loss).parameters.keys() & {"teacher", "inputs"}

    def __call__(
        self, outputs: Tensor, targets: Any, *, inputs: Any, sample_weight: Array | None = None
    ) -> Tensor:
        """Return the mean loss of a batch."""
        with no_grad():
            theirs = run(self.teacher, inputs)
        options: dict[str, Any] = {} if sample_weight is None else {"sample_weight": sample_weight}
        if "inputs" in self._takes:
            options["inputs"] = inputs
        if "teacher" in self._takes:
            return self.wrapped_loss(outputs, targets, teacher=theirs, **options)
        if not isinstance(theirs, Tensor) or not isinstance(outputs, Tensor):
            raise ShapeError(
                "Distillation: of several outputs nobody can tell which are classes and which are "
                "numbers: give a loss of your own, loss(outputs, targets, teacher), which gets the "
                "teacher's outputs as they are"
            )
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
        """Return what the net learns from the teacher's outputs, the mean over the samples."""
        kind, scale = unwrapped(self.wrapped_loss), 1 / self.temperature
        if kind in DISTANCES:
            return mean_squared_error(outputs, theirs.array, sample_weight)
        gaps = _of_answers if kind in YES_OR_NO else _of_classes
        found = gaps(outputs * scale, theirs * scale)
        divergence = sum_(found, axis=tuple(range(1, outputs.ndim)))
        return weighted_mean("Distillation", divergence, sample_weight) * self.temperature**2


def _of_classes(outputs: Tensor, theirs: Tensor) -> Tensor:
    """Return the terms of KL(teacher, net) of a softmax over the columns.

    Raises:
        ShapeError: for one column, of which a softmax is always 1.
    """
    if outputs.ndim < 2 or outputs.shape[-1] < 2:
        raise ShapeError(
            f"Distillation: outputs of shape {outputs.shape} have no classes; the loss must say "
            "what they are: binary_cross_entropy_with_logits, or a distance"
        )
    with no_grad():
        theirs_log = log_softmax(theirs).array
    return (Tensor.of(theirs_log) - log_softmax(outputs)) * np.exp(theirs_log)


def _of_answers(outputs: Tensor, theirs: Tensor) -> Tensor:
    """Return the terms of KL(teacher, net) of a sigmoid of each column."""
    with no_grad():
        yes = sigmoid(theirs).array
        yes_log, no_log = -softplus(-theirs), -softplus(theirs)
    of_yes, of_no = yes_log + softplus(-outputs), no_log + softplus(outputs)
    terms: Tensor = of_yes * yes + of_no * (1 - yes)
    return terms
