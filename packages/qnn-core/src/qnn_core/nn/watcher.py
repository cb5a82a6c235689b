"""Who looks on while a model runs, and knows in which of its modules each operation happens."""

from typing import Any

from ..autodiff import Op, Tensor
from ..autodiff.mode import Action
from .module import Module


class Watcher:
    """Base of the recorders (see `autodiff.mode`) that tell modules apart.

    Args:
        model: whose modules have the paths.
    """

    lenient = False
    whole = False

    def __init__(self, model: Module) -> None:
        self._paths = {id(module): path for path, module in model.named_modules()}
        self._inside: list[Module] = []

    def enter(self, module: Module) -> None:
        """Note that what follows happens in `module`."""
        self._inside.append(module)

    def leave(self) -> None:
        """Note that the module entered last is done."""
        self._inside.pop()

    def record(
        self, op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Look at one operation; every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} must define record")

    def effect(self, action: Action, tensor: Tensor, *, reads: bool) -> None:
        """Pass over what is done beside the operations."""

    def seen(self, tensor: Tensor) -> None:
        """Pass over what Python reads of a tensor."""

    @property
    def module(self) -> Module | None:
        """The innermost module that is running; None outside of all."""
        return self._inside[-1] if self._inside else None

    @property
    def path(self) -> str:
        """The path of that module; ``""`` for the model itself, and what is not in it."""
        return self._paths.get(id(self.module), "")

    def place(self, op: Op) -> str:
        """Return the module and the operation in words."""
        module = self.module
        inside = "" if module is None else f"{type(module).__name__}, "
        return f"{self.path or 'the model'} ({inside}{op.name})"
