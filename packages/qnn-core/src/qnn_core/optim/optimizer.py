"""What all optimizers share: parameters, learning rate, state, and the bounds of latent weights."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Parameter, Tensor
from ..errors import GraphError, NonFiniteError, ShapeError, StateError
from .schedule import Constant, Schedule
from .updates import Rule

Array = NDArray[Any]


class Optimizer(ABC):
    """Base of the optimizers.

    After each update, parameters with ``bounds`` are clipped to them, as the latent weights of
    binary layers are (Courbariaux et al. 2015, arXiv:1511.00363, section 2.4).

    Args:
        parameters: parameters, or ``(name, parameter)`` pairs as `Module.named_parameters` gives;
            names appear in error messages.
        lr: learning rate, > 0.
        schedule: factor on the learning rate at each step.

    Attributes:
        steps: number of steps taken.
    """

    # Names of the arrays that the optimizer keeps for each parameter.
    slots: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        parameters: Iterable[Parameter] | Iterable[tuple[str, Parameter]],
        lr: float,
        schedule: Schedule | None = None,
    ) -> None:
        self.parameters, self.names = _named(parameters)
        if not self.parameters:
            raise ValueError(f"{type(self).__name__}: there are no parameters to optimize")
        self.lr = number(self, "lr", lr, low=0, inclusive=False)
        self.schedule = Constant() if schedule is None else schedule
        self.steps = 0
        self._state: dict[str, list[Array]] = {
            slot: [np.zeros_like(p.array) for p in self.parameters] for slot in self.slots
        }

    @property
    def current_lr(self) -> float:
        """The learning rate of the next step."""
        return self.lr * self.schedule(self.steps)

    def zero_grad(self) -> None:
        """Forget the gradients; call it before each backward."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Update every parameter by its gradient.

        Raises:
            GraphError, ShapeError: if a parameter has no gradient, or one that does not fit;
                nothing was changed.
        """
        gradients = [self._gradient(n, p) for n, p in enumerate(self.parameters)]
        lr = self.current_lr
        self.steps += 1
        decay = self._l2()
        usual = Rule(lr, decay)
        for n, parameter in enumerate(self.parameters):
            # In place needs one block of memory, which an array that a user assigned may not be.
            if not parameter.array.flags.c_contiguous:
                parameter.put(np.asarray(parameter.array, order="C"))
            plain = parameter.bounds is None and (parameter.decay or decay == 0)
            rule = usual if plain else _rule(parameter, lr, decay)
            slots = [self._state[slot][n] for slot in self.slots]
            self._update(rule, parameter, gradients[n], *slots)
            parameter.written()

    def _l2(self) -> float:
        """Return the factor of the L2 penalty, for parameters that decay."""
        return 0.0

    @abstractmethod
    def _update(self, rule: Rule, parameter: Parameter, gradient: Array, *slots: Array) -> None:
        """Update the parameter, and the optimizer's own arrays, in place."""

    def _gradient(self, n: int, parameter: Parameter) -> Array:
        """Return the gradient of parameter n, or raise an error: the kernels check nothing."""
        grad = parameter.grad
        if grad is None:
            raise GraphError(
                f"{type(self).__name__}: {self.names[n]} of shape {parameter.shape} has no "
                "gradient: call backward() on a loss that depends on it, or leave it out"
            )
        gradient: Array = grad.array
        self._check_fit(n, "gradient", gradient)
        for slot in self.slots:
            self._check_fit(n, slot, self._state[slot][n])
        if not parameter.array.flags.writeable:
            raise GraphError(f"{type(self).__name__}: the data of {self.names[n]} are read-only")
        return np.asarray(gradient, order="C")

    def _check_fit(self, n: int, kind: str, array: Array) -> None:
        data = self.parameters[n].array
        same_dtype = array.dtype is data.dtype or array.dtype == data.dtype
        if array.shape != data.shape or not same_dtype:
            raise ShapeError(
                f"{type(self).__name__}: {self.names[n]} is {data.dtype} of shape {data.shape}, "
                f"its {kind} {array.dtype} of shape {array.shape}; an "
                "optimizer is made after the model has its final shapes and dtype"
            )

    def describe(self) -> str:
        """Return the class and its settings, but not the schedule, which may be any function."""
        settings = {
            name: value
            for name, value in vars(self).items()
            if isinstance(value, int | float | tuple) and name not in ("steps", "slots")
        }
        listed = ", ".join(f"{name}={value}" for name, value in sorted(settings.items()))
        return f"{type(self).__name__}({listed})"

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of the optimizer's arrays, and of the number of steps."""
        state: dict[str, Array] = {"steps": np.array(self.steps)}
        for slot, arrays in self._state.items():
            for n, array in enumerate(arrays):
                state[f"{slot}.{n}"] = array.copy()
        return state

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Take over the state of an equal optimizer.

        Raises:
            StateError: if names or shapes differ; nothing was changed.
        """
        own = self.state_dict()
        if own.keys() != state.keys():
            raise StateError(
                f"{type(self).__name__}: the state holds {sorted(state)}, needed {sorted(own)}"
            )
        for name, array in own.items():
            if state[name].shape != array.shape or state[name].dtype != array.dtype:
                raise StateError(
                    f"{type(self).__name__}: {name}: {state[name].dtype} of shape "
                    f"{state[name].shape} given, {array.dtype} of shape {array.shape} needed"
                )
        self.steps = int(state["steps"])
        for slot, arrays in self._state.items():
            for n, array in enumerate(arrays):
                array[...] = state[f"{slot}.{n}"]


def _rule(parameter: Parameter, lr: float, decay: float) -> Rule:
    """Return what the rules of all optimizers share, for this parameter."""
    bounds = (-np.inf, np.inf) if parameter.bounds is None else parameter.bounds
    return Rule(lr, decay if parameter.decay else 0.0, *bounds)


def number(
    owner: object,
    argument: str,
    value: float,
    *,
    low: float,
    high: float = np.inf,
    inclusive: bool = True,
) -> float:
    """Return a hyperparameter as a float, or raise a ValueError if it is not in low..high."""
    fits = isinstance(value, int | float | np.floating) and low <= value < high
    if not fits or (value == low and not inclusive):
        above = "at least" if inclusive else "above"
        below = "" if high == np.inf else f" and below {high:g}"
        raise ValueError(
            f"{type(owner).__name__}: {argument} must be {above} {low:g}{below}, got {value!r}"
        )
    return float(value)


def clip_gradients(parameters: Iterable[Parameter], max_norm: float) -> float:
    """Scale all gradients down so that their common Euclidean norm is at most `max_norm`.

    (Pascanu et al. 2013, arXiv:1211.5063, algorithm 1.)

    Args:
        parameters: those without a gradient are passed over.
        max_norm: > 0.

    Returns:
        The norm before.

    Raises:
        NonFiniteError: if the norm is not finite: scaling would not help.

    Example:
        >>> import qnn_core as qnn
        >>> weight = qnn.Parameter([0.0, 0.0])
        >>> (weight * [3.0, 4.0]).sum().backward()
        >>> qnn.optim.clip_gradients([weight], 1.0), weight.grad
        (5.0, Tensor([0.6, 0.8]))
    """
    if not max_norm > 0:
        raise ValueError(f"clip_gradients: max_norm must be above 0, got {max_norm!r}")
    having = [(p, p.grad) for p in parameters if p.grad is not None]
    # In double: squares of float32 overflow from 1e19 on.
    norm = float(np.sqrt(sum(np.square(g.array, dtype=np.float64).sum() for _, g in having)))
    if not np.isfinite(norm):
        raise NonFiniteError(f"clip_gradients: the norm of the gradients is {norm}")
    if norm > max_norm:
        for parameter, g in having:
            # Not in place: two parameters may share a gradient's array.
            parameter.grad = Tensor.of(g.array * g.dtype.type(max_norm / norm))
    return norm


def _named(
    parameters: Iterable[Any],
) -> tuple[list[Parameter], list[str]]:
    found: list[Parameter] = []
    names: list[str] = []
    for position, entry in enumerate(parameters):
        name, parameter = entry if isinstance(entry, tuple) else (f"parameter {position}", entry)
        if not isinstance(parameter, Parameter):
            raise TypeError(f"an optimizer takes parameters, got {parameter!r}")
        found.append(parameter)
        names.append(name)
    return found, names
