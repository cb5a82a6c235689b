"""The page's JavaScript, in Node where there is one: the bits of Python's engine."""

from typing import Any

import numpy as np
import pytest
from in_node import NODE, answers_in_node, called_in_node
from live_nets import FUNCTIONS, OfOne, data, packed, schemes, wholes
from qnn_core import Parameter, Tensor, nn, ops
from qnn_core.gemm import reference

pytestmark = pytest.mark.skipif(
    NODE is None, reason="there is no node; nox -s browser has a browser"
)


def check(model: Any, x: np.ndarray) -> list[dict[str, Any]]:
    """Compare all outputs, to the bit."""
    made = packed(model, x)
    steps, found = answers_in_node(made.graph, x)
    wanted = made(x)
    for ours, theirs in zip(found, wanted if isinstance(wanted, tuple) else (wanted,), strict=True):
        flat = np.ascontiguousarray(theirs.reshape(len(x), -1))
        np.testing.assert_array_equal(ours.view(np.uint32), flat.view(np.uint32))
    return steps


@pytest.mark.parametrize(("name", "make"), list(schemes()))
def test_every_scheme(name: str, make: Any) -> None:
    model, x = make()
    steps = check(model, x)
    assert [step["op"] for step in steps if "weight" in step]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function(name: str) -> None:
    steps = check(OfOne(FUNCTIONS[name]), data(3, 6, 5, 4))
    assert steps


@pytest.mark.parametrize("name", [name for name in wholes() if name != "softmax"])
def test_whole_nets(name: str) -> None:
    model, x = wholes()[name]()
    steps = check(model, x)
    assert len(steps) > 1


ZEROS = np.random.default_rng(1).choice(np.float32([0.0, -0.0, 1e-45, -1.0]), (40, 6, 5, 4))


@pytest.mark.parametrize(
    "act",
    [
        lambda x: ops.clip(x, 0, 1),
        lambda x: ops.clip(x, -1, -0.0),
        lambda x: ops.max(x, axis=-1),
        lambda x: ops.min(x, axis=(1, 2)),
        lambda x: ops.max_pool2d(x, 3, stride=2, padding=1),
        *FUNCTIONS.values(),
    ],
)
def test_zeros_have_the_sign_that_python_gives_them(act: Any) -> None:
    made = packed(OfOne(act), abs(data(3, 6, 5, 4)) + 1)
    _, (found,) = answers_in_node(made.graph, ZEROS)
    wanted = made(ZEROS).reshape(len(ZEROS), -1)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(wanted))
    np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("name", ["at", "length", "__proto__"])
def test_a_net_may_call_its_numbers_as_it_likes(name: str) -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            self.layer = nn.QuantLinear(4, 3, weight="symmetric:2", input="uniform:4", seed=0)
            setattr(self, name, Parameter(np.float32([1, 2, 3])))

        def forward(self, x: Tensor) -> Tensor:
            shifted: Tensor = self.layer(x) + getattr(self, name)
            return shifted

    assert check(Named(), data(3, 4))[-1]["from"][1] == name


def test_a_net_ends_before_softmax() -> None:
    model, x = wholes()["softmax"]()
    made = packed(model, x)
    _, (scores,) = answers_in_node(made.graph, x)
    np.testing.assert_array_equal(made(x), ops.softmax(scores).data)


def test_fused_multiply_adds_are_rounded_once() -> None:
    rng = np.random.default_rng(0)
    a, b, c = rng.normal(size=(3, 200_000)).astype(np.float32)
    # Sums that cancel, and those that lie just beside the middle between two floats.
    c[:50_000] = -(a[:50_000] * b[:50_000])
    a[50_000:100_000] = np.float32(2) ** rng.integers(-12, 12, 50_000).astype(np.float32)
    b[50_000:100_000] = np.float32(2) ** -24 * rng.choice(np.float32([1, 3, -1]), 50_000)
    c[100_000:110_000] = np.float32(2) ** -140
    found = called_in_node("Arithmetic.fma", a, b, c)
    np.testing.assert_array_equal(found.view(np.uint32), reference.fma(a, b, c).view(np.uint32))


@pytest.mark.parametrize("name", ["tanh", "sigmoid"])
def test_functions_have_the_bits_of_ours_everywhere(name: str) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2**32, 300_000, dtype=np.uint32).view(np.float32)
    x = np.concatenate([x[np.isfinite(x)], np.linspace(-130, 130, 100_001, dtype=np.float32)])
    found = called_in_node(f"Arithmetic.{name}", x)
    ours = getattr(ops, name)(x).data
    np.testing.assert_array_equal(found.view(np.uint32), ours.view(np.uint32))
