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
