"""Random graphs: values that several take, in any order of axes, in every layout."""

from collections.abc import Callable
from typing import Any

import numpy as np
import qnn_core as qnn
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx_files import answers, floats, model

node = helper.make_node
Made = tuple[str, list[int]]


# In place of a value that is no number; names are counted.
OF_CODES: Made = ("of codes", [])


class Graph:
    """A graph that grows: each operator takes any value that was made before.

    Args:
        draw: of Hypothesis.
    """

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self.draw = draw
        self.nodes: list[Any] = []
        self.constants: dict[str, Any] = {}
        self.values: list[Made] = [("x", [2, 3, 4])]

    def constant(self, array: Any) -> str:
        name = f"c{len(self.constants)}"
        self.constants[name] = array
        return name

    def made(self, type: str, inputs: list[str], shape: list[int], **given: Any) -> None:
        name = f"v{len(self.values)}"
        self.nodes.append(node(type, inputs, [name], **given))
        self.values.append((name, shape))

    def grow(self) -> None:
        """Add one operator, or none where the shape of what was drawn does not suit it."""
        numbers = [made for made in self.values if made is not OF_CODES]
        name, shape = self.draw(st.sampled_from(numbers[-3:]))
        kind = self.draw(st.sampled_from(KINDS))
        kind(self, name, shape)


def transpose(graph: Graph, x: str, shape: list[int]) -> None:
    perm = graph.draw(st.permutations(range(1, len(shape) + 1)))
    graph.made("Transpose", [x], [shape[axis - 1] for axis in perm], perm=[0, *perm])


def merge(graph: Graph, x: str, shape: list[int]) -> None:
    if len(shape) > 1:
        at = graph.draw(st.integers(0, len(shape) - 2))
        merged = [*shape[:at], shape[at] * shape[at + 1], *shape[at + 2 :]]
        graph.made("Reshape", [x, graph.constant(np.int64([0, *merged]))], merged)


def unsqueeze(graph: Graph, x: str, shape: list[int]) -> None:
    if len(shape) < 4:
        at = graph.draw(st.integers(0, len(shape)))
        longer = [*shape[:at], 1, *shape[at:]]
        graph.made("Unsqueeze", [x, graph.constant(np.int64([at + 1]))], longer)


def convolution(graph: Graph, x: str, shape: list[int]) -> None:
    if len(shape) == 3:
        weight = graph.constant(floats(len(graph.constants), 2, shape[0], 1, 1))
        graph.made("Conv", [x, weight], [2, *shape[1:]])


def norm(graph: Graph, x: str, shape: list[int]) -> None:
    if len(shape) > 1:
        each = [
            graph.constant(np.abs(floats(len(graph.constants), shape[0])) + 0.5) for _ in range(4)
        ]
        graph.made("BatchNormalization", [x, *each], shape)


def alias(graph: Graph, x: str, shape: list[int]) -> None:
    graph.made("Identity", [x], shape)


def nonlinear(graph: Graph, x: str, shape: list[int]) -> None:
    graph.made(graph.draw(st.sampled_from(["Relu", "Tanh"])), [x], shape)


def of_two(graph: Graph, x: str, shape: list[int]) -> None:
    other, _ = graph.draw(st.sampled_from([made for made in graph.values if made[1] == shape]))
    graph.made(graph.draw(st.sampled_from(["Add", "Sub", "Mul"])), [x, other], shape)


def side_by_side(graph: Graph, x: str, shape: list[int]) -> None:
    axis = graph.draw(st.integers(1, len(shape)))
    if shape[axis - 1] < 9:
        longer = [n * (1 + (at == axis - 1)) for at, n in enumerate(shape)]
        other, _ = graph.draw(st.sampled_from([made for made in graph.values if made[1] == shape]))
        graph.made("Concat", [x, other], longer, axis=axis)


def constant(graph: Graph, x: str, shape: list[int]) -> None:
    lengths = [graph.draw(st.sampled_from([1, n])) for n in shape]
    array = graph.constant(floats(len(graph.constants), *lengths))
    inputs = graph.draw(st.permutations([x, array]))
    graph.made(graph.draw(st.sampled_from(["Add", "Mul", "Sub"])), inputs, shape)


def product(graph: Graph, x: str, shape: list[int]) -> None:
    weight = graph.constant(floats(len(graph.constants), shape[-1], 3))
    graph.made("MatMul", [x, weight], [*shape[:-1], 3])


def codes(graph: Graph, x: str, shape: list[int]) -> None:
    """Quantize, move the codes, and dequantize: coarsely, so that few values are near a tie."""
    scale = graph.constant(np.float32(0.5))
    zero = graph.constant(np.int8(graph.draw(st.integers(-128, 127))))
    graph.made("QuantizeLinear", [x, scale, zero], shape)
    coded = graph.values.pop()[0]
    graph.values.append(OF_CODES)
    perm = graph.draw(st.permutations(range(1, len(shape) + 1)))
    graph.made("Transpose", [coded], [shape[axis - 1] for axis in perm], perm=[0, *perm])
    moved, longer = graph.values.pop()
    graph.values.append(OF_CODES)
    graph.made("DequantizeLinear", [moved, scale, zero], longer)


KINDS = [
    codes,
    transpose,
    merge,
    unsqueeze,
    convolution,
    norm,
    alias,
    nonlinear,
    of_two,
    side_by_side,
    constant,
    product,
]


@st.composite
def graphs(draw: Any) -> Any:
    graph = Graph(draw)
    for _ in range(draw(st.integers(1, 9))):
        graph.grow()
    made = [name for name, shape in graph.values[1:] if shape]
    if not made:
        alias(graph, *graph.values[0])
        made = [graph.values[-1][0]]
    count = draw(st.integers(1, 3))
    proto = model(graph.nodes, ["n", 2, 3, 4], graph.constants, output=made[-1])
    for name in made[-count:-1]:
        proto.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
    return proto


@given(graphs(), st.sampled_from(["keep", "fold"]), st.booleans())
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_graph(proto: Any, batch_norm: str, last: bool) -> None:
    layout = "channels_last" if last else "channels_first"
    net = qnn.from_onnx(proto, batch_norm=batch_norm, layout=layout)
    for count in (1, 3):
        x = floats(count, count, 2, 3, 4)
        found = net(x.transpose(0, 2, 3, 1) if last else x)
        theirs = answers(proto, x)
        ours = found if isinstance(found, tuple) else (found,)
        assert len(ours) == len(theirs)
        for y, wanted in zip(ours, theirs, strict=True):
            there = np.moveaxis(wanted, 1, -1) if last and wanted.ndim > 2 else wanted
            assert y.shape == there.shape
            scale = max(float(np.abs(there).max(initial=0)), 1.0)
            np.testing.assert_allclose(y.data, there, rtol=0, atol=1e-5 * scale)
