"""The record of one operation: what the backward pass walks over."""

from typing import TYPE_CHECKING, Any

from ..errors import GraphError
from .memory import CLOCK

if TYPE_CHECKING:
    from .op import Op
    from .tensor import Tensor


class Node:
    """One operation that was carried out: the op, the tensors it took, and its attributes."""

    __slots__ = ("attributes", "freed", "inputs", "op", "reads", "residual", "time", "watched")

    op: "Op"
    inputs: "tuple[Tensor, ...]"
    attributes: dict[str, Any]
    # Whether a backward let go of the inputs.
    freed: bool
    # When it was carried out: what was written later is not what it read.
    time: int
    # Whether the derivative reads any data, and which: see `Op`.
    watched: bool
    reads: tuple[int, ...] | None
    # What forward made that the derivative needs: see `Op`.
    residual: Any

    def free(self) -> None:
        """Let go of the inputs, so that their memory can be used again."""
        self.inputs = ()
        self.attributes = {}
        self.residual = None
        self.freed = True

    def check_alive(self) -> None:
        """Raise a GraphError if an earlier backward freed this node."""
        if self.freed:
            raise GraphError(
                f"backward: the graph behind {self.op.name!r} was freed by an earlier backward; "
                "pass retain_graph=True to that one, or compute the output again"
            )


def node_of(op: "Op", inputs: "tuple[Tensor, ...]", attributes: dict[str, Any]) -> Node:
    """Return the record of an operation; by a constructor it would take twice as long."""
    node: Node = Node.__new__(Node)
    node.op = op
    node.inputs = inputs
    node.attributes = attributes
    node.freed = False
    clock = CLOCK
    node.time = clock.now
    node.watched = False
    node.reads = None
    node.residual = None
    return node
