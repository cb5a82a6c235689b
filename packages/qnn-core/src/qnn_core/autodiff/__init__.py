"""The tape: tensors, operations, backward and trace."""

from .dlpack import from_dlpack
from .mode import no_grad
from .op import OUTPUT, Op, op
from .packed import Packed
from .rules import Shape
from .table import OPS
from .tensor import Array, Buffer, Parameter, Tensor, grad
from .trace import Graph, GraphNode, Value, trace

__all__ = [
    "OPS",
    "OUTPUT",
    "Array",
    "Buffer",
    "Graph",
    "GraphNode",
    "Op",
    "Packed",
    "Parameter",
    "Shape",
    "Tensor",
    "Value",
    "from_dlpack",
    "grad",
    "no_grad",
    "op",
    "trace",
]
