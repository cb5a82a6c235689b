"""The operation of a whole quantized layer equals the three that it stands for."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given, settings
from hypothesis import strategies as st
from qnn_core.gemm import cpu
from qnn_core.ops.conv import ConvProduct
from qnn_core.ops.linear import LinearProduct
from qnn_core.ops.quantized_product import composed, fits, quantized_product

SPECS = ("symmetric:2", "symmetric:3,grid=even", "uniform:2", "uniform:8", "binary")

LINEAR = LinearProduct()


def images(rng: np.random.Generator, m: int, k: int, density: float) -> np.ndarray:
    return (rng.random((m, k)) * (rng.random((m, k)) < density)).astype(np.float32)


def operands(
    shape: tuple[int, int, int],
    specs: tuple[str, str],
    density: float,
    *,
    data: bool,
    ground: float = 0,
    shift: bool = False,
) -> tuple[list[qnn.Tensor], Any]:
    """Return input, its qparams, weight, its qparams and bias, as leaves that require gradients.

    Of `data` themselves nobody wants one, and of their shift only if `shift` says so.
    """
    m, k, n = shape
    rng = np.random.default_rng(m + k + n)
    two = qnn.get_quantizer(specs[0]), qnn.get_quantizer(specs[1])
    x = images(rng, m, k, density) + np.float32(ground)
    w = rng.normal(size=(n, k)).astype(np.float32)
    all_qparams = [q.fit(a, q.axis) for q, a in zip(two, (x, w), strict=True)]
    arrays = [
        x,
        all_qparams[0].scale,
        all_qparams[0].shift,
        w,
        all_qparams[1].scale,
        all_qparams[1].shift,
    ]
    leaves = [qnn.Tensor(np.array(a), requires_grad=True) for a in arrays]
    leaves.append(qnn.Tensor(rng.normal(size=n), requires_grad=True))
    if data:
        leaves[0].requires_grad = False
        leaves[2].requires_grad = shift
    return leaves, two


def gradients(y: qnn.Tensor, leaves: list[qnn.Tensor]) -> list[np.ndarray | None]:
    seed = np.random.default_rng(0).normal(size=y.shape).astype(np.float32)
    wanted = [leaf for leaf in leaves if leaf.requires_grad]
    found = iter(qnn.grad(y, wanted, seed))
    return [next(found).data if leaf.requires_grad else None for leaf in leaves]


def both(
    leaves: list[qnn.Tensor], two: Any, product: Any = LINEAR
) -> tuple[qnn.Tensor, qnn.Tensor]:
    x, x_scale, x_shift, w, w_scale, w_shift, bias = leaves
    all_qparams = (x_scale, x_shift), (w_scale, w_shift)
    how = {"quantizers": two, "product": product}
    joint = quantized_product((x, *all_qparams[0]), (w, *all_qparams[1]), bias, **how)
    return joint, composed(*leaves, **how)


@pytest.mark.parametrize("x_spec", SPECS)
@pytest.mark.parametrize("w_spec", [*SPECS, "symmetric:2,axis=0", "binary:axis=0"])
def test_it_is_what_it_stands_for(x_spec: str, w_spec: str) -> None:
    leaves, two = operands((5, 33, 7), (x_spec, w_spec), 0.5, data=False)
    joint, three = both(leaves, two)
    np.testing.assert_array_equal(joint.data, three.data)
    for found, right in zip(gradients(joint, leaves), gradients(three, leaves), strict=True):
        np.testing.assert_array_equal(found, right)


# Around lanes, panels of 64 inputs, chunks of 128 outputs; all large enough to leave zeros out.
@pytest.mark.parametrize("shape", [(100, 784, 64), (65, 130, 520), (33, 1000, 129), (300, 70, 257)])
@pytest.mark.parametrize("w_spec", ["symmetric:2", "symmetric:4,axis=0", "symmetric:5"])
@pytest.mark.parametrize("path", cpu.paths())
def test_the_scale_of_data(path: str, shape: tuple[int, int, int], w_spec: str) -> None:
    with cpu.using(path):
        leaves, two = operands(shape, ("uniform:2", w_spec), 0.15, data=True)
        joint, three = both(leaves, two)
        found, right = gradients(joint, leaves), gradients(three, leaves)
    for n, (ours, theirs) in enumerate(zip(found, right, strict=True)):
        if n == 1:  # the one that is summed up in another order
            np.testing.assert_allclose(ours, theirs, rtol=2e-4)
        else:
            np.testing.assert_array_equal(ours, theirs)


# The data are mostly one number, which is not zero: as images are that are centred.
@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize(
    "specs", [("binary", "binary"), ("symmetric:4", "symmetric:2,axis=0"), ("uniform:3", "binary")]
)
@pytest.mark.parametrize("shape", [(100, 784, 64), (65, 130, 520), (300, 70, 257)])
@pytest.mark.parametrize("path", cpu.paths())
def test_data_that_are_mostly_one_number(
    path: str, shape: tuple[int, int, int], specs: tuple[str, str], shift: bool
) -> None:
    with cpu.using(path):
        leaves, two = operands(shape, specs, 0.15, data=True, ground=-0.4, shift=shift)
        leaves[1].data[...] *= np.float32(0.6)  # so that some are clipped
        joint, three = both(leaves, two)
        np.testing.assert_array_equal(joint.data, three.data)
        found, right = gradients(joint, leaves), gradients(three, leaves)
    for n, (ours, theirs) in enumerate(zip(found, right, strict=True)):
        if ours is None or n == 6:  # the bias sums up as ever
            np.testing.assert_array_equal(ours, theirs)
        else:
            scale = np.abs(theirs).max()
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * scale)


@pytest.mark.parametrize("ground", [0, -0.4])
def test_gradients_that_are_not_finite_stay_so(ground: float) -> None:
    leaves, two = operands(
        (100, 300, 200), ("binary", "symmetric:2"), 0.1, data=True, ground=ground
    )
    joint, three = both(leaves, two)
    seed = np.zeros(joint.shape, np.float32)
    seed[3, 5] = np.nan
    wanted = [leaves[1], leaves[3]]
    for found, right in zip(*(qnn.grad(y, wanted, seed) for y in (joint, three)), strict=True):
        np.testing.assert_array_equal(np.isnan(found.data), np.isnan(right.data))
        assert np.isnan(found.data).any()


@pytest.mark.parametrize("ground", [0, 0.3])
def test_the_same_bits_on_every_path_and_number_of_threads(ground: float) -> None:
    shape, specs = (70, 200, 400), ("uniform:2", "symmetric:3,axis=0")
    found = []
    before = qnn.get_num_threads()
    try:
        for path in cpu.paths():
            for threads in (1, 2, 5):
                qnn.set_num_threads(threads)
                with cpu.using(path):
                    both_ways = {"ground": ground, "shift": True}
                    leaves, two = operands(shape, specs, 0.2, data=True, **both_ways)
                    found.append(gradients(both(leaves, two)[0], leaves))
    finally:
        qnn.set_num_threads(before)
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 6), st.integers(0, 9), st.integers(0, 5), st.floats(0, 1))
def test_any_shape(m: int, k: int, n: int, density: float) -> None:
    rng = np.random.default_rng(1)
    two = qnn.get_quantizer("uniform:2"), qnn.get_quantizer("symmetric:2")
    arrays = images(rng, m, k, density), 0.3, 0.0, rng.normal(size=(n, k)), 0.5, 0.0
    leaves = [qnn.Tensor(a, requires_grad=True) for a in (*arrays, rng.normal(size=n))]
    joint, three = both(leaves, two)
    np.testing.assert_array_equal(joint.data, three.data)
    for found, right in zip(gradients(joint, leaves), gradients(three, leaves), strict=True):
        np.testing.assert_array_equal(found, right)


def test_it_can_be_differentiated_twice() -> None:
    leaves, two = operands((4, 6, 3), ("uniform:2", "symmetric:2"), 0.7, data=False)
    second = []
    for y in both(leaves, two):
        first = qnn.grad((y * y).sum(), [leaves[0], leaves[3]], create_graph=True)
        energy = (first[0] * first[0]).sum() + (first[1] * first[1]).sum()
        second.append(qnn.grad(energy, [leaves[3], leaves[6]]))
    for found, right in zip(*second, strict=True):
        np.testing.assert_array_equal(found.data, right.data)


def test_a_graph_that_is_kept_can_be_walked_again() -> None:
    leaves, two = operands((4, 6, 3), ("uniform:2", "symmetric:2"), 0.7, data=False)
    y = both(leaves, two)[0].sum()
    y.backward(retain_graph=True)
    assert leaves[3].grad is not None
    once = leaves[3].grad.data.copy()
    y.backward()
    np.testing.assert_array_equal(leaves[3].grad.data, 2 * once)


def test_a_layer_takes_it_unless_somebody_looks_on() -> None:
    layer = qnn.QuantLinear(6, 3, weight="symmetric:2", input="uniform:2", seed=0)
    x = np.random.default_rng(0).random((4, 6))
    y = layer(x)
    assert y.node is not None
    assert y.node.op.name == "quantized_product"
    later = layer.eval()(x)
    assert later.node is not None
    assert later.node.op.name == "quantized_product"
    graph = qnn.trace(layer, x)
    assert graph.nodes[-1].op.name == "linear"
    for same in (later.data, graph.outputs[0].data):
        np.testing.assert_array_equal(same, y.data)


@pytest.mark.parametrize(
    ("x", "weight"),
    [
        ("uniform:2,ste=triangle", "binary"),
        ("uniform:2", "binary:ste=identity"),
        ("uniform:2,axis=1", "binary"),
        ("uniform:2", "binary:axis=1"),
    ],
)
def test_other_gradients_are_composed(x: str, weight: str) -> None:
    assert not fits(qnn.get_quantizer(x), qnn.get_quantizer(weight))
    layer = qnn.QuantLinear(6, 3, weight=weight, input=x, seed=0)
    y = layer(np.random.default_rng(0).random((4, 6)))
    assert y.node is not None
    assert y.node.op.name == "linear"


@pytest.mark.parametrize("data", [False, True])
@pytest.mark.parametrize("w_spec", ["symmetric:2", "binary:axis=0"])
@pytest.mark.parametrize(
    "product",
    [
        ConvProduct((1, 1), (0, 0), (1, 1), 1),
        ConvProduct((2, 1), (1, 2), (1, 2), 1),
        ConvProduct((1, 1), (1, 1), (1, 1), 2),
    ],
)
def test_convolutions(product: ConvProduct, w_spec: str, data: bool) -> None:
    rng = np.random.default_rng(0)
    two = qnn.get_quantizer("uniform:2"), qnn.get_quantizer(w_spec)
    x = images(rng, 5 * 9, 8 * 4, 0.4).reshape(5, 9, 8, 4)
    w = rng.normal(size=(6, 3, 3, 4 // product.groups)).astype(np.float32)
    all_qparams = [q.fit(a, q.axis) for q, a in zip(two, (x, w), strict=True)]
    arrays = [
        x,
        all_qparams[0].scale,
        all_qparams[0].shift,
        w,
        all_qparams[1].scale,
        all_qparams[1].shift,
    ]
    leaves = [qnn.Tensor(np.array(a), requires_grad=True) for a in (*arrays, rng.normal(size=6))]
    if data:
        leaves[0].requires_grad = leaves[2].requires_grad = False
    joint, three = both(leaves, two, product)
    np.testing.assert_array_equal(joint.data, three.data)
    found, right = gradients(joint, leaves), gradients(three, leaves)
    for n, (ours, theirs) in enumerate(zip(found, right, strict=True)):
        if data and n == 1:
            np.testing.assert_allclose(ours, theirs, rtol=1e-4)
        else:
            np.testing.assert_array_equal(ours, theirs)


def test_a_convolutional_layer_takes_it_too() -> None:
    layer = qnn.QuantConv2d(2, 3, 3, weight="symmetric:2", input="uniform:2", seed=0)
    x = np.random.default_rng(0).random((2, 5, 6, 2))
    y = layer(x)
    assert y.node is not None
    assert y.node.op.name == "quantized_product"
    np.testing.assert_array_equal(layer.eval()(x).data, y.data)


def made(joint: bool, **specs: str) -> Any:
    """Return a layer, or one that is made to use the three operations."""
    given = {"weight": "symmetric:4", "input": "symmetric:4", **specs}
    layer: Any = qnn.QuantLinear(8, 8, **given, seed=0)
    if not joint:
        layer._in_one = lambda *_: False
    return layer


@pytest.mark.parametrize("depth", [2, 3])
def test_a_layer_that_is_used_again_is_counted_as_often(depth: int) -> None:
    found = []
    for joint in (True, False):
        layer, y = made(joint), qnn.Tensor(np.random.default_rng(1).normal(size=(4, 8)))
        for _ in range(depth):
            y = layer(y)
        found.append(qnn.grad((y * y).sum(), list(layer.parameters()), create_graph=True))
    for ours, theirs in zip(*found, strict=True):
        # Gradients of a tensor that is used again are added up in another order.
        np.testing.assert_allclose(ours.data, theirs.data, rtol=1e-5, atol=1e-5)


def test_a_weight_may_be_the_data_too() -> None:
    found = []
    for joint in (True, False):
        layer = made(joint)
        y = layer(layer.weight)
        found.append(qnn.grad((y * y).sum(), layer.weight, create_graph=True))
    np.testing.assert_array_equal(found[0][0].data, found[1][0].data)


def test_gradients_are_those_of_the_forward_pass_whatever_changes_since() -> None:
    x, later = np.random.default_rng(2).normal(size=(2, 4, 8)).astype(np.float32)
    found = []
    for joint in (True, False):
        layer = made(joint, input="symmetric:bits=4,scale=calibrated")
        y = layer(x)
        layer(10 * later)  # moves the qparams
        found.append(qnn.grad((y * y).sum(), layer.weight, create_graph=True))
    np.testing.assert_array_equal(found[0][0].data, found[1][0].data)


def test_a_quantizer_with_a_forward_of_its_own_is_asked() -> None:
    layer = made(True)
    called, usual = [], layer.input_quantizer.forward

    def own(x: qnn.Tensor) -> qnn.Tensor:
        called.append(x)
        result: qnn.Tensor = usual(x)
        return result

    layer.input_quantizer.forward = own
    layer(np.ones((2, 8)))
    assert called
