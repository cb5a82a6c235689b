"""Modules: parameters, buffers and submodules under one name each."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..autodiff import Buffer, Parameter, Tensor
from ..autodiff.mode import MODE
from ..errors import StateError, StructureError
from ..torch_names import OF_MODULE, missing
from .hidden import checked
from .parts import Composite, Parts, children, first_parameter, held
from .shown import module_html

Output_co = TypeVar("Output_co", covariant=True)


class Forwards(Protocol[Output_co]):
    """What a module is to type checkers: a call of it returns what its own `forward` does."""

    def forward(self, *inputs: Any, **named: Any) -> Output_co:
        """Compute the output. To type checkers, these arguments stand for any others."""


class Module(Composite):
    """A part of a model: assign parameters, buffers and modules to attributes, define `forward`.

    They are found by walking over the attributes, in the order of assignment; those in lists,
    tuples and dictionaries count too, however deep they are nested, and a part that stands in
    several places counts once, under its first name. What has no name (in a set, as an attribute of
    the class, held by an object that is no module) is refused when the module is first called,
    and whenever it is asked what it holds, with a `StructureError`.

    Attributes:
        training: whether the module is in training mode (True at first).
        frozen: whether it stays in evaluation mode, see `freeze`.

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
    frozen: bool = False
    # What a call has found to be in order: 0 nothing yet, 1 what it holds, 2 what it trains too.
    _checked: int = 0

    # To type checkers, these arguments stand for any others: a subclass has its own.
    def forward(self, *inputs: Any, **named: Any) -> Any:
        """Compute the output, mostly a tensor; every subclass defines it."""
        raise NotImplementedError(f"{type(self).__name__} must define forward")

    def _call(self, *inputs: Any) -> Any:
        """Run `forward`, and return what it does; arrays become tensors of the module's dtype."""
        if self._checked < 2 and self._checked <= self.training:
            return self._first_call(inputs)
        for x in inputs:
            if not isinstance(x, Tensor):
                dtype = self.dtype
                inputs = tuple([x if isinstance(x, Tensor) else Tensor(x, dtype) for x in inputs])
                break
        mode = MODE.here
        recorder = mode.recorder
        if recorder is None:
            if mode.compiler is not None:
                return mode.compiler.call(self, inputs)
            return self.forward(*inputs)
        recorder.enter(self)
        try:
            return self.forward(*inputs)
        finally:
            recorder.leave()

    if TYPE_CHECKING:

        def __call__(self: Forwards[Output_co], *inputs: Any) -> Output_co:
            """Run `forward`, and return what it does."""

    else:
        __call__ = _call

    def _first_call(self, inputs: tuple[Any, ...]) -> Any:
        """Run for the first time, in evaluation or in training: look for parts that are lost."""
        parts = checked(self)
        trains = self.training and MODE.grad
        outer = CALL.outermost
        stranger = outer is not None and self not in outer
        if outer is not None and stranger and outer.root.training and MODE.grad:
            _refuse_stranger(self, parts, outer)
        for _, module in parts.modules:
            vars(module)["_checked"] = 2
        if outer is None:
            CALL.outermost = parts
        try:
            output = self(*inputs)
        except BaseException:
            vars(self)["_checked"] = 0
            raise
        finally:
            CALL.outermost = outer
        # A stranger is to be looked at again, in training.
        vars(self)["_checked"] = 0 if stranger else 2 if trains else 1
        return output

    def __getstate__(self) -> Any:
        # A copy is looked at anew: other parts may have been put into it.
        state: Any = object.__getstate__(self)
        values = state[0] if isinstance(state, tuple) else state
        if values and "_checked" in values:
            values = {name: value for name, value in values.items() if name != "_checked"}
        return (values, *state[1:]) if isinstance(state, tuple) else values

    # What is inside

    def named_parts(self) -> Parts:
        """Return all modules, parameters and buffers inside, with their paths, of one walk.

        Raises:
            StructureError: see `named_modules`.
        """
        return checked(self)

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """Yield ``(path, module)`` for this module (path `prefix`) and all inside it, each once.

        Raises:
            StructureError: if there are parts that cannot be found, two of one name, or a module
                inside of itself; also from all the methods below that ask what a module holds.
        """
        return iter(checked(self, prefix).modules)

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Yield ``(path, parameter)``, each parameter once, under its first name."""
        return iter(checked(self).parameters)

    def named_buffers(self) -> Iterator[tuple[str, Buffer]]:
        """Yield ``(path, buffer)``, each buffer once, under its first name."""
        return iter(checked(self).buffers)

    def parameters(self) -> Iterator[Parameter]:
        """Yield every parameter."""
        return (parameter for _, parameter in self.named_parameters())

    @property
    def dtype(self) -> np.dtype[Any]:
        """``float32`` or ``float64``: that of the first parameter (float32 without any)."""
        first = first_parameter(self)
        return np.dtype(np.float32) if first is None else first.dtype

    # Mode and type

    def train(self, mode: bool = True) -> Self:
        """Switch this module and all inside it to training mode (or to evaluation mode).

        Frozen ones stay in evaluation mode. Each part is switched by its own `train`, so that a
        class may do more there, or something else.
        """
        self.training = mode and not self.frozen
        return self._all(lambda child: child.train(mode))

    def eval(self) -> Self:
        """Switch this module and all inside it to evaluation mode."""
        return self.train(False)

    def freeze(self) -> Self:
        """Keep this module and all inside it in evaluation mode, whatever `train` says.

        What training measures stays as it is from now on: running statistics, calibrated and
        learned ranges of quantizers; dropout is off. Other parameters are trained as before:
        `requires_grad_` keeps those. It lasts until `unfreeze`, in copies too, but is no part of
        the state: freeze a model again before its state is loaded.

        Example:
            >>> import qnn_core as qnn
            >>> norm = qnn.BatchNorm(2).freeze()
            >>> norm.train().training
            False
        """
        self.frozen = True
        self.training = False
        return self._all(lambda child: child.freeze())

    def unfreeze(self) -> Self:
        """Undo `freeze`; the mode changes at the next `train`."""
        self.frozen = False
        return self._all(lambda child: child.unfreeze())

    def _all(self, change: Callable[["Module"], Any]) -> Self:
        """Do something to each module that this one holds itself."""
        try:
            for child in children(self):
                change(child)
        except RecursionError:
            checked(self)  # says which module is inside of itself
            raise
        return self

    def fixed_tensors(self) -> Iterable[Tensor]:
        """Return tensors whose values `forward` reads as numbers, or decides on, in this mode.

        A compiled step (see `qnn_core.compiled`) records the model anew when they were written to.
        """
        return ()

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Say of all parameters whether they are trained: others get no gradient and no update.

        Example:
            >>> import qnn_core as qnn
            >>> model = qnn.MLP([4, 3, 2], seed=0)
            >>> _ = model[0].requires_grad_(False)  # its weight and bias stay as they are
        """
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

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
            TypeError: if it is no dictionary.
            StateError: if names are missing, unknown, or of another shape or dtype. The message
                lists all of them, and nothing was changed.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                "load_state_dict: a dictionary is needed, as state_dict() returns, got a "
                f"{type(state).__name__}; qnn.load_state(path) reads one from a file, and "
                "qnn.load_torch_state(model, path) takes PyTorch's"
            )
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

    @recursive_repr("...")
    def __repr__(self) -> str:
        parts = held(self)
        fixed = [n for n, p in parts if isinstance(p, Parameter) and not p.requires_grad]
        notes = [self.describe(), "frozen" * self.frozen]
        notes += [f"not trained: {', '.join(fixed)}"] if fixed else []
        lines = [f"{type(self).__name__}({'; '.join(note for note in notes if note)})"]
        for name, child in parts:
            if isinstance(child, Module):
                body = repr(child).replace("\n", "\n  ")
                lines.append(f"  {name}: {body}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the layers as a table, as notebooks show it."""
        return module_html(self)

    if not TYPE_CHECKING:  # else any name would count as one of a module's

        def __getattr__(self, name: str) -> NoReturn:
            missing(f"{type(self).__name__!r} object", name, OF_MODULE)

    def describe(self) -> str:
        """Return what `repr` shows between the parentheses."""
        return ""


class _Call(threading.local):
    """The parts of the model whose first call this thread is in, or None."""

    outermost: Parts | None = None


CALL = _Call()


def _refuse_stranger(module: Module, parts: Parts, outer: Parts) -> None:
    """Raise a StructureError if a module that is called inside of another is no part of it."""
    if any(parameter.requires_grad for _, parameter in parts.parameters):
        raise StructureError(
            f"{type(outer.root).__name__}: its forward calls a {type(module).__name__} that it "
            "does not hold, whose parameters would be neither trained nor saved with it. Make it "
            "once, in __init__, and assign it to an attribute; one that is not to be trained can "
            "have requires_grad_(False)"
        )
