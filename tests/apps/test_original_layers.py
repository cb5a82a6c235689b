"""The original's layers, as paradox.py re-creates them, against values by hand."""

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from apps_runner import APPS
from qnn_core.autodiff import OPS

sys.path.insert(0, str(APPS))

from _paradox.original_layers import (
    OriginalLinear,
    Scheme,
    latent_product,
    normal_step,
    rounded,
    sign,
)

# Out of the table again: the laws in tests/core are about what qnn_core declares, and wrong
# gradients break them.
for _op in (latent_product, rounded, sign):
    OPS.pop(_op.name)

X = np.array([[1.0, 0.5], [0.25, 1.0]], np.float32)
WEIGHT = np.array([[0.4, -0.1], [-0.2, 0.15], [0.05, -0.4]], np.float32)


def layer(scheme: Scheme, weight: Any = WEIGHT) -> OriginalLinear:
    made = OriginalLinear(weight.shape[1], weight.shape[0], scheme, seed=0)
    made.weight.data[...] = weight
    return made


def weight_gradient(scheme: Scheme) -> Any:
    """Return the gradient of the sum of the outputs."""
    made = layer(scheme)
    made(qnn.Tensor(X)).sum().backward()
    assert made.weight.grad is not None
    return made.weight.grad.data


def test_two_bits_by_hand() -> None:
    made = layer(Scheme(bits=2))
    # h = 2, max|W| = 0.4: W * 5 is 2, -0.5; -1, 0.75; 0.25, -2. Half goes to even; 2 is clipped.
    assert made.codes().tolist() == [[1, 0], [-1, 1], [0, -2]]
    # x @ codes: 1, -0.5, -1; 0.25, 0.75, -2, in units of max / 2 = 1 the same.
    out = made(qnn.Tensor(X)).data
    assert out.tolist() == [[1, 0, -1], [0, 1, -2]]


def test_two_bits_pass_gradients_times_the_maxima() -> None:
    # Of the outputs none is clipped: each passes 1, times the greatest product, 2. Of the weights
    # one is, 2 -> 1; the others get that gradient times x, times the greatest weight, 0.4.
    columns = 2 * X.sum(axis=0) * 0.4
    expected = np.tile(columns, (3, 1))
    expected[0, 0] = 0
    np.testing.assert_allclose(weight_gradient(Scheme(bits=2)), expected, rtol=1e-6)


def test_right_gradients_are_divided_by_the_steps() -> None:
    # The steps are half the maxima: 1 and 0.2.
    columns = X.sum(axis=0) / 1 / 0.2
    expected = np.tile(columns, (3, 1))
    expected[0, 0] = 0
    right = Scheme(bits=2, gradient="straight-through")
    np.testing.assert_allclose(weight_gradient(right), expected, rtol=1e-6)
    values = replace(right, output="values")  # multiplied by the steps again
    np.testing.assert_allclose(weight_gradient(values), expected * 0.2, rtol=1e-6)


@pytest.mark.parametrize(
    ("grid", "codes"),
    [
        ("twos-complement", [-2, -1, 0, 0, 0, 1, 1]),
        ("odd", [-1, -1, 0, 0, 0, 1, 1]),
        ("even", [-1.5, -1.5, -0.5, 0.5, 0.5, 0.5, 1.5]),
    ],
)
def test_grids_of_two_bits(grid: str, codes: list[float]) -> None:
    weight = np.array([[-1, -0.6, -0.2, 0, 0.2, 0.4, 1]], np.float32)
    assert layer(Scheme(bits=2, grid=grid), weight).codes()[0].tolist() == codes


def test_one_bit_is_signs_and_its_gradient_the_identity() -> None:
    weight = np.array([[0.5, -0.5], [0.5, 0.0]], np.float32)
    for zero in (0, 1):
        made = layer(Scheme(bits=1, sign_of_zero=zero), weight)
        out = made(qnn.Tensor([[1.0, 1.0]]))
        assert out.data.tolist() == [[zero, 1]]
        out.sum().backward()
        assert made.weight.grad is not None
        assert made.weight.grad.data.tolist() == [[1, 1], [1, 1]]


def test_a_scale_of_the_batch_makes_answers_depend_on_neighbours() -> None:
    alone, brighter = X[:1], np.concatenate([X[:1], 8 * X[1:]])
    for step, depends in (("batch maximum", True), ("running maximum", False)):
        made = layer(Scheme(bits=2, step=step))
        made(qnn.Tensor(X))
        made.eval()
        answers = [made(qnn.Tensor(batch)).data[0] for batch in (alone, brighter)]
        assert np.array_equal(*answers) != depends


def test_latent_weights_in_backward_touch_only_the_gradient_of_the_input() -> None:
    schemes = [Scheme(bits=2, backward=backward) for backward in ("latent", "codes")]
    np.testing.assert_array_equal(*[weight_gradient(scheme) for scheme in schemes])
    of_input = []
    for scheme in schemes:
        x = qnn.Tensor(X, requires_grad=True)
        made = layer(scheme)
        made(x).sum().backward()
        assert x.grad is not None
        of_input.append(x.grad.data)
        by = WEIGHT if scheme.backward == "latent" else made.codes()
        expected = np.tile(2 * by.sum(axis=0), (2, 1))
        np.testing.assert_allclose(x.grad.data, expected, rtol=1e-6)
    assert not np.array_equal(*of_input)


@pytest.mark.parametrize(
    ("grid", "ours"), [("twos-complement", "twos-complement"), ("odd", "odd"), ("even", "even")]
)
@pytest.mark.parametrize("bits", [2, 3, 4])
def test_all_mended_it_is_the_fake_quantization_of_this_framework(
    grid: str, ours: str, bits: int
) -> None:
    scheme = Scheme(bits=bits, grid=grid, gradient="straight-through", output="values")
    x = np.random.default_rng(bits).normal(0, 1, (50, 20)).astype(np.float32)
    weight = np.eye(20, dtype=np.float32)
    made = layer(replace(scheme, step="running deviation"), weight)
    product = made._product(qnn.Tensor(x), qnn.Tensor(weight)).data
    step = made._step(product)
    values = made._round(qnn.Tensor(product), step).data * np.float32(step)
    unit = step / 2 if grid == "even" else step  # the framework counts halves
    quantizer = f"symmetric:{bits},grid={ours}"
    expected = qnn.ops.fake_quantize(product, unit, quantizer=quantizer).data
    np.testing.assert_allclose(values, expected, rtol=1e-6)


def test_steps_are_those_of_max() -> None:
    # Max 1960, table II: equally spaced outputs for a normal distribution of deviation 1.
    published = {1: 1.596, 2: 0.9957, 3: 0.5860, 4: 0.3352}
    for bits, step in published.items():
        scheme = Scheme(bits=bits, grid="even")
        assert normal_step(bits, scheme.even, scheme.ends) == pytest.approx(step, abs=0.0025)


def test_data_that_are_zero_all_over() -> None:
    for step in ("batch maximum", "running deviation"):
        out = layer(Scheme(bits=2, step=step))(qnn.Tensor(np.zeros((2, 2))))
        assert out.data.tolist() == np.zeros((2, 3)).tolist()
