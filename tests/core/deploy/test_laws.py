"""A packed model gives the bits of the model, whatever the scheme, the shape and the forward."""

import itertools
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from packed_models import check_packed, expected, fitted, operations, specs, variants
from qnn_core import Tensor, nn, ops
from qnn_core.deploy.compile.fuse import unfused
from qnn_core.deploy.compile.sum_lines import sum_lines
from qnn_core.deploy.graph.fusible_chain import chain_at, codings_of
from qnn_core.deploy.graph.interpret import encoded, interpret, requantized
from qnn_core.deploy.graph.shapes import shapes_of
from qnn_core.gemm import cpu

RNG = np.random.default_rng(0)
ACTIVATIONS = {
    "none": lambda x: x,
    "relu": ops.relu,
    "hardtanh": ops.hardtanh,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "falling": lambda x: 1.5 - x / 2,
    "negative": lambda x: -x,
    "scaled": lambda x: x * np.float32([[-2, 0.5] * 20]) + 1,
}


class Net(nn.Module):
    """Two quantized layers with something between them."""

    def __init__(
        self,
        weight: str,
        inner: str,
        activation: Any = ops.relu,
        *,
        k: int = 20,
        bias: bool = True,
        norm: bool = False,
    ) -> None:
        self.first = nn.QuantLinear(k, 40, weight=weight, input=inner, bias=bias, seed=1)
        self.norm = nn.BatchNorm(40) if norm else None
        self.second = nn.QuantLinear(40, 6, weight=weight, input=inner, seed=2)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        y = self.first(x)
        return self.second(self.activation(y if self.norm is None else self.norm(y)))


def data(m: int, k: int) -> np.ndarray:
    return np.random.default_rng(k).normal(size=(m, k)).astype(np.float32)


def with_norm_of_both_signs(net: Net) -> Net:
    assert net.norm is not None
    net.norm.weight.data[...] = RNG.normal(size=40)
    net.norm.weight.data[:3] = 0
    net.norm.bias.data[...] = RNG.normal(size=40)
    return net


@pytest.mark.parametrize("inner", specs())
def test_every_pairing_of_schemes(inner: str) -> None:
    x = data(40, 20)
    for weight in specs():
        net = fitted(Net(weight, inner, ops.tanh, norm=True), x)
        packed = check_packed(with_norm_of_both_signs(net), x)
        assert operations(packed)[-1] == "linear"


@pytest.mark.parametrize("options", ["axis=0", "scale=lsq", "scale=pact", "transform=tanh"])
@pytest.mark.parametrize("spec", variants())
def test_every_variant(spec: str, options: str) -> None:
    x = data(20, 20)
    # Neither an axis nor a transform of a weight is one of an input.
    inner = f"{spec},{options}" if options.startswith("scale") else spec
    packed = check_packed(fitted(Net(f"{spec},{options}", inner, ops.tanh), x), x)
    assert operations(packed)[-1] == "linear"


@pytest.mark.parametrize("scale", ["learned", "lsq"])
@pytest.mark.parametrize("inner", specs())
def test_learned_shifts(inner: str, scale: str) -> None:
    x = data(20, 20)
    options = f"scale={scale},shift=learned"
    net = Net(f"symmetric:3,{options}", f"{inner},{options}", ops.tanh)
    fitted(net, x)
    for layer in (net.first, net.second):
        for n, quantizer in enumerate((layer.input_quantizer, layer.weight_quantizer)):
            quantizer.shift.data[...] = np.float32(0.03 - 0.02 * n)
    check_packed(net, x)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_chains_become_thresholds(name: str) -> None:
    x = data(60, 20)
    for inner, bias, norm in itertools.product(
        ["binary", "symmetric:3", "uniform:4", "symmetric:6", "uniform:8"],
        (False, True),
        (False, True),
    ):
        net = Net("symmetric:2,axis=0", inner, ACTIVATIONS[name], bias=bias, norm=norm)
        packed = check_packed(fitted(net, x), x)
        assert operations(packed) == ["quantize", "requantize", "linear"]


@pytest.mark.parametrize("k", [1, 63, 64, 65, 2000])
def test_lengths_of_sums(k: int) -> None:
    x = data(20, k)
    for weight, inner in [("binary", "binary"), ("symmetric:4", "uniform:4"), ("uniform:8",) * 2]:
        assert check_packed(fitted(Net(weight, inner, k=k), x), x).nbytes > 0


@pytest.mark.parametrize("bits", [3, 5, 8])
def test_a_fused_node_counts_as_its_chain_at_every_sum(bits: int) -> None:
    x = data(60, 20)
    net = Net("symmetric:3", f"uniform:{bits}", norm=True)
    net = with_norm_of_both_signs(fitted(net, x))
    (node,) = [n for n in qnn.pack(net, x).graph.nodes if n.op == "requantize"]
    assert {int(f) for f in node.tables["flip"]} == {0, -1}
    graph = unfused(qnn.pack(net, x).graph)
    following = {name: n for n in graph.nodes for name in n.inputs}
    chain = chain_at(
        node.chain[0], following, graph.constants, codings_of(graph), shapes_of(graph, 1)
    )
    assert chain is not None
    sums = np.arange(-chain.reach, chain.reach + 1)[:, None] + np.zeros(40, int)
    np.testing.assert_array_equal(
        requantized(sums, node), encoded(chain.values(sums), node.chain[-1])
    )
    lines = sum_lines(node, chain.reach)
    if bits < 5:
        assert lines is None
        return
    # As the engine computes: in double, rounded towards zero.
    assert lines is not None
    found = np.clip(sums * lines.slope + lines.start, 0, 2**bits - 1).astype(np.int64)
    assert lines.searched.sum() < 10
    np.testing.assert_array_equal(
        found[:, ~lines.searched], requantized(sums, node)[:, ~lines.searched]
    )


@pytest.mark.parametrize("inner", specs())
@pytest.mark.parametrize("path", cpu.paths())
def test_every_path_has_the_codes_of_every_width(path: str, inner: str) -> None:
    x = data(70, 20)
    packed = qnn.pack(with_norm_of_both_signs(fitted(Net("symmetric:4", inner, norm=True), x)), x)
    expected = packed(x)
    with cpu.using(path):
        np.testing.assert_array_equal(packed(x), expected)


def test_float_layers_first_and_last() -> None:
    x = data(30, 20)
    model = qnn.Sequential(
        nn.Linear(20, 16, seed=0),
        nn.BatchNorm(16),
        nn.ReLU(),
        nn.QuantLinear(16, 16, weight="binary", input="uniform:2", seed=1),
        nn.QuantLinear(16, 16, weight="binary", input="uniform:2", seed=1),
        nn.Linear(16, 3, seed=2),
    )
    packed = check_packed(fitted(model, x), x)
    assert operations(packed).count("requantize") == 1
    assert "normalize" in operations(packed)


class Residual(nn.Module):
    def __init__(self) -> None:
        self.inner = nn.QuantLinear(8, 8, weight="symmetric:2", input="symmetric:2", seed=0)
        self.shared = nn.Quantize("uniform:3")

    def forward(self, x: Tensor) -> Tensor:
        x = self.shared(x)
        x = x + ops.relu(self.inner(x))
        x = self.shared(x + self.inner(x)[:, ::-1])
        halves = ops.concatenate([x[:, :4], ops.softmax(x[:, 4:])], axis=1)
        return halves.reshape((len(x.data), 2, -1)).transpose((0, 2, 1)) * 2.0


def test_residual_sums_and_shared_quantizers() -> None:
    x = data(30, 8)
    packed = check_packed(fitted(Residual(), x), x)
    weights = [c for c in packed.graph.constants.values() if not isinstance(c, np.ndarray)]
    assert len(weights) == 1


def test_inputs_of_three_axes() -> None:
    x = data(12, 20).reshape(4, 3, 20)
    packed = check_packed(fitted(Net("binary", "uniform:2"), x), x)
    assert packed(x).shape == (4, 3, 6)
    assert "requantize" in operations(packed)


def test_channels_along_the_sum() -> None:
    x = data(30, 20)
    layer = nn.QuantLinear(20, 5, weight="symmetric:4,axis=1", input="uniform:4,axis=1", seed=0)
    assert operations(check_packed(fitted(layer, x), x)) == ["quantize", "linear"]


def test_all_qparams_without_a_whole_zero_point() -> None:
    weight = ops.fake_quantize(data(5, 20), 0.3, 0.1, quantizer="uniform:2").data

    def model(x: Tensor) -> Tensor:
        w = ops.fake_quantize(weight, 0.3, 0.1, quantizer="uniform:2")
        x = ops.fake_quantize(x, 0.7, -0.2, quantizer="symmetric:3")
        return ops.relu(ops.linear(x, w, np.ones(5)))

    assert operations(check_packed(model, data(30, 20))) == ["quantize", "linear", "relu"]


def test_functions_of_several_inputs_with_several_outputs() -> None:
    def model(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        return a @ np.eye(4) + b, ops.broadcast_to(ops.sum(b, axis=1, keepdims=True), b.shape)

    a, b = data(5, 4), data(5, 4) + 1
    packed = qnn.pack(model, (a[:2], b[:2]))
    outputs = packed(a, b)
    assert isinstance(outputs, tuple)
    for y, z in zip(outputs, expected(model, a, b), strict=True):
        np.testing.assert_array_equal(y, z)


def test_what_depends_on_no_input_is_computed_once() -> None:
    table = qnn.Parameter(data(3, 4))

    def model(x: Tensor) -> Tensor:
        bias = ops.exp(table) * 2.0
        return x + bias[0] + ops.broadcast_to(bias[1], (len(x.data), 4)) + bias[0]

    packed = check_packed(model, data(5, 4))
    assert operations(packed) == ["add", "broadcast_to", "add", "add"]
    assert len(packed.graph.constants) == 2


def test_a_prediction_does_not_depend_on_its_neighbours() -> None:
    x = data(30, 20)
    packed = qnn.pack(fitted(Net("symmetric:3", "uniform:3", norm=True), x), x)
    alone = np.concatenate([packed(row[None]) for row in x])
    np.testing.assert_array_equal(alone, packed(x))
    np.testing.assert_array_equal(packed.predict(x), np.argmax(alone, axis=-1))
    assert packed.predict(x).dtype == np.int64
    assert packed(x[:0]).shape == (0, 6)


def test_sums_are_the_integers_behind_the_codes() -> None:
    x = data(30, 20)
    run = interpret(qnn.pack(fitted(Net("binary", "binary"), x), x).graph, [x])
    (sums,) = run.sums.values()
    assert sums.dtype == np.int64
    assert np.all(np.abs(sums) <= 20)
