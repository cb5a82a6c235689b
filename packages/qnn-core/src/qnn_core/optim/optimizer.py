"""What all optimizers share: parameters in groups, settings, state, the bounds of weights."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..arguments import real
from ..autodiff import Parameter, Tensor
from ..errors import GraphError, NonFiniteError, ShapeError, StateError
from .groups import Given, Group, groups_of, unknown
from .schedule import Constant, Schedule
from .settings import number, schedule, settings_of
from .updates import Rule

Array = NDArray[Any]
Settings = dict[str, Any]


# Of a parameter that may be one.
SCALES = ". If it is a quantizer's scale: only a net in training mode trains it, model.train()"


class Optimizer(ABC):
    """Base of the optimizers.

    After each update, parameters with ``bounds`` are clipped to them, as the latent weights of
    binary layers are (Courbariaux et al. 2015, arXiv:1511.00363, section 2.4). Parameters with
    ``requires_grad = False`` are left as they are, and need no gradient.

    Groups of parameters may have hyperparameters of their own, a `schedule` too. All of them can be
    changed between two steps: ``optimizer.lr = 0.01`` for the groups that have no rate of their
    own, ``optimizer.param_groups[1]["lr"] = 0.01`` for one.

    Args:
        parameters: parameters, or ``(name, parameter)`` pairs as `Module.named_parameters` gives;
            names appear in error messages. Or a list of groups, dictionaries with either of them
            under ``"params"`` and hyperparameters that are not those of the others.
        lr: learning rate, > 0.
        schedule: factor on the learning rate at each step.
        settings: the hyperparameters of the subclass, by name.

    Attributes:
        parameters: of all groups, in their order.
        names: of the parameters.
        param_groups: the groups, see `Group`; there is always one.
        settings: all hyperparameters by name; those of groups that have none of their own.
        steps: number of steps taken.

    Raises:
        ValueError: if a parameter is given twice, in one group or in two, if there is none, for an
            unknown hyperparameter, or one outside of its range.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([4, 3, 2], seed=0)
        >>> groups = [{"params": model[0].parameters()}, {"params": model[2].parameters(), "lr": 1}]
        >>> optimizer = qnn.optim.SGD(groups, lr=0.1, momentum=0.9)
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 1.0]
    """

    # Names of the arrays that the optimizer keeps for each parameter.
    slots: ClassVar[tuple[str, ...]] = ()

    lr = number(above=0)
    schedule = schedule()

    def __init__(
        self, parameters: Given, lr: float, schedule: Schedule | None = None, **settings: Any
    ) -> None:
        self.steps = 0
        self.settings: Settings = {}
        self.param_groups: tuple[Group, ...] = ()
        groups, own = groups_of(self, parameters)
        self.parameters = [p for group in groups for p in group["params"]]
        self.names = [name for group in groups for name in group.names]
        # How many steps left each parameter out.
        self._skipped = [0] * len(self.parameters)
        self._state: dict[str, list[Array]] = {}
        self._merged: list[Settings] = []
        usual = {"lr": lr, "schedule": Constant() if schedule is None else schedule} | settings
        self.change(usual | own.pop() if len(own) == 1 else usual)
        self.param_groups = tuple(groups)
        for group, changes in zip(groups, own, strict=False):  # those of an only one are done
            self.change(changes, group)

    def change(self, changes: Settings, group: Group | None = None) -> None:
        """Change hyperparameters, of one group or (None) of all that have none of their own.

        Raises:
            ValueError: if one is unknown or out of its range; nothing was changed.
        """
        where, known = type(self).__name__, settings_of(type(self))
        for name in changes:
            if name not in known:
                raise unknown(where, name, known)
        new = {name: known[name].checked(where, value) for name, value in changes.items()}
        alone = group is None or len(self.param_groups) == 1
        settings = {**self.settings, **(new if alone else {})}
        own = [g.own | (new if g is group and not alone else {}) for g in self.param_groups]
        merged = [settings | mine for mine in own] or [settings]
        for each in merged:
            self._check(each)
        for g, mine in zip(self.param_groups, own, strict=True):
            g.own = mine
        self.settings, self._merged = settings, merged
        for slot in self._slots(merged):
            if slot not in self._state:
                self._state[slot] = [np.zeros_like(p.array) for p in self.parameters]

    @property
    def current_lr(self) -> float:
        """The learning rate of the next step, of the first group."""
        return self.lr_at(self.steps)

    def lr_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0, of the first group."""
        return _rate(self._merged[0], step)

    def zero_grad(self) -> None:
        """Forget the gradients; call it before each backward."""
        for parameter in self.parameters:
            parameter.grad = None

    def step(self) -> None:
        """Update every parameter by its gradient, but for those with ``requires_grad = False``.

        Raises:
            GraphError, ShapeError: if a parameter has no gradient, or one that does not fit;
                nothing was changed.
        """
        rates = [_rate(settings, self.steps) for settings in self._merged]
        if self._all_at_once(rates):
            return
        gradients = [
            self._gradient(n, p) if p.requires_grad else None for n, p in enumerate(self.parameters)
        ]
        self.steps += 1
        state = list(self._state.values())
        n = -1
        for group, settings, lr in zip(self.param_groups, self._merged, rates, strict=True):
            decay = self._l2(settings)
            usual = Rule(lr, decay)
            for parameter in group.parameters:
                n += 1
                gradient = gradients[n]
                if gradient is None:
                    self._skipped[n] += 1
                    continue
                # In place needs one block of memory, which a user's array may not be.
                if not parameter.array.flags.c_contiguous:
                    parameter.put(np.asarray(parameter.array, order="C"))
                plain = parameter.bounds is None and (decay == 0 or parameter.decay)
                rule = usual if plain else _rule(parameter, lr, decay)
                slots = [arrays[n] for arrays in state]
                count = self.steps - self._skipped[n]
                self._update(settings, count, rule, parameter, gradient, *slots)
                parameter.written()

    def _all_at_once(self, rates: list[float]) -> bool:
        """Do what `step` does by one call of a kernel, if there is one that takes the parameters.

        Else nothing is done, and they are looked at one by one.
        """
        if len(rates) != 1 or any(self._skipped):
            return False
        settings = self._merged[0]
        slots = list(self._state.values())
        done = self._update_all(settings, self.steps + 1, rates[0], self.parameters, slots)
        if done:
            self.steps += 1
            for parameter in self.parameters:
                parameter.written()
        return done

    def _update_all(
        self,
        settings: Settings,
        count: int,
        rate: float,
        parameters: list[Parameter],
        slots: list[list[Array]],
    ) -> bool:
        """Update all parameters, if there is a kernel that does and they are what it takes."""
        return False

    def _slots(self, merged: list[Settings]) -> tuple[str, ...]:
        """Return the names of the arrays that groups with these settings need."""
        return self.slots

    def _check(self, settings: Settings) -> None:  # noqa: B027 # most have nothing to refuse
        """Raise a ValueError if hyperparameters do not go together."""

    def _l2(self, settings: Settings) -> float:
        """Return the factor of the L2 penalty, for parameters that decay."""
        return 0.0

    @abstractmethod
    def _update(
        self,
        settings: Settings,
        count: int,
        rule: Rule,
        parameter: Parameter,
        gradient: Array,
        *slots: Array,
    ) -> None:
        """Update the parameter, for the `count`-th time, and the optimizer's arrays, in place."""

    def _gradient(self, n: int, parameter: Parameter) -> Array:
        """Return the gradient of parameter n, or raise an error: the kernels check nothing."""
        grad = parameter.grad
        if grad is None:
            raise GraphError(
                f"{type(self).__name__}: {self.names[n]} of shape {parameter.shape} has no "
                "gradient: call backward() on a loss that depends on it, or leave it out"
                + (SCALES if not parameter.shape else "")
            )
        gradient: Array = grad.array
        data = parameter.array
        shape, dtype = data.shape, data.dtype
        if gradient.shape != shape or gradient.dtype is not dtype:
            self._check_fit(n, "gradient", gradient)
        for slot, arrays in self._state.items():
            array = arrays[n]
            if array.shape != shape or array.dtype is not dtype:
                self._check_fit(n, slot, array)
        if not data.flags.writeable:
            raise GraphError(f"{type(self).__name__}: the data of {self.names[n]} are read-only")
        return np.asarray(gradient, order="C")

    def _check_fit(self, n: int, kind: str, array: Array) -> None:
        data = self.parameters[n].array
        if array.shape != data.shape or array.dtype != data.dtype:
            raise ShapeError(
                f"{type(self).__name__}: {self.names[n]} is {data.dtype} of shape {data.shape}, "
                f"its {kind} {array.dtype} of shape {array.shape}; an "
                "optimizer is made after the model has its final shapes and dtype"
            )

    def describe(self) -> str:
        """Return the class and its settings, but not schedules, which may be any functions.

        Of several groups it says how many parameters each has, and its own settings.
        """
        settings = {
            name: value
            for name, value in (vars(self) | self.settings).items()
            if isinstance(value, int | float | tuple) and name not in ("steps", "param_groups")
        }
        listed = ", ".join(f"{name}={value}" for name, value in sorted(settings.items()))
        if len(self.param_groups) > 1:
            listed += f"; groups: {', '.join(map(repr, self.param_groups))}"
        return f"{type(self).__name__}({listed})"

    def state_dict(self) -> dict[str, Array]:
        """Return a copy of the optimizer's arrays, and of the number of steps.

        Hyperparameters are not in it: the rate is the one that the optimizer was made with or given
        since.
        """
        state: dict[str, Array] = {"steps": np.array(self.steps)}
        if any(self._skipped):
            state["skipped"] = np.array(self._skipped)
        for slot, arrays in self._state.items():
            for n, array in enumerate(arrays):
                state[f"{slot}.{n}"] = array.copy()
        return state

    def load_state_dict(self, state: Mapping[str, Array]) -> None:
        """Take over the state of an equal optimizer.

        Raises:
            StateError: if names or shapes differ, or steps were not counted from 0; nothing was
                changed.
        """
        own = self.state_dict()
        none_skipped = np.zeros(len(self.parameters), int)
        own.setdefault("skipped", none_skipped)
        state = {"skipped": none_skipped, **state}
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
        steps, skipped = int(state["steps"]), np.asarray(state["skipped"])
        # The n-th power of a number below 1 is none for n far below 0.
        if steps < 0 or np.any((skipped < 0) | (skipped > steps)):
            raise StateError(
                f"{type(self).__name__}: {steps} steps, of which parameters left out "
                f"{skipped.tolist()}: 0 to {steps} of 0 and more are needed"
            )
        self.steps = steps
        self._skipped = [int(count) for count in state["skipped"]]
        for slot, arrays in self._state.items():
            for n, array in enumerate(arrays):
                array[...] = state[f"{slot}.{n}"]


def _rule(parameter: Parameter, lr: float, decay: float) -> Rule:
    """Return what the rules of all optimizers share, for this parameter."""
    bounds = (-np.inf, np.inf) if parameter.bounds is None else parameter.bounds
    return Rule(lr, decay if parameter.decay else 0.0, *bounds)


def _rate(settings: Settings, step: int) -> float:
    """Return the learning rate of a group at a step."""
    rate: float = settings["lr"] * settings["schedule"](step)
    return rate


def but_for_rates(description: str) -> str:
    """Return what `Optimizer.describe` says without the learning rates.

    A run may go on with another rate; all else must be as it was.

    Example:
        >>> but_for_rates("SGD(lr=0.1, momentum=0.9)")
        'SGD(lr, momentum=0.9)'
    """
    return re.sub(r"\blr=[^,;)]*", "lr", description)


def clip_gradients(parameters: Iterable[Parameter], max_norm: float) -> float:
    """Scale all gradients down so that their common Euclidean norm is at most `max_norm`.

    (Pascanu et al. 2013, arXiv:1211.5063, algorithm 1.)

    Args:
        parameters: those without a gradient, or with ``requires_grad = False``, are passed over.
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
    max_norm = real("clip_gradients", "max_norm", max_norm, above=0)
    having = [(p, p.grad) for p in parameters if p.grad is not None and p.requires_grad]
    # In double: squares of float32 overflow from 1e19 on.
    norm = float(np.sqrt(sum(np.square(g.array, dtype=np.float64).sum() for _, g in having)))
    if not np.isfinite(norm):
        raise NonFiniteError(f"clip_gradients: the norm of the gradients is {norm}")
    if norm > max_norm:
        for parameter, g in having:
            # Not in place: two parameters may share a gradient's array.
            parameter.grad = Tensor.of(g.array * g.dtype.type(max_norm / norm))
    return norm
