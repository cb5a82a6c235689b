"""The loops of a training step: equal to their formulas, and bit for bit among the paths."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core._kernels import loss, memory
from qnn_core.gemm import cpu
from qnn_core.machine import empty
from qnn_core.ops.activation import relu, relu_gradient
from qnn_core.ops.loss import _cross_entropy, _cross_entropy_gradient
from qnn_core.optim.updates import Rule, adam, sgd, sgd_momentum
from qnn_core.qtensor import (
    QuantizedTensor,
    clip_gradients,
    clip_surrogate,
    codes_of,
    quantized,
    values_of,
)
from qnn_core.quantizer import codebook

# Few and many thresholds, even and uneven ones; levels that are whole numbers or not.
SPECS = [
    "binary",
    "symmetric:2",
    "symmetric:3",
    "uniform:4",
    "symmetric:4,grid=even",
    "uniform:5",
    "symmetric:8",
    "logarithmic:3",
    "logarithmic:5",
]
SHAPES = [(0,), (1,), (15,), (17,), (4096,), (3, 5000), (2, 7, 9)]
PATHS = cpu.paths()


def awkward(shape: tuple[int, ...], quantizer: qnn.quantizer.Quantizer, scale: float) -> np.ndarray:
    """Numbers at, and one step beside, each threshold; huge and tiny ones; and common ones."""
    book = codebook(quantizer)
    with np.errstate(over="ignore"):
        edges = np.concatenate([book.thresholds, book.levels]) * np.float32(scale)
    near = [edges, np.nextafter(edges, np.float32(9e9)), np.nextafter(edges, np.float32(-9e9))]
    rare = np.float32([0, -0.0, 1e-45, -1e-45, 3e38, -3e38])
    pool = np.concatenate([*near, rare])
    rng = np.random.default_rng(len(pool))
    x = rng.normal(size=shape).astype(np.float32) * np.float32(scale * 2)
    return np.where(rng.random(shape) < 0.5, rng.choice(pool, shape), x).astype(np.float32)


def by_definition(x: np.ndarray, q: Any, scale: np.ndarray, shift: np.ndarray) -> np.ndarray:
    over = (-1,) + (1,) * (x.ndim - 1) if scale.ndim else ()
    with np.errstate(over="ignore"):
        u = (x - shift.reshape(over)) / scale.reshape(over)
    return np.count_nonzero(u[..., None] >= codebook(q).thresholds, axis=-1).astype(np.uint8)


def all_qparams(q: Any, shape: tuple[int, ...], channels: bool) -> tuple[np.ndarray, np.ndarray]:
    count = shape[:1] if channels else ()
    rng = np.random.default_rng(3)
    scale = np.asarray(rng.uniform(0.01, 3, count), np.float32)
    zero = rng.integers(0, 3, count).astype(np.float32)
    return scale, np.asarray(-(scale * zero), np.float32)


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("channels", [False, True])
def test_codes_and_values(spec: str, channels: bool) -> None:
    for shape in SHAPES:
        q = qnn.get_quantizer(spec)
        if channels:
            if len(shape) < 2:
                continue
            q = qnn.get_quantizer(spec + (",axis=0" if ":" in spec else ":axis=0"))
        scale, shift = all_qparams(q, shape, channels)
        x = awkward(shape, q, float(scale.max()))
        expected = by_definition(x, q, scale, shift)
        for path in PATHS:
            with cpu.using(path):
                values = np.empty_like(x)
                codes = quantized(x, scale, shift, q, values).codes
                np.testing.assert_array_equal(codes, expected, err_msg=f"{path} {shape}")
                np.testing.assert_array_equal(codes_of(x, scale, shift, q), expected)
                decoded = values_of(codes, codebook(q).levels, scale, shift, q.axis)
                np.testing.assert_array_equal(values, decoded)


@pytest.mark.parametrize("zero", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("scale", [1e-12, 0.3, 7e9, 1e30])
@pytest.mark.parametrize("spec", ["binary", "uniform:2", "symmetric:3", "uniform:4"])
def test_thresholds_that_fall_on_zero(spec: str, scale: float, zero: float) -> None:
    # The least x that reaches one is then many floats away from threshold * scale + shift.
    q = qnn.get_quantizer(spec)
    s = np.float32(scale).reshape(())
    x = awkward((5000,), q, scale)
    for b in (np.zeros((), np.float32), -s * np.float32(zero), s * np.float32(zero / 3)):
        shift = np.asarray(b, np.float32)
        for path in PATHS:
            with cpu.using(path):
                codes = codes_of(x, s, shift, q)
                np.testing.assert_array_equal(codes, by_definition(x, q, s, shift))
                kept = QuantizedTensor(codes, q.bits, codebook(q).levels, s, shift, None)
                gradients = clip_gradients(x * 0 + 1, x, kept, q, (True, False, False))
            surrogate = clip_surrogate(x, codes, s, shift, q)[0]
            assert gradients is not None
            np.testing.assert_array_equal(gradients[0], surrogate)


@pytest.mark.parametrize("scale", [1e-38, 1e-30, 3e37])
@pytest.mark.parametrize("spec", ["symmetric:2", "symmetric:4", "logarithmic:3"])
def test_scales_at_the_ends_of_float32(spec: str, scale: float) -> None:
    q = qnn.get_quantizer(spec)
    s, b = np.float32(scale).reshape(()), np.zeros((), np.float32)
    x = awkward((5000,), q, scale)
    for path in PATHS:
        with cpu.using(path):
            np.testing.assert_array_equal(codes_of(x, s, b, q), by_definition(x, q, s, b))


@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("channels", [False, True])
def test_gradients_are_the_stated_ones(spec: str, channels: bool) -> None:
    shape = (3, 5000)
    q = qnn.get_quantizer(spec + ((",axis=0" if ":" in spec else ":axis=0") if channels else ""))
    scale, shift = all_qparams(q, shape, channels)
    rng = np.random.default_rng(0)
    x = rng.normal(size=shape).astype(np.float32) * 2
    x[0, :3] = [3e38, -3e38, 0]
    g = rng.normal(size=shape).astype(np.float32)
    codes = codes_of(x, scale, shift, q)
    kept = QuantizedTensor(codes, q.bits, codebook(q).levels, scale, shift, q.axis)
    surrogate, scale_gradient = clip_surrogate(x, codes, scale, shift, q)
    wide = g.astype(np.float64)
    axes = 1 if channels else None
    expected = [
        wide * surrogate,
        (wide * scale_gradient).sum(axes),
        (wide * (1 - surrogate)).sum(axes),
    ]
    found = []
    for path in PATHS:
        with cpu.using(path):
            gradients = clip_gradients(g, x, kept, q, (True, True, True))
        assert gradients is not None
        np.testing.assert_array_equal(gradients[0], expected[0])
        for one, right in zip(gradients[1:], expected[1:], strict=True):
            np.testing.assert_allclose(one, right, rtol=1e-5, atol=1e-3)
        found.append(gradients)
    for other in found[1:]:
        for one, same in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(one, same)


@pytest.mark.parametrize("needs", [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 1, 1)])
def test_only_what_is_needed_is_computed(needs: tuple[int, int, int]) -> None:
    q = qnn.get_quantizer("uniform:2")
    scale, shift = np.ones((), np.float32), np.zeros((), np.float32)
    x = np.linspace(-2, 5, 300, dtype=np.float32)
    codes = codes_of(x, scale, shift, q)
    kept = QuantizedTensor(codes, q.bits, codebook(q).levels, scale, shift, q.axis)
    every = clip_gradients(x, x, kept, q, (True, True, True))
    some = clip_gradients(x, x, kept, q, tuple(map(bool, needs)))
    assert every is not None
    assert some is not None
    for need, one, whole in zip(needs, some, every, strict=True):
        assert (one is not None) == bool(need)
        assert one is None or np.array_equal(one, whole)


RULE = Rule(0.1, 0.01, -0.5, 0.5)
STEPS: dict[str, Any] = {
    "sgd": lambda w, g, a, b: sgd(RULE, w, g),
    "momentum": lambda w, g, a, b: sgd_momentum(RULE, w, g, a, momentum=0.9, nesterov=False),
    "nesterov": lambda w, g, a, b: sgd_momentum(RULE, w, g, a, momentum=0.9, nesterov=True),
    "adam": lambda w, g, a, b: adam(
        RULE, w, g, a, b, step=3, betas=(0.9, 0.99), epsilon=1e-8, decoupled_decay=0.02
    ),
}


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("size", [1, 15, 4097, 20000])
def test_updates_follow_their_formulas(name: str, size: int) -> None:
    rng = np.random.default_rng(0)
    start = [rng.normal(size=size) for _ in range(3)] + [rng.random(size)]
    wide = [array.copy() for array in start]
    STEPS[name](*wide)
    found = []
    for path in PATHS:
        narrow = [array.astype(np.float32) for array in start]
        with cpu.using(path):
            STEPS[name](*narrow)
        for one, right in zip(narrow, wide, strict=True):
            np.testing.assert_allclose(one, right, rtol=1e-4, atol=1e-5)
        found.append(narrow[0])
    assert all(np.array_equal(found[0], one) for one in found)
    assert np.abs(found[0]).max() <= 0.5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("path", PATHS)
def test_relu(path: str, dtype: Any) -> None:
    x = np.array([-1, -0.0, 0.0, 1e-40, 2, np.inf, -np.inf, np.nan], dtype)
    with cpu.using(path):
        y = relu(qnn.Tensor(x, dtype)).data
        scale_gradient = relu_gradient(
            qnn.Tensor(np.arange(1, 9), dtype), qnn.Tensor(x, dtype)
        ).data
    np.testing.assert_array_equal(y, np.array([0, 0, 0, 1e-40, 2, np.inf, 0, np.nan], dtype))
    assert scale_gradient.tolist() == [0, 0, 0, 4, 5, 6, 0, 0]


@pytest.mark.parametrize("shape", [(1, 1), (3, 2), (5, 10), (2, 63), (2, 64), (7, 65), (4, 1000)])
def test_cross_entropy_is_that_of_double_precision(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    x = (rng.normal(size=shape) * rng.choice([0.1, 5, 60], shape)).astype(np.float32)
    labels = rng.integers(0, shape[1], shape[0])
    right = np.empty(shape)
    loss.softmax_minus_one_hot(x.astype(np.float64), labels, 1 / shape[0], right)
    total = loss.cross_entropy(x.astype(np.float64), labels) / shape[0]
    found = []
    for path in PATHS:
        with cpu.using(path):
            value, _ = _cross_entropy(x, labels=labels)
            scale_gradient = _cross_entropy_gradient(x, labels=labels)
        np.testing.assert_allclose(value, total, rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(scale_gradient, right, rtol=1e-5, atol=1e-7)
        found.append(scale_gradient)
    assert all(np.array_equal(found[0], one) for one in found)


@pytest.mark.parametrize("path", PATHS)
def test_cross_entropy_of_the_extremes(path: str) -> None:
    x = np.float32([[-np.inf, 0, 3e38], [np.nan, 0, 0], [-3e38, -3e38, -3e38], [-100, -50, 0]])
    labels = np.array([2, 1, 0, 0])
    with cpu.using(path):
        scale_gradient = _cross_entropy_gradient(x, labels=labels) * 4
        assert np.isnan(_cross_entropy(x, labels=labels)[0])
    np.testing.assert_array_equal(scale_gradient[0], [0, 0, 0])
    assert np.all(np.isnan(scale_gradient[1]))
    np.testing.assert_allclose(scale_gradient[2], [-2 / 3, 1 / 3, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(scale_gradient[3], [-1, np.exp(-50), 1], rtol=1e-6, atol=1e-40)


def test_memory_is_used_again_once_nobody_looks_at_it() -> None:
    first = empty((1000, 100), np.float32)
    first[...] = 3
    view = first[10:]
    where = first.ctypes.data
    del first
    other = empty((1000, 100), np.float32)
    assert other.ctypes.data != where  # the view keeps it
    assert np.all(view == 3)
    del view
    assert empty((1000, 100), np.float32).ctypes.data == where
    assert other.ctypes.data % 64 == 0


@pytest.mark.parametrize("size", [2**62, 2**63 - 1, 2**63, 2**64 - 1])
def test_more_than_any_machine_has_is_refused(size: int) -> None:
    with pytest.raises(MemoryError, match="bytes"):
        memory.Block(size)


def test_what_is_kept_has_an_end() -> None:
    for _ in range(3):
        arrays = [empty((1 << 20, 7 + n), np.float32) for n in range(12)]
        del arrays
    assert memory.kept_bytes() <= 1 << 28
