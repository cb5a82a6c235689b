"""Fake quantization: the gradients it states, by hand and for every surrogate."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, ops
from qnn_core.quantizer import SURROGATES
from qnn_core.testing import check_quantizer


def gradients(spec: str, x: Any, scale: Any, shift: Any, dtype: Any = np.float64) -> list[Any]:
    tensors = [Tensor(t, dtype, requires_grad=True) for t in (x, scale, shift)]
    value = ops.fake_quantize(*tensors, quantizer=qnn.get_quantizer(spec))
    value.sum().backward()
    assert {t.grad.dtype for t in tensors} == {np.dtype(dtype)}
    return [value.data.tolist(), *(t.grad.data.tolist() for t in tensors)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_by_hand_for_a_whole_tensor(dtype: Any) -> None:
    # Levels -3..3; u = (x - 1) / 0.5 is -4, -1.25, 0.5, 3; the codes' levels are -3, -1, 1
    # (a tie goes to the even code, 4), 3.
    value, dx, dscale, dshift = gradients("symmetric:3", [-1, 0.375, 1.25, 2.5], 0.5, 1, dtype)
    assert value == [-0.5, 0.5, 1.5, 2.5]
    assert dx == [0, 1, 1, 1]
    assert dscale == -3 + (-1 + 1.25) + (1 - 0.5) + (3 - 3)
    assert dshift == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("axis", [0, 1, -1, -2])
def test_by_hand_for_each_channel(axis: int, dtype: Any) -> None:
    # Two channels with scales 1 and 2 and shifts 0 and 1; u is 0.25, 5 and 0.75, -1.
    x = np.array([[0.25, 5], [2.5, -1]])
    x = x if axis in (0, -2) else x.T
    value, dx, dscale, dshift = gradients(f"symmetric:2,axis={axis}", x, [1, 2], [0, 1], dtype)
    expected = np.array([[0, 1], [3, -1]])
    inside = np.array([[1, 0], [1, 1]])
    if axis not in (0, -2):
        expected, inside = expected.T, inside.T
    assert value == expected.tolist()
    assert dx == inside.tolist()
    assert dscale == [(0 - 0.25) + 1, (1 - 0.75) + (-1 + 1)]
    assert dshift == [1, 0]


def test_one_qparams_may_serve_all_channels() -> None:
    _, _, dscale, dshift = gradients("symmetric:2,axis=1", [[0.25, 5], [0.75, -1]], 1.0, [0, 0])
    assert dscale == -0.25 + 1 + 0.25 + 0
    assert dshift == [0, 1]


# The surrogates of binary levels at u = -1.5, -1, -0.5, 0, 0.5, 1, 1.5.
U = np.array([-1.5, -1, -0.5, 0, 0.5, 1, 1.5])
SECH = {v: 1 / np.cosh(2.5 * v) ** 2 for v in U}
EXPECTED_WINDOWS = {
    "identity": np.ones(7),
    "clip": np.array([0, 1, 1, 1, 1, 1, 0]),
    "triangle": np.array([0, 0, 1, 2, 1, 0, 0]),
    # beta (2 - beta v tanh(beta v / 2)) / (1 + cosh(beta v)), and 1 + cosh(a) = 2 cosh(a / 2)**2
    "swish": np.array([2.5 * SECH[v] * (2 - 5 * v * np.tanh(2.5 * v)) for v in U]),
}


def test_every_surrogate_has_expected_values() -> None:
    assert set(EXPECTED_WINDOWS) == set(SURROGATES)


@pytest.mark.parametrize("ste", SURROGATES)
def test_surrogate(ste: str) -> None:
    expected = EXPECTED_WINDOWS[ste]
    _, dx, dscale, dshift = gradients(f"binary:ste={ste}", U, 1.0, 0.0)
    np.testing.assert_allclose(dx, expected, atol=1e-12)
    np.testing.assert_allclose(dscale, np.sum(np.sign(U + 0.1) - U * expected), atol=1e-9)
    np.testing.assert_allclose(dshift, np.sum(1 - expected), atol=1e-9)


@pytest.mark.parametrize("ste", SURROGATES)
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_stated_surrogate(ste: str, axis: int | None) -> None:
    check_quantizer(f"uniform:bits=3,ste={ste},axis={axis}")


@pytest.mark.parametrize("ste", ["clip", "triangle"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_far_outside_the_range_the_scale_still_has_its_gradient(ste: str, dtype: Any) -> None:
    # u overflows float32; the surrogate is 0 there, so the derivative is the level, not 0 * inf.
    value, dx, dscale, _ = gradients(f"symmetric:2,ste={ste}", [1e30, -1e30], 1e-10, 0, dtype)
    assert dx == [0, 0]
    assert dscale == 0
    np.testing.assert_allclose(value, [1e-10, -1e-10], rtol=1e-6)


@pytest.mark.parametrize("ste", SURROGATES)
def test_the_gradient_of_the_data_is_the_same_if_no_other_is_wanted(ste: str) -> None:
    x, g = np.linspace(-3, 3, 25), np.cos(np.arange(25.0))
    found = []
    for trained in (True, False):
        data = Tensor(x, requires_grad=True)
        scale = Tensor(0.5, requires_grad=trained)
        ops.fake_quantize(data, scale, quantizer=f"symmetric:3,ste={ste}").backward(g)
        found.append(data.grad.data)
    np.testing.assert_array_equal(*found)


def test_the_gradient_is_linear_and_counts_as_constant_when_differentiated_again() -> None:
    x = Tensor([0.3, 5.0], requires_grad=True)
    weight = Tensor([2.0, 3.0], requires_grad=True)
    y = ops.fake_quantize(x, 0.5, quantizer=qnn.get_quantizer("symmetric:3")) * weight
    (dx,) = qnn.grad(y.sum(), x, create_graph=True)
    assert dx.data.tolist() == [2, 0]
    (dweight,) = qnn.grad(dx.sum(), weight)
    assert dweight.data.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("shape", "axis", "channels"),
    [
        ((0,), None, None),
        ((0, 3), 1, 3),
        ((3, 0), 0, 3),
        ((3, 0, 2), 1, 0),
        ((3, 0), 1, 0),
        ((), None, None),
    ],
)
def test_awkward_shapes(shape: tuple[int, ...], axis: int | None, channels: int | None) -> None:
    x = Tensor(np.full(shape, 0.6), requires_grad=True)
    scale = Tensor(np.ones(() if channels is None else channels), requires_grad=True)
    spec = f"symmetric:bits=2,axis={axis}"
    y = ops.fake_quantize(x, scale, quantizer=qnn.get_quantizer(spec))
    y.backward(np.ones(shape))
    assert y.shape == x.grad.shape == shape
    assert y.data.tolist() == np.ones(shape).tolist()
    assert scale.grad.shape == scale.shape


@pytest.mark.parametrize("layout", ["fortran", "gaps", "stretched", "reversed"])
@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_the_layout_in_memory_does_not_matter(layout: str, axis: int | None) -> None:
    x = np.random.default_rng(0).normal(size=(4, 3, 5)).astype(np.float32)
    other = {
        "fortran": np.asfortranarray(x),
        "gaps": np.repeat(x, 2, axis=1)[:, ::2],
        "stretched": np.broadcast_to(x[:1], x.shape),
        "reversed": x[::-1, :, ::-1],
    }[layout]
    plain = np.array(other, order="C")
    scale = (
        np.float32(0.3) if axis is None else np.linspace(0.1, 1, x.shape[axis], dtype=np.float32)
    )
    spec = f"uniform:bits=2,axis={axis}"
    for expected, found in zip(
        gradients(spec, plain, scale, 0 * scale, np.float32),
        gradients(spec, other, scale, 0 * scale, np.float32),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)


def test_the_gradient_is_that_of_the_qparams_in_forward() -> None:
    """A calibrated qparams changes in place; what ran before is differentiated as it ran."""
    layer = qnn.nn.Quantize("symmetric:3,scale=calibrated,calibration=absmax", momentum=1.0)
    x = qnn.Tensor([1.0, 5.0, 10.0], requires_grad=True)
    y = layer(x)
    layer(qnn.Tensor([0.5]))
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.data, [1, 1, 1])


@pytest.mark.parametrize("move", [lambda x: x[0, 0], lambda x: x.reshape(-1), lambda x: x.T])
def test_codes_move_with_the_values(move: Any) -> None:
    x = qnn.ops.fake_quantize([[0.1, -0.7], [0.9, 0.4]], 0.3, quantizer="symmetric:3,axis=1")
    y = move(x)
    kept = y.quantized
    assert isinstance(kept.codes, np.ndarray)
    assert kept.codes.shape == y.shape
    np.testing.assert_array_equal(kept.levels[kept.codes] * kept.scale, y.data)


@pytest.mark.parametrize("spec", ["symmetric:4", "uniform:4", "symmetric:3", "uniform:8"])
def test_a_shift_that_dwarfs_the_scale(spec: str) -> None:
    shift = np.float32(128371.95)
    quantizer = qnn.get_quantizer(spec)
    for scale in np.float32([3.668205e-05, 1e-3, 0.02, 0.5]):
        x = shift + scale * np.linspace(-9, 9, 37, dtype=np.float32)
        codes = ops.fake_quantize(x, scale, shift, quantizer=quantizer).quantized.codes
        np.testing.assert_array_equal(codes, quantizer.encode((x - shift) / scale))
