"""The shapes of all values of a graph, from the operations' shape rules alone."""

import math

from ...errors import FileError, QnnError
from ...qtensor import QuantizedTensor
from ...qtensor.fake_quantize import check_qparams
from .attributes import resolved
from .graph import Constant, Graph, Node, Shape
from .operations import OPERATIONS, QUANTIZING

# More elements than any memory holds: such a shape is a mistake or an attack.
MOST_ELEMENTS = 2**40
# NumPy's limit.
MOST_AXES = 64


def shape_of(constant: Constant) -> Shape:
    """Return the shape of a constant."""
    return constant.codes.shape if isinstance(constant, QuantizedTensor) else constant.shape


def shapes_of(graph: Graph, batch: int) -> dict[str, Shape]:
    """Return the shape of every value for a batch of that many samples; nothing is computed.

    Raises:
        FileError: if an operation cannot take the shapes; the message names it.
    """
    shapes = {name: shape_of(constant) for name, constant in graph.constants.items()}
    for given in graph.inputs:
        shapes[given.name] = _limited(given.name, (batch, *given.shape))
    for node in graph.nodes:
        shapes[node.output] = _output(node, [shapes[name] for name in node.inputs], batch)
    return shapes


def _output(node: Node, inputs: list[Shape], batch: int) -> Shape:
    attributes = {name: resolved(value, batch) for name, value in node.attributes.items()}
    try:
        shape = OPERATIONS[node.op].shape(*inputs, **attributes)
        if node.op in QUANTIZING:
            qparams = (node.tables[name].shape for name in ("scale", "shift"))
            check_qparams(node.op, shape, attributes["axis"], *qparams)
    # A rule may trip over what no model would give it, such as an axis that is no axis.
    except (QnnError, ArithmeticError, IndexError, TypeError, ValueError) as error:
        raise FileError(f"{node}: {error}") from error
    return _limited(str(node), tuple(int(length) for length in shape))


def _limited(name: str, shape: Shape) -> Shape:
    if any(length < 0 for length in shape) or math.prod(shape) > MOST_ELEMENTS:
        raise FileError(f"{name}: a value of shape {shape} cannot be")
    if len(shape) > MOST_AXES:
        raise FileError(f"{name}: a value of {len(shape)} axes cannot be")
    return shape
