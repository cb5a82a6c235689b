"""Instructions that do what the tape does, for operations that kernels do not know whole."""

from typing import Any

import numpy as np

from .._kernels import instruction
from ..autodiff.backward import unbroadcast
from ..autodiff.tensor import Tensor, tensor_of
from ..errors import GraphError


class Step(instruction.Instruction):
    """An operation as it was recorded: its tensors stay, and get other arrays.

    Args:
        op: the operation.
        tensors: what it takes.
        attributes: its keyword arguments.
        tensor: what it makes, with its record.
        copies: whether what it makes goes into the arrays that are there, which others know.
    """

    def __init__(
        self,
        op: Any,
        tensors: tuple[Tensor, ...],
        attributes: dict[str, Any],
        tensor: Tensor,
        copies: bool,
    ) -> None:
        self.op = op
        self.tensors = tensors
        self.attributes = attributes
        self.tensor = tensor
        # Of which inputs a gradient is wanted.
        self.needs: tuple[bool, ...] = ()
        self.copies = copies

    def lead(
        self, g: instruction.Slot | None, gradients: tuple[instruction.Slot | None, ...]
    ) -> None:
        """Take where the gradient comes from, and where those of the inputs go."""
        self.g, self.gradients = g, gradients
        self.needs = tuple([slot is not None for slot in gradients])

    def forward(self, path: int, threads: int) -> int:
        """Carry the operation out."""
        self.op.again(self.tensors, self.attributes, self.tensor)
        if self.copies:
            np.copyto(self.output.array, self.tensor.array)
            self.tensor.array = self.output.array
        else:
            self.output.put(self.tensor.array)
        return 0

    def backward(self, path: int, threads: int) -> int:
        """Carry its derivative out."""
        assert self.g is not None
        node, needs = self.tensor.node, self.needs
        assert node is not None
        found = self.op.pull(tensor_of(self.g.array), self.tensor, node, needs)
        if len(found) != len(needs):
            raise GraphError(
                f"{self.op.name}: its derivative gave {len(found)} gradients "
                f"for {len(needs)} inputs"
            )
        for n, slot in enumerate(self.gradients):
            if slot is None:
                continue
            given = found[n]
            if given is None:
                raise GraphError(f"{self.op.name} has no derivative for its input {n}")
            array = unbroadcast(given, self.tensors[n], node).array
            if self.copies:
                np.copyto(slot.array, array)
            else:
                slot.put(array)
        return 0


class After(instruction.Instruction):
    """An operation and the one before it, whose output is there only while it is read.

    Args:
        before: makes the first input.
        step: the operation.
    """

    def __init__(self, before: Step, step: Step) -> None:
        self.before = before
        self.step = step

    def lead(
        self, g: instruction.Slot | None, gradients: tuple[instruction.Slot | None, ...]
    ) -> None:
        """Take where the gradient comes from, and where those of the inputs go."""
        self.step.lead(g, gradients)
        # By way of the same array: the operation before has no other input.
        self.before.lead(gradients[0], gradients[:1])

    def forward(self, path: int, threads: int) -> int:
        """Carry both out."""
        nothing = self.before.tensor.array
        try:
            self._make()
            return self.step.forward(path, threads)
        finally:
            self.before.tensor.array = nothing

    def backward(self, path: int, threads: int) -> int:
        """Carry both derivatives out."""
        nothing = self.before.tensor.array
        try:
            self._make()
            self.step.backward(path, threads)
        finally:
            self.before.tensor.array = nothing
        return self.before.backward(path, threads)

    def _make(self) -> None:
        """Make what is between the two."""
        before = self.before
        before.op.again(before.tensors, before.attributes, before.tensor)


class Beside(instruction.Instruction):
    """What a module does beside its operations.

    Args:
        action: is given the tensor, and what the operation that made it has left.
        tensor: what it is done to.
    """

    def __init__(self, action: Any, tensor: Tensor) -> None:
        self.action = action
        self.tensor = tensor

    def forward(self, path: int, threads: int) -> int:
        """Do it."""
        node = self.tensor.node
        self.action(self.tensor, None if node is None else node.residual)
        return 0
