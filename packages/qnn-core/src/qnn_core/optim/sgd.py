"""Stochastic gradient descent."""

from collections.abc import Iterable
from typing import Any

from ..autodiff import Parameter
from .optimizer import Array, Optimizer, number
from .schedule import Schedule
from .updates import Rule, sgd, sgd_momentum


class SGD(Optimizer):
    """``v = momentum * v + g``, ``w -= lr * v``, with ``g`` the gradient plus ``weight_decay * w``.

    With Nesterov's momentum, ``w -= lr * (g + momentum * v)`` (Sutskever et al. 2013, ICML, in the
    form of Bengio et al. 2012, arXiv:1212.0901, eq. 7).

    Args:
        parameters: see `Optimizer`.
        lr: learning rate, > 0.
        momentum: 0 up to but not including 1.
        nesterov: whether to look ahead.
        weight_decay: L2 penalty, >= 0; parameters with ``decay=False`` are left out.
        schedule: see `Optimizer`.

    Raises:
        ValueError: for values outside of these.

    Example:
        >>> import qnn_core as qnn
        >>> weight = qnn.Parameter([1.0])
        >>> optimizer = SGD([weight], lr=0.1)
        >>> (weight * weight).sum().backward()
        >>> optimizer.step()
        >>> weight
        Parameter([0.8])
    """

    def __init__(
        self,
        parameters: Iterable[Parameter] | Iterable[tuple[str, Parameter]],
        lr: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        schedule: Schedule | None = None,
    ) -> None:
        self.momentum = number(self, "momentum", momentum, low=0, high=1)
        self.weight_decay = number(self, "weight_decay", weight_decay, low=0)
        self.nesterov = nesterov
        if nesterov and momentum == 0:
            raise ValueError("SGD: nesterov needs a momentum above 0")
        # Without momentum there is nothing to remember.
        self.slots = ("velocity",) if momentum else ()  # type: ignore[misc]
        super().__init__(parameters, lr, schedule)

    def _l2(self) -> float:
        return self.weight_decay

    def _update(self, rule: Rule, parameter: Parameter, gradient: Array, *slots: Any) -> None:
        if slots:
            sgd_momentum(
                rule,
                parameter.array,
                gradient,
                slots[0],
                momentum=self.momentum,
                nesterov=self.nesterov,
            )
        else:
            sgd(rule, parameter.array, gradient)
