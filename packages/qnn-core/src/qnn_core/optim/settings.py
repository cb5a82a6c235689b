"""Hyperparameters: checked whenever they are set, on an optimizer or on one of its groups."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ..arguments import real

if TYPE_CHECKING:
    from .optimizer import Optimizer

T = TypeVar("T")


class Setting(Generic[T]):
    """A hyperparameter of a class of optimizers; each group may have another value.

    Args:
        check: ``check(where, argument, value)`` returns the value, or raises a ValueError.
    """

    def __init__(self, check: Callable[[str, str, Any], T]) -> None:
        self._check = check
        self.name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    @overload
    def __get__(self, optimizer: None, owner: type) -> "Setting[T]": ...
    @overload
    def __get__(self, optimizer: "Optimizer", owner: type) -> T: ...
    def __get__(self, optimizer: "Optimizer | None", owner: type) -> "Setting[T] | T":
        if optimizer is None:
            return self
        value: T = optimizer.settings[self.name]
        return value

    def __set__(self, optimizer: "Optimizer", value: T) -> None:
        optimizer.change({self.name: value})

    def checked(self, where: str, value: Any) -> T:
        """Return the value as it is kept."""
        return self._check(where, self.name, value)


def settings_of(cls: type) -> dict[str, Setting[Any]]:
    """Return the hyperparameters of a class of optimizers by their names."""
    found = {n: s for c in reversed(cls.__mro__) for n, s in vars(c).items()}
    return {name: s for name, s in found.items() if isinstance(s, Setting)}


def number(**ends: Any) -> Setting[float]:
    """Return a hyperparameter that is a finite number; `ends` are those of `arguments.real`."""
    return Setting(lambda where, argument, value: real(where, argument, value, **ends))


def _pair(where: str, argument: str, value: Any) -> tuple[float, float]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise ValueError(f"{where}: {argument} must be two numbers, got {value!r}")
    first, second = (
        real(where, f"{argument}[{n}]", entry, least=0, below=1) for n, entry in enumerate(value)
    )
    return first, second


def decays() -> Setting[tuple[float, float]]:
    """Return a hyperparameter that is two numbers from 0 up to 1."""
    return Setting(_pair)


def _flag(where: str, argument: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{where}: {argument} must be True or False, got {value!r}")
    return value


def flag() -> Setting[bool]:
    """Return a hyperparameter that is True or False."""
    return Setting(_flag)


def _called(where: str, argument: str, value: Any) -> Any:
    if not callable(value):
        raise ValueError(
            f"{where}: {argument} must be a function of the step, such as qnn.optim.Cosine(1000), "
            f"got {value!r}"
        )
    return value


def schedule() -> Setting[Any]:
    """Return a hyperparameter that is a function of the step."""
    return Setting(_called)
