"""A convolution is the product of patches: bit for bit, for every scheme, path and geometry."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.gemm import (
    VALUES,
    Window,
    convolve,
    cpu,
    input_gradient,
    integer_sum,
    prepacked_convolution,
    product,
    quantized_operand,
    reference,
    threads,
    weight_gradient,
)
from qnn_core.gemm.operand import GemmOperand
from qnn_core.quantizer import codebook
from qnn_core.registry import get_quantizer

NF4 = np.float32([-1, -0.6962, -0.5251, -0.3949, -0.2844, -0.1848, -0.0911, 0, 0.0796, 0.1609])
# Float values, a codebook without a grid, and grids with and without an element 0.
SIDES: list[Any] = [
    None,
    NF4,
    "binary",
    "symmetric:2",
    "symmetric:2,grid=even",
    "symmetric:8,grid=even",
    "uniform:2",
    "uniform:4",
    "uniform:8",
    "logarithmic:4",
    "logarithmic:7",
]
# Image, outputs, window. Around the widths of words and of panels, and rows of single pixels.
CASES = [
    ((2, 5, 4, 3), 7, Window((3, 3), padding=(1, 1))),
    ((1, 4, 5, 64), 5, Window((2, 3), (2, 1), (1, 2))),
    ((2, 6, 5, 1), 65, Window((3, 2), (1, 2), (2, 1), (2, 2))),
    ((1, 3, 3, 65), 2, Window((2, 2))),
    ((1, 3, 4, 63), 3, Window((1, 3), padding=(0, 2))),
    ((3, 1, 1, 128), 4, Window((1, 1), (3, 3))),
    ((1, 1, 1, 2), 2, Window((3, 5), padding=(1, 2))),
    ((2, 8, 9, 2), 3, Window((2, 2), (4, 5), (1, 1))),
    ((0, 4, 4, 3), 2, Window((3, 3))),
]


def operand(
    side: Any, shape: tuple[int, ...], rng: np.random.Generator, *, channels: bool = False
) -> tuple[np.ndarray, GemmOperand]:
    if side is None:
        return rng.normal(size=shape).astype(np.float32), VALUES
    levels = side if isinstance(side, np.ndarray) else codebook(get_quantizer(side)).levels
    qparams = shape[:1] if channels else ()
    scale = rng.uniform(0.1, 1, qparams).astype(np.float32)
    whole = isinstance(side, str) and side.startswith("uniform")
    zero = rng.integers(0, levels.size if whole else 1, qparams).astype(np.float32)
    codes = rng.integers(0, levels.size, shape).astype(np.uint8)
    return codes, quantized_operand(levels, scale, -(scale * zero), along_reduction=False)


@pytest.fixture(params=cpu.paths())
def path(request: pytest.FixtureRequest) -> Any:
    with cpu.using(request.param):
        yield request.param


def convolved(x: Any, w: Any, bias: Any, *factors: Any, **how: Any) -> Any:
    """`convolve`, which must be what the engine gives: the small ones are done without it."""
    y = convolve(x, w, bias, *factors, **how)
    if integer_sum(*factors, int(np.prod(w.shape[1:]))):
        np.testing.assert_array_equal(y, prepacked_convolution(w, bias, *factors, **how)(x))
    return y


@pytest.mark.parametrize("channels", [2, 63, 64, 65, 200])
def test_each_channel_alone(path: str, channels: int) -> None:
    rng = np.random.default_rng(channels)
    windows = [
        Window((3, 3), padding=(1, 1)),
        Window((2, 3), (2, 1), (1, 2)),
        Window((1, 1), (2, 1)),
        Window((3, 2), (1, 2), (2, 1), (2, 2)),
    ]
    sides = ["binary", "uniform:4", "uniform:8", "logarithmic:4"]
    for number, (window, side) in enumerate(itertools.product(windows, sides)):
        x, x_operand = operand(side, (2, 5, 4, channels), rng)
        shape = (channels, *window.kernel, 1)
        w_side = ["symmetric:2", "symmetric:8,grid=even", "uniform:8"][number % 3]
        weight, w_operand = operand(w_side, shape, rng, channels=bool(number % 2))
        bias = rng.normal(size=channels).astype(np.float32) if number % 2 else None
        how = {"window": window, "groups": channels}
        y = convolved(x, weight, bias, x_operand, w_operand, **how)
        made = prepacked_convolution(weight, bias, x_operand, w_operand, **how)
        assert made.kind == "depthwise"
        expected = reference.convolve(x, weight, bias, x_operand, w_operand, **how)
        np.testing.assert_array_equal(y, expected, f"{side} {w_side} {window}")


def on_patches(x: Any, w: Any, *rest: Any, window: Window) -> Any:
    """`product`, on the rows that im2col makes of images without padding."""
    patches = window.patches(x)
    k = int(np.prod(w.shape[1:]))
    y = product(patches.reshape(-1, k), w.reshape(len(w), k), *rest)
    return y.reshape(*patches.shape[:3], len(w))


@pytest.mark.parametrize("x_side", SIDES, ids=str)
def test_it_is_the_product_of_patches(path: str, x_side: Any) -> None:
    rng = np.random.default_rng(0)
    # Every pair of sides in a third of the cases, every side in all.
    turn = [str(side) for side in SIDES].index(str(x_side))
    pairs = itertools.product(enumerate(SIDES, turn), enumerate(CASES))
    for w_side, ((b, h, w, c), n, window) in [
        (side, case) for (i, side), (j, case) in pairs if i % 3 == j % 3
    ]:
        x, x_operand = operand(x_side, (b, h, w, c), rng)
        weight, w_operand = operand(w_side, (n, *window.kernel, c), rng, channels=bool(n % 2))
        bias = rng.normal(size=n).astype(np.float32) if n % 2 else None
        y = convolved(x, weight, bias, x_operand, w_operand, window=window)
        expected = reference.convolve(x, weight, bias, x_operand, w_operand, window=window)
        assert y.dtype == expected.dtype == np.float32
        np.testing.assert_array_equal(y, expected, f"{w_side} {c} {window}")
        if not any(window.padding):
            alike = on_patches(x, weight, bias, x_operand, w_operand, window=window)
            np.testing.assert_array_equal(y, alike)


@given(
    image=st.tuples(st.integers(0, 3), *[st.integers(1, 7)] * 2, st.sampled_from([1, 2, 5, 64])),
    window=st.builds(
        Window,
        *[st.tuples(st.integers(1, 3), st.integers(1, 3))] * 2,
        st.tuples(st.integers(0, 2), st.integers(0, 2)),
        st.tuples(st.integers(1, 2), st.integers(1, 3)),
    ),
    sides=st.tuples(st.sampled_from(SIDES), st.sampled_from(SIDES)),
    path=st.sampled_from(cpu.paths()),
    seed=st.integers(0, 99),
)
def test_any_geometry(image: Any, window: Window, sides: Any, path: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    if min(window.output(*image[1:3])) < 1:
        return
    x, x_operand = operand(sides[0], image, rng)
    w, w_operand = operand(sides[1], (3, *window.kernel, image[3]), rng)
    with cpu.using(path):
        y = convolved(x, w, None, x_operand, w_operand, window=window)
    expected = reference.convolve(x, w, None, x_operand, w_operand, window=window)
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("groups", [2, 6])
def test_groups_are_convolutions_side_by_side(path: str, groups: int) -> None:
    rng = np.random.default_rng(0)
    window = Window((3, 2), padding=(1, 0))
    for sides in itertools.product((None, "uniform:4", "binary"), (None, "uniform:3", "binary")):
        x, x_operand = operand(sides[0], (2, 4, 5, 6), rng)
        w, w_operand = operand(sides[1], (12, 3, 2, 6 // groups), rng, channels=True)
        bias = rng.normal(size=12).astype(np.float32)
        given = (x, w, bias, x_operand, w_operand)
        y = convolved(*given, window=window, groups=groups)
        np.testing.assert_array_equal(y, reference.convolve(*given, window=window, groups=groups))


def with_threads(run: Any) -> list[Any]:
    before, results = threads.get_num_threads(), []
    try:
        for count in (1, 2, 5):
            threads.set_num_threads(count)
            results.append(run())
    finally:
        threads.set_num_threads(before)
    return results


@pytest.mark.parametrize("sides", [(None, None), ("uniform:2", "symmetric:2"), ("uniform:8",) * 2])
def test_threads_and_neighbours_change_nothing(path: str, sides: Any) -> None:
    rng = np.random.default_rng(0)
    window = Window((3, 3), padding=(1, 1))
    x, x_operand = operand(sides[0], (5, 20, 20, 64), rng)
    w, w_operand = operand(sides[1], (66, 3, 3, 64), rng)
    one, two, five = with_threads(lambda: convolve(x, w, None, x_operand, w_operand, window=window))
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(one, five)
    alone = [convolve(i[None], w, None, x_operand, w_operand, window=window)[0] for i in x]
    np.testing.assert_array_equal(one, alone)


@pytest.mark.parametrize(("image", "n", "window"), CASES)
def test_gradients_are_those_of_im2col(path: str, image: Any, n: int, window: Window) -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=image).astype(np.float32)
    w = rng.normal(size=(n, *window.kernel, image[3])).astype(np.float32)
    g = rng.normal(size=(image[0], *window.output(*image[1:3]), n)).astype(np.float32)
    found = input_gradient(g, w, window, image[1:3]), weight_gradient(g, x, window)
    wide = [a.astype(np.float64) for a in (g, w, x)]
    expected = (
        input_gradient(wide[0], wide[1], window, image[1:3]),
        weight_gradient(wide[0], wide[2], window),
    )
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


@given(
    image=st.tuples(
        st.integers(0, 3), *[st.integers(1, 7)] * 2, st.sampled_from([1, 2, 7, 8, 17, 33, 64, 80])
    ),
    n=st.sampled_from([1, 3, 130]),
    window=st.builds(
        Window,
        *[st.tuples(st.integers(1, 3), st.integers(1, 3))] * 2,
        st.tuples(st.integers(0, 2), st.integers(0, 2)),
        st.tuples(st.integers(1, 2), st.integers(1, 3)),
    ),
    path=st.sampled_from(cpu.paths()),
    seed=st.integers(0, 99),
)
def test_the_gradient_of_the_input_is_one_chain(
    image: Any, n: int, window: Window, path: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    out = window.output(*image[1:3])
    if min(out) < 1 or any(p >= e for p, e in zip(window.padding, window.extent, strict=True)):
        return
    w = rng.normal(size=(n, *window.kernel, image[3])).astype(np.float32)
    g = rng.normal(size=(image[0], *out, n)).astype(np.float32)
    with cpu.using(path):
        found = input_gradient(g, w, window, image[1:3])
    expected = reference.input_gradient(g, w, window, image[1:3])
    assert found.dtype == expected.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("channels", [3, 20, 96])
def test_threads_do_not_change_gradients(path: str, channels: int) -> None:
    rng = np.random.default_rng(0)
    window = Window((3, 3), padding=(1, 1))
    x = rng.normal(size=(8, 15, 14, channels)).astype(np.float32)
    w = rng.normal(size=(40, 3, 3, channels)).astype(np.float32)
    g = rng.normal(size=(8, 15, 14, 40)).astype(np.float32)
    for run in (
        lambda: input_gradient(g, w, window, (15, 14)),
        lambda: weight_gradient(g, x, window),
    ):
        one, two, five = with_threads(run)
        np.testing.assert_array_equal(one, two)
        np.testing.assert_array_equal(one, five)
