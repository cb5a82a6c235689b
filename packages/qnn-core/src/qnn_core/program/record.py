"""What a model did in one call, as data: operations and effects on numbered values."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..autodiff import Op, Tensor
from ..autodiff.mode import Action


class Different(Exception):
    """Why a model has no program; the message says it in a few words."""


@dataclass(frozen=True, eq=False)
class Operation:
    """One operation.

    Attributes:
        op: the operation.
        inputs: numbers of values.
        attributes: its keyword arguments.
        output: number of the value that it made.
        needed: whether that requires a gradient.
        shape: of what it made.
    """

    op: Op
    inputs: tuple[int, ...]
    attributes: dict[str, Any]
    output: int
    needed: bool
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Effect:
    """Something that a module did beside the operations, to a numbered value."""

    action: Action
    value: int
    reads: bool


@dataclass(eq=False)
class Record:
    """One call of a model.

    Attributes:
        steps: in the order in which they happened.
        leaves: what no operation made, by number: parameters, buffers, constants. The inputs are
            the first numbers.
        output: number of what the model returned.
        count: of all values.
    """

    steps: list[Operation | Effect] = field(default_factory=list)
    leaves: dict[int, Tensor] = field(default_factory=dict)
    output: int = -1
    count: int = 0

    def check_same(self, other: "Record") -> None:
        """Compare with another call.

        Raises:
            Different: where they differ: what one of them did is no rule.
        """
        if [_kind(step) for step in self.steps] != [_kind(step) for step in other.steps]:
            raise Different("its operations are not the same at each step")
        for a, b in zip(self.steps, other.steps, strict=True):
            if isinstance(a, Operation) and isinstance(b, Operation):
                _check_operation(a, b)
            elif vars(a) != vars(b):
                raise Different("what is done beside the operations is not the same")
        if self.output != other.output or self.leaves.keys() != other.leaves.keys():
            raise Different("its operations take other values at each step")
        for number, leaf in self.leaves.items():
            _check_leaf(leaf, other.leaves[number], list(self.takers(number)))

    def takers(self, number: int) -> Iterator[Operation]:
        """Yield the operations that take a value."""
        for step in self.steps:
            if isinstance(step, Operation) and number in step.inputs:
                yield step


def _kind(step: Operation | Effect) -> Any:
    if isinstance(step, Effect):
        return None
    return step.op, step.inputs, step.output, step.needed, step.shape


def _check_operation(a: Operation, b: Operation) -> None:
    if a.attributes.keys() != b.attributes.keys():
        raise Different(f"{a.op.name} has other arguments at each step")
    for name, value in a.attributes.items():
        if not _equal(value, b.attributes[name]):
            raise Different(f"the argument {name} of {a.op.name} is another one at each step")


def _check_leaf(a: Tensor, b: Tensor, takers: list[Operation]) -> None:
    if a is b:
        return
    taker = takers[0].op.name if takers else "nothing"
    if a.requires_grad or b.requires_grad:
        raise Different(f"{taker} takes a tensor that was made outside of the model")
    if not _equal(a.array, b.array):
        raise Different(
            f"{taker} takes numbers that are others at each step, and that no operation made"
        )


def _equal(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        alike = isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.dtype == b.dtype
        return alike and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, list | tuple) and type(a) is type(b):
        return len(a) == len(b) and all(map(_equal, a, b))
    if type(a) is not type(b):
        return False
    try:
        return bool(a == b)
    except Exception:  # an own class may compare in any way
        return False


class Recorder:
    """Records one call (see `autodiff.mode.Recorder`)."""

    lenient = False
    whole = True

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        self.record_ = Record()
        self._numbers: dict[int, int] = {}
        # Tensors are known by id: holding them keeps an id from being used twice.
        self._alive: list[Tensor] = []
        # What Python has read numbers of, in words.
        self._seen = ""
        # Why there can be no program: told when the call is over, which must not be disturbed.
        self._why = ""
        for x in inputs:
            self._number(x)

    def record(
        self, op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Take note of one operation."""
        numbers = tuple([self._known(t) for t in inputs])
        made = self._number(output)
        needed, shape = output.requires_grad, output.array.shape
        step = Operation(op, numbers, dict(attributes), made, needed, shape)
        self.record_.steps.append(step)

    def effect(self, action: Action, tensor: Tensor, *, reads: bool) -> None:
        """Take note of what is done beside the operations."""
        self.record_.steps.append(Effect(action, self._known(tensor), reads))

    def seen(self, tensor: Tensor) -> None:
        """Take note that what is done may depend on the numbers of a tensor."""
        self._seen = self._seen or f"a tensor of shape {tensor.shape}"

    def enter(self, module: Any) -> None:
        """Pass over modules: their Python is not run again."""

    def leave(self) -> None:
        """Likewise."""

    def finished(self, output: Any) -> Record:
        """Return the record of a call that returned `output`.

        Raises:
            Different: if that is no tensor that an operation made, Python has read numbers, or a
                tensor was taken that has a graph of its own.
        """
        if self._why:
            raise Different(self._why)
        if self._seen:
            raise Different(f"its forward reads the numbers of {self._seen} in Python")
        if not isinstance(output, Tensor):
            raise Different(f"it returns a {type(output).__name__}, not one tensor")
        if not output.requires_grad or id(output) not in self._numbers:
            raise Different("what it returns requires no gradient")
        if output.node is None:
            raise Different("what it returns is a parameter")
        self.record_.output = self._numbers[id(output)]
        self.record_.count = len(self._alive)
        return self.record_

    def _known(self, tensor: Tensor) -> int:
        """Return the number of a value that an operation takes."""
        number = self._numbers.get(id(tensor))
        if number is None:
            number = self._number(tensor)
            if tensor.node is not None:
                self._why = "it takes a tensor that was made outside of it"
            self.record_.leaves[number] = tensor
        return number

    def _number(self, tensor: Tensor) -> int:
        number = self._numbers[id(tensor)] = len(self._alive)
        self._alive.append(tensor)
        return number
