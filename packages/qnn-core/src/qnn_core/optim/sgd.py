"""Stochastic gradient descent."""

from typing import Any

from .._kernels import training as kernel
from ..autodiff import Parameter
from ..machine import kernel_settings
from .groups import Given
from .optimizer import Array, Optimizer, Settings
from .schedule import Schedule
from .settings import flag, number
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

    momentum = number(least=0, below=1)
    weight_decay = number(least=0)
    nesterov = flag()

    def __init__(
        self,
        parameters: Given,
        lr: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(
            parameters,
            lr,
            schedule,
            momentum=momentum,
            nesterov=nesterov,
            weight_decay=weight_decay,
        )

    def _slots(self, merged: list[Settings]) -> tuple[str, ...]:
        # Without momentum there is nothing to remember.
        return ("velocity",) if any(settings["momentum"] for settings in merged) else ()

    def _check(self, settings: Settings) -> None:
        if settings["nesterov"] and settings["momentum"] == 0:
            raise ValueError("SGD: nesterov needs a momentum above 0")

    def _l2(self, settings: Settings) -> float:
        decay: float = settings["weight_decay"]
        return decay

    def _update_all(
        self,
        settings: Settings,
        count: int,
        rate: float,
        parameters: list[Parameter],
        slots: list[list[Array]],
    ) -> bool:
        if type(self)._update is not SGD._update or type(self)._l2 is not SGD._l2:
            return False  # a subclass with a rule of its own
        decay, momentum, nesterov = (settings[n] for n in ("weight_decay", "momentum", "nesterov"))
        where = kernel_settings()
        return kernel.sgd_all(*where, parameters, slots, rate, decay, momentum, nesterov)

    def _update(
        self,
        settings: Settings,
        count: int,
        rule: Rule,
        parameter: Parameter,
        gradient: Array,
        *slots: Any,
    ) -> None:
        if slots:
            sgd_momentum(
                rule,
                parameter.array,
                gradient,
                slots[0],
                momentum=settings["momentum"],
                nesterov=settings["nesterov"],
            )
        else:
            sgd(rule, parameter.array, gradient)
