"""Every operation that a packed graph may hold, in onnxruntime."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from onnx_models import answers
from qnn_core import ops
from qnn_core.deploy.compile.fuse import unfused
from qnn_core.deploy.graph import Graph
from qnn_core.deploy.graph.from_trace import build
from qnn_core.deploy.graph.interpret import interpret
from qnn_core.deploy.graph.operations import OPERATIONS, QUANTIZING
from qnn_core.deploy.onnx import FORMS, translate
from qnn_core.deploy.onnx.integer_means import MEAN
from qnn_core.deploy.onnx.library import to_bytes
from qnn_core.deploy.onnx.operators import WRITERS
from qnn_core.errors import GraphError

W = qnn.Parameter(np.random.default_rng(1).normal(size=(4, 3)))
V = qnn.Parameter(np.random.default_rng(2).uniform(0.5, 2, size=(3, 1)))
IMAGE = qnn.Parameter(np.random.default_rng(3).normal(size=(2, 2, 2, 3)))
B = qnn.Parameter(np.float32([1, -2, 0.1, 0]))
POSITIVE = qnn.Parameter(np.float32([1, 0.5, 2]))
X = np.random.default_rng(0).normal(size=(5, 4, 3)).astype(np.float32)


def images(x: Any) -> Any:
    return ops.reshape(x, (len(x.data), 2, 2, 3))


def odd_batch_norm(x: Any) -> Any:
    """Its variance is no constant, so that it is not folded."""
    inner = ops.batch_norm(x, *(ops.absolute(ops.max(x * 0, axis=(0, 1))) + 1,) * 4, eps=0.5)
    return inner + ops.batch_norm(x, POSITIVE, POSITIVE, POSITIVE, POSITIVE)


# For each operation, functions of a batch [n, 4, 3] that hold it.
MODELS: dict[str, list[Callable[[Any], Any]]] = {
    "absolute": [abs],
    "add": [lambda x: x + V.reshape((3,)), lambda x: 1.5 + x, lambda x: x + x[:, :1]],
    "avg_pool2d": [lambda x: ops.avg_pool2d(images(x), 2, padding=1, stride=1)],
    "batch_norm": [odd_batch_norm],
    "broadcast_to": [lambda x: ops.broadcast_to(x[:, :1], (len(x.data), 6, 3))],
    "clip": [lambda x: ops.clip(x, -0.5, 0.75), lambda x: ops.clip(x, -np.inf, 0.0)],
    "concatenate": [
        lambda x: ops.concatenate([x, x * 2, x[:, :0]], axis=1),
        lambda x: ops.concatenate([images(x), ops.relu(images(x))], axis=-1),
    ],
    "conv2d": [lambda x: ops.conv2d(images(x), IMAGE, padding=1)],
    "cos": [ops.cos],
    "divide": [lambda x: x / V.reshape((3,)), lambda x: 1 / (abs(x) + 1)],
    "exp": [ops.exp],
    "getitem": [lambda x: x[:, 1:]],
    "linear": [lambda x: ops.linear(x, W), lambda x: ops.linear(x, W, B)],
    "log": [lambda x: ops.log(abs(x) + 1)],
    "log_softmax": [ops.log_softmax],
    "matmul": [lambda x: x @ ops.transpose(x, (0, 2, 1))],
    "max": [lambda x: ops.max(x, axis=1), lambda x: ops.max(x, axis=(1, 2), keepdims=True)],
    "max_pool2d": [lambda x: ops.max_pool2d(images(x), 2, stride=1, padding=1)],
    "mean": [lambda x: ops.mean(x, axis=-1, keepdims=True), lambda x: ops.mean(x, axis=(1, 2))],
    "min": [lambda x: ops.min(x, axis=-1)],
    "multiply": [lambda x: x * V.reshape((3,)), lambda x: x * x],
    "negative": [lambda x: -x],
    "normalize": [lambda x: ops.batch_norm(x[:, 0], POSITIVE, *(POSITIVE,) * 3)],
    "normalize_channels": [lambda x: ops.batch_norm(images(x), *(POSITIVE,) * 4)],
    "pad2d": [lambda x: ops.pad2d(images(x), (1, 0), (0, 2), value=0.5)],
    "power": [lambda x: (abs(x) + 1) ** 1.5],
    "relu": [ops.relu],
    "reshape": [lambda x: ops.reshape(x, (-1, 2, 6)), lambda x: ops.reshape(x, (-1, 12))],
    "sigmoid": [ops.sigmoid],
    "sin": [ops.sin],
    "softmax": [ops.softmax, lambda x: ops.softmax(x, axis=1)],
    "sqrt": [lambda x: ops.sqrt(abs(x))],
    "subtract": [lambda x: x - V.reshape((3,)), lambda x: 1 - x],
    "sum": [lambda x: ops.sum(x, axis=1), lambda x: ops.sum(x, axis=(1, 2), keepdims=True)],
    "tanh": [ops.tanh],
    "transpose": [lambda x: ops.transpose(x, (0, 2, 1))],
    "variance": [lambda x: ops.variance(x, axis=1), lambda x: ops.variance(x, axis=(1, 2))],
}


def test_each_is_tried_and_has_a_form() -> None:
    plain = {name for name, operation in OPERATIONS.items() if operation.forward is not None}
    assert plain <= MODELS.keys()
    assert plain - {"linear", "conv2d"} <= WRITERS.keys()
    # Codes are what the other tests are about.
    assert OPERATIONS.keys() - plain - {MEAN} == set(QUANTIZING)


def run(graph: Graph, inputs: list[np.ndarray], form: str, opset: int = 17) -> Any:
    document, notes = translate(graph, FORMS[form], opset)
    return answers(to_bytes(document, "net", "0"), *inputs)[0], notes


@pytest.mark.parametrize("form", ["integer", "float"])
@pytest.mark.parametrize("opset", [13, 17, 18, 21])
@pytest.mark.parametrize("name", MODELS)
def test_each_gives_ours(name: str, opset: int, form: str) -> None:
    for model in MODELS[name]:
        graph, _ = build(model, (X,))
        assert name in [node.op for node in graph.nodes]
        expected = interpret(graph, [X]).values[graph.outputs[0]]
        found, notes = run(graph, [X], form, opset)
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=1e-5)
        if not notes:
            np.testing.assert_array_equal(found, expected)


CHOICES: list[Any] = [
    np.s_[:, 1],
    np.s_[:, ::-1],
    np.s_[:, None, 1:3],
    np.s_[..., 0],
    np.s_[:, [2, 0, 2]],
    np.s_[:, -2:, ..., ::2],
    np.s_[:, 3:0:-2],
]


@pytest.mark.parametrize("index", CHOICES, ids=str)
@pytest.mark.parametrize("coded", [False, True])
def test_indices(index: Any, coded: bool) -> None:
    def model(x: qnn.Tensor) -> qnn.Tensor:
        y = qnn.ops.fake_quantize(x, 0.5, quantizer="symmetric:3") if coded else x
        return y[index]

    x = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    packed = qnn.pack(model, x)
    found, notes = run(unfused(packed.graph), [x], "integer")
    np.testing.assert_array_equal(found, packed(x))
    assert notes == []


def test_an_index_of_two_lists_is_refused() -> None:
    packed = qnn.pack(lambda x: x[:, [0, 1], [1, 0]], np.zeros((2, 3, 3)))
    with pytest.raises(GraphError, match=r"getitem.*has no form in ONNX"):
        run(packed.graph, [], "float")
