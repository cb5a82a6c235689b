"""Adam and AdamW."""

from typing import Any, ClassVar

from .._kernels import training as kernel
from ..autodiff import Parameter
from ..machine import kernel_settings
from .groups import Given
from .optimizer import Array, Optimizer, Settings
from .schedule import Schedule
from .settings import decays, number
from .updates import Rule, adam


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1).

    Args:
        parameters: see `Optimizer`.
        lr: learning rate, > 0.
        betas: decay of the running mean of the gradient and of its square, each 0 up to 1.
        eps: added to the root, > 0.
        weight_decay: L2 penalty that is added to the gradient, >= 0.
        schedule: see `Optimizer`.

    Raises:
        ValueError: for values outside of these.

    Example:
        >>> import qnn_core as qnn
        >>> weight = qnn.Parameter([1.0])
        >>> optimizer = Adam([weight], lr=0.1)
        >>> (weight * weight).sum().backward()
        >>> optimizer.step()
        >>> weight.data.round(3)
        array([0.9], dtype=float32)
    """

    slots: ClassVar[tuple[str, ...]] = ("mean", "square")
    # Whether weight decay acts on the weight itself instead of through the gradient.
    decoupled: ClassVar[bool] = False

    betas = decays()
    eps = number(above=0)
    weight_decay = number(least=0)

    def __init__(
        self,
        parameters: Given,
        lr: float = 1e-3,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        schedule: Schedule | None = None,
    ) -> None:
        super().__init__(parameters, lr, schedule, betas=betas, eps=eps, weight_decay=weight_decay)

    def _l2(self, settings: Settings) -> float:
        return 0.0 if self.decoupled else settings["weight_decay"]

    def _update_all(
        self,
        settings: Settings,
        count: int,
        rate: float,
        parameters: list[Parameter],
        slots: list[list[Array]],
    ) -> bool:
        if type(self)._update is not Adam._update or type(self)._l2 is not Adam._l2:
            return False  # a subclass with a rule of its own
        (beta1, beta2), decay = settings["betas"], settings["weight_decay"]
        return kernel.adam_all(
            *kernel_settings(),
            parameters,
            slots,
            rate,
            0.0 if self.decoupled else decay,
            beta1,
            beta2,
            settings["eps"],
            1 - beta1**count,
            1 - beta2**count,
            decay if self.decoupled else 0.0,
        )

    def _update(
        self,
        settings: Settings,
        count: int,
        rule: Rule,
        parameter: Parameter,
        gradient: Array,
        *slots: Any,
    ) -> None:
        adam(
            rule,
            parameter.array,
            gradient,
            *slots,
            betas=settings["betas"],
            epsilon=settings["eps"],
            step=count,
            decoupled_decay=settings["weight_decay"] if self.decoupled and parameter.decay else 0.0,
        )


class AdamW(Adam):
    """Adam with decoupled weight decay, ``w -= lr * weight_decay * w``.

    (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2.) Arguments as for `Adam`.

    Example:
        >>> import qnn_core as qnn
        >>> optimizer = AdamW([qnn.Parameter([1.0])], lr=1e-3, weight_decay=0.01)
    """

    decoupled: ClassVar[bool] = True
