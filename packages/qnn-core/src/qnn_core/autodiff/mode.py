"""What the tape does with an operation right now: record it for backward, for a trace, or not."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .op import Op
    from .tensor import Tensor


Action = Callable[["Tensor", Any], None]


class Recorder(Protocol):
    """Who wants to be told of every operation, and of every module entered and left."""

    def record(
        self, op: "Op", inputs: "tuple[Tensor, ...]", attributes: dict[str, Any], output: "Tensor"
    ) -> None:
        """Take note of one operation."""

    # Whether a quantizer that was never fitted may run.
    lenient: bool
    # Whether a layer may do as one operation what several would: then they are not told of.
    whole: bool

    def effect(self, action: "Action", tensor: "Tensor", *, reads: bool) -> None:
        """Take note of what is done beside the operations: see `effect`."""

    def seen(self, tensor: "Tensor") -> None:
        """Take note that Python reads a tensor's numbers."""

    def enter(self, module: Any) -> None:
        """Take note that what follows happens inside `module`."""

    def leave(self) -> None:
        """Take note that the module entered last is done."""


class Compiler(Protocol):
    """Who runs models in place of their `forward`, with the same result."""

    def call(self, module: Any, inputs: "tuple[Tensor, ...]") -> Any:
        """Return what the module makes of the inputs."""


class Mode:
    """What holds in one thread."""

    __slots__ = ("compiler", "grad", "recorder")

    # Whether operations are recorded for backward.
    grad: bool
    # Who is told of every operation: a Recorder, or None.
    recorder: Any
    # Who runs a module that is called outside of any other: a Compiler, or None.
    compiler: Any

    def __init__(self) -> None:
        self.grad = True
        self.recorder = None
        self.compiler = None


class _Modes(threading.local):
    """The mode of the thread that asks."""

    def __init__(self) -> None:
        # An object of its own: an operation asks for it once, then reads it at the speed of C.
        self.here = Mode()

    @property
    def grad(self) -> bool:
        return self.here.grad

    @property
    def recorder(self) -> Recorder | None:
        recorder: Recorder | None = self.here.recorder
        return recorder


MODE = _Modes()


@contextmanager
def no_grad() -> Iterator[None]:
    """Record nothing for backward inside the block (or the decorated function).

    Example:
        >>> import qnn_core as qnn
        >>> weight = qnn.Parameter([1.0, 2.0])
        >>> with qnn.no_grad():
        ...     (weight * 2).requires_grad
        False
    """
    mode = MODE.here
    before = mode.grad
    mode.grad = False
    try:
        yield
    finally:
        mode.grad = before


def effect(action: "Action", tensor: "Tensor", residual: Any = None, *, reads: bool = True) -> None:
    """Do what a module does beside its operations, such as keep what it saw of a batch.

    Who records it can do it again: nothing else that is done with arrays in a `forward` can.

    Args:
        action: is given the other two.
        tensor: what an operation made, or was given.
        residual: what the operation that made `tensor` has left, or None.
        reads: whether the action reads the tensor's numbers, not only its shape.
    """
    action(tensor, residual)
    recorder = MODE.here.recorder
    if recorder is not None:
        recorder.effect(action, tensor, reads=reads)


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Tell `recorder` of everything inside the block."""
    mode = MODE.here
    before = mode.recorder
    mode.recorder = recorder
    try:
        yield
    finally:
        mode.recorder = before
