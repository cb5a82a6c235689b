"""What the tape does with an operation right now: record it for backward, for a trace, or not."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .op import Op
    from .tensor import Tensor


class Recorder(Protocol):
    """Who wants to be told of every operation, and of every module entered and left."""

    def record(
        self, op: "Op", inputs: "tuple[Tensor, ...]", attributes: dict[str, Any], output: "Tensor"
    ) -> None:
        """Take note of one operation."""

    # Whether a quantizer that was never fitted may run.
    lenient: bool

    def enter(self, module: Any) -> None:
        """Take note that what follows happens inside `module`."""

    def leave(self) -> None:
        """Take note that the module entered last is done."""


class _Mode(threading.local):
    grad: bool = True
    recorder: Recorder | None = None


MODE = _Mode()


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
    with set_grad(False):
        yield


@contextmanager
def set_grad(enabled: bool) -> Iterator[None]:
    """Record for backward inside the block, or not."""
    before = MODE.grad
    MODE.grad = enabled
    try:
        yield
    finally:
        MODE.grad = before


@contextmanager
def recording(recorder: Recorder) -> Iterator[None]:
    """Tell `recorder` of everything inside the block."""
    before = MODE.recorder
    MODE.recorder = recorder
    try:
        yield
    finally:
        MODE.recorder = before
