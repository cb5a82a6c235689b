"""One step of each rule on a parameter, in place: compiled for float32, NumPy for float64."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._kernels import training as kernel
from ..machine import kernel_settings

Array = NDArray[Any]


class Rule(NamedTuple):
    """What all rules share, in the order of the kernels' arguments.

    Attributes:
        rate: learning rate.
        decay: factor of the L2 penalty.
        low, high: bounds of the parameter after the step.
    """

    rate: float
    decay: float
    low: float = -np.inf
    high: float = np.inf

    def clip(self, weight: Array) -> None:
        """Bring the parameter inside the bounds."""
        np.clip(weight, self.low, self.high, out=weight)


def sgd(rule: Rule, weight: Array, gradient: Array) -> None:
    """Do ``w -= rate * (g + decay * w)``."""
    if weight.dtype == np.float32:
        kernel.sgd(*kernel_settings(), weight, gradient, *rule)
        return
    weight -= rule.rate * (gradient + rule.decay * weight)
    rule.clip(weight)


def sgd_momentum(
    rule: Rule,
    weight: Array,
    gradient: Array,
    velocity: Array,
    *,
    momentum: float,
    nesterov: bool,
) -> None:
    """Do ``v = m * v + g``, ``w -= rate * v`` (Nesterov: ``rate * (g + m * v)``)."""
    if weight.dtype == np.float32:
        where = kernel_settings()
        kernel.sgd_momentum(*where, weight, gradient, *rule, velocity, momentum, nesterov)
        return
    slope = gradient + rule.decay * weight
    velocity *= momentum
    velocity += slope
    weight -= rule.rate * (slope + momentum * velocity if nesterov else velocity)
    rule.clip(weight)


def adam(
    rule: Rule,
    weight: Array,
    gradient: Array,
    mean: Array,
    square: Array,
    *,
    betas: tuple[float, float],
    epsilon: float,
    step: int,
    decoupled_decay: float,
) -> None:
    """Do Adam's or AdamW's step number `step`, from 1 on."""
    beta1, beta2 = betas
    corrections = 1 - beta1**step, 1 - beta2**step
    if weight.dtype == np.float32:
        kernel.adam(
            *kernel_settings(),
            weight,
            gradient,
            *rule,
            mean=mean,
            square=square,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            correction1=corrections[0],
            correction2=corrections[1],
            decoupled_decay=decoupled_decay,
        )
        return
    slope = gradient + rule.decay * weight
    mean += (1 - beta1) * (slope - mean)
    square += (1 - beta2) * (slope * slope - square)
    weight *= 1 - rule.rate * decoupled_decay
    root = np.sqrt(square / corrections[1])
    weight -= rule.rate / corrections[0] * mean / (root + epsilon)
    rule.clip(weight)
