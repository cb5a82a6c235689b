"""Modules: parameters, buffers and submodules under one name each."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..autodiff import Buffer, Parameter, Tensor
from ..autodiff.mode import MODE
from ..errors import StateError


class Module:
    """A part of a model: assign parameters, buffers and modules to attributes, define `forward`.

    They are found by walking over the attributes, in the order of assignment; those in lists,
    tuples and dictionaries count too.

    Attributes:
        training: whether the module is in training mode (True at first).

    Example:
        >>> import qnn_core as qnn
        >>> class Scale(qnn.nn.Module):
        ...     def __init__(self):
        ...         self.factor = qnn.Parameter(2.0)
        ...     def forward(self, x):
        ...         return x * self.factor
        >>> Scale()(qnn.Tensor([1.0, 2.0]))
        Tensor([2., 4.], op=multiply)
    """

    training: bool = True

    def forward(self, *inputs: Tensor) -> Tensor:
        """Compute the output; every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def __call__(self, *inputs: Any) -> Tensor:
        """Run `forward`; arrays become tensors of the module's dtype first."""
        for x in inputs:
            if not isinstance(x, Tensor):
                dtype = self.dtype
                inputs = tuple([x if isinstance(x, Tensor) else Tensor(x, dtype) for x in inputs])
                break
        recorder = MODE.here.recorder
        if recorder is None:
            return self.forward(*inputs)
        recorder.enter(self)
        try:
            return self.forward(*inputs)
        finally:
            recorder.leave()

    # What is inside

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """Yield ``(path, module)`` for this module (path `prefix`) and all inside it."""
        yield prefix, self
        for name, value in vars(self).items():
            for suffix, child in _inside(value, Module):
                yield from child.named_modules(_joined(prefix, name, suffix))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield ``(path, parameter)``, each parameter once, under its first name."""
        return self._named(Parameter)

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Yield ``(path, buffer)``."""
        return self._named(Buffer)

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter."""
        return (parameter for _, parameter in self.named_parameters())

    def _named(self, kind: Any) -> Iterator[tuple[str, Any]]:
        seen: set[int] = set()
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                for suffix, tensor in _inside(value, kind):
                    if id(tensor) not in seen:
                        seen.add(id(tensor))
                        yield _joined(path, name, suffix), tensor

    @property
    def dtype(self) -> np.dtype[Any]:
        """``float32`` or ``float64``: that of the first parameter (float32 without any)."""
        first = _first_parameter(vars(self).values())
        return np.dtype(np.float32) if first is None else first.dtype

    # Mode and type

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all inside it to training mode (or to evaluation mode)."""
        for _, module in self.named_modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch this module and all inside it to evaluation mode."""
        return self.train(False)

    def astype(self, dtype: DTypeLike) -> Self:
        """Convert every float parameter and buffer, in place; returns the module itself."""
        for _, tensor in [*self.named_parameters(), *self.named_buffers()]:
            if tensor.array.dtype.kind == "f":
                tensor.put(Tensor(tensor, dtype).array)
                tensor.grad = None
        return self

    # State

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return a copy of every parameter and buffer by its path."""
        return {name: tensor.array.copy() for name, tensor in self._state()}

    def load_state_dict(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over the values of `state_dict` of an equal module.

        Raises:
            StateError: if names are missing, unknown, or of another shape or dtype. The message
                lists all of them, and nothing was changed.
        """
        own = dict(self._state())
        problems = [f"missing: {name}" for name in own if name not in state]
        problems += [f"unknown: {name}" for name in state if name not in own]
        for name in own.keys() & state.keys():
            here, there = own[name].array, np.asarray(state[name])
            if here.shape != there.shape or here.dtype != there.dtype:
                problems.append(
                    f"{name}: {there.dtype} of shape {there.shape} given, "
                    f"{here.dtype} of shape {here.shape} needed"
                )
        if problems:
            raise StateError(
                f"load_state_dict: the state does not fit this {type(self).__name__}:\n  "
                + "\n  ".join(sorted(problems))
            )
        for name, tensor in own.items():
            tensor.array[...] = state[name]
            tensor.written()

    def _state(self) -> list[tuple[str, Tensor]]:
        return [*self.named_parameters(), *self.named_buffers()]

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__}({self.describe()})"]
        for name, value in vars(self).items():
            for suffix, child in _inside(value, Module):
                body = repr(child).replace("\n", "\n  ")
                lines.append(f"  {_joined(name, suffix)}: {body}")
        return "\n".join(lines)

    def describe(self) -> str:
        """Return what `repr` shows between the parentheses."""
        return ""


def _first_parameter(values: Iterable[object]) -> Parameter | None:
    """Return a parameter among the values or inside them: what `parameters` yields, or quicker."""
    for value in values:
        if isinstance(value, Parameter):
            return value
        inside: Iterable[object] = ()
        if isinstance(value, Module | dict):
            inside = (value if isinstance(value, dict) else vars(value)).values()
        elif isinstance(value, list | tuple):
            inside = value
        found = _first_parameter(inside)
        if found is not None:
            return found
    return None


def _inside(value: object, kind: Any) -> list[tuple[str, Any]]:
    """Return the value itself, or what a list, tuple or dictionary holds, if it is of that kind."""
    if isinstance(value, kind):
        return [("", value)]
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items() if isinstance(item, kind)]
    return []


def _joined(*parts: str) -> str:
    return ".".join(part for part in parts if part)
