"""The laws of operations, over every operation in the table."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from op_examples import EXAMPLES, SURROGATES, Example
from qnn_core import Tensor, ops
from qnn_core.autodiff import OPS
from qnn_core.testing import check_op

CASES = [
    pytest.param(name, case, id=f"{name}-{number}")
    for name, cases in EXAMPLES.items()
    for number, case in enumerate(cases)
]
ELEMENTWISE = sorted(
    name
    for name in EXAMPLES
    if len(EXAMPLES[name][0].inputs) == 1 and EXAMPLES[name][0].attributes.keys() <= {"low", "high"}
)
BINARY = ["add", "divide", "multiply", "power", "subtract"]


def test_every_operation_has_an_example() -> None:
    # In a process of its own: here other tests have declared operations too.
    program = "import qnn_core; from qnn_core.autodiff import OPS; print(*OPS)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    ours = set(done.stdout.split())
    assert ours == set(EXAMPLES) | SURROGATES


@pytest.mark.parametrize(("name", "case"), CASES)
def test_laws(name: str, case: Example) -> None:
    check_op(OPS[name], *case.inputs, **case.attributes)


def gradients(name: str, case: Example, dtype: Any, prepack: Callable = np.array) -> list[Any]:
    """The output, and the gradients of a weighted sum of it, for inputs of a dtype and layout."""
    tensors = [Tensor(prepack(np.array(x, dtype)), dtype, requires_grad=True) for x in case.inputs]
    output = OPS[name](*tensors, **case.attributes)
    output.backward(np.cos(np.arange(output.size)).reshape(output.shape).astype(dtype))
    return [output.data, *(t.grad.data for t in tensors)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_dtype_is_kept_forward_and_backward(name: str, case: Example, dtype: Any) -> None:
    assert {array.dtype for array in gradients(name, case, dtype)} == {np.dtype(dtype)}


@pytest.mark.parametrize(("name", "case"), CASES)
def test_gradients_have_the_shape_of_their_inputs(name: str, case: Example) -> None:
    found = gradients(name, case, np.float64)[1:]
    assert [g.shape for g in found] == [x.shape for x in case.inputs]


def strided(x: np.ndarray) -> np.ndarray:
    """The same values with gaps in memory."""
    wide = np.full((*x.shape, 2), np.nan, x.dtype)
    wide[..., 0] = x
    return wide[..., 0]


def read_only(x: np.ndarray) -> np.ndarray:
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("layout", [strided, np.asfortranarray, read_only])
@pytest.mark.parametrize(("name", "case"), CASES)
def test_the_layout_in_memory_does_not_matter(name: str, case: Example, layout: Callable) -> None:
    plain = gradients(name, case, np.float64)
    other = gradients(name, case, np.float64, layout)
    for expected, found in zip(plain, other, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_stretched_input(name: str) -> None:
    """An array that repeats one element in memory, as broadcasting makes it."""

    def stretched(x: np.ndarray) -> np.ndarray:
        return np.broadcast_to(x[:1, :1], (3, 4))

    example = EXAMPLES[name][0]
    case = Example((np.full((3, 4), example.inputs[0].flat[0]),), example.attributes)
    plain = gradients(name, case, np.float64)
    for expected, result in zip(plain, gradients(name, case, np.float64, stretched), strict=True):
        np.testing.assert_array_equal(result, expected)


@pytest.mark.parametrize("shape", [(), (0,), (3, 0), (1,), (1, 1, 1)])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_awkward_shapes_of_elementwise_operations(name: str, shape: tuple[int, ...]) -> None:
    case = EXAMPLES[name][0]
    x = np.resize(case.inputs[0], shape)
    if x.size:
        check_op(OPS[name], x, **case.attributes)
    output, gradient = gradients(name, Example((x,), case.attributes), np.float32)
    assert output.shape == gradient.shape == shape


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
def test_broadcasting(name: str, data: st.DataObject) -> None:
    shapes = data.draw(mutually_broadcastable_shapes(num_shapes=2, min_side=0, max_dims=3))
    a, b = (np.random.default_rng(n).uniform(0.5, 2, s) for n, s in enumerate(shapes.input_shapes))
    result = OPS[name](Tensor(a, np.float64), Tensor(b, np.float64))
    np.testing.assert_array_equal(result.data, getattr(np, name)(a, b))
    if result.size:
        check_op(OPS[name], a, b)
    else:
        found = gradients(name, Example((a, b), {}), np.float64)
        assert [g.shape for g in found[1:]] == [a.shape, b.shape]
        assert not any(g.any() for g in found[1:])


@given(shapes=mutually_broadcastable_shapes(signature="(m,k),(k,n)->(m,n)", max_dims=2, max_side=3))
def test_matmul_stacks(shapes: Any) -> None:
    a, b = (np.random.default_rng(n).normal(size=s) for n, s in enumerate(shapes.input_shapes))
    result = ops.matmul(Tensor(a, np.float64), Tensor(b, np.float64))
    np.testing.assert_allclose(result.data, a @ b, rtol=1e-12)
    check_op(ops.matmul, a, b)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3,), (3,)),
        ((2, 3), (3,)),
        ((3,), (3, 2)),
        ((4, 2, 3), (3,)),
        ((3,), (4, 3, 2)),
        ((0,), (0,)),
    ],
)
def test_matmul_of_vectors(a: tuple[int, ...], b: tuple[int, ...]) -> None:
    left, right = np.random.default_rng(0).normal(size=a), np.random.default_rng(1).normal(size=b)
    result = ops.matmul(Tensor(left, np.float64), Tensor(right, np.float64))
    assert result.shape == np.shape(left @ right)
    np.testing.assert_allclose(result.data, left @ right, rtol=1e-12)
    check_op(ops.matmul, left, right)


@pytest.mark.parametrize("shapes", [((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2))])
def test_the_matmul_operator_follows_numpy_for_vectors(shapes: Any) -> None:
    a, b = np.ones(shapes[0], np.float32), np.ones(shapes[1], np.float32)
    for product in (Tensor(a) @ b, a @ Tensor(b), Tensor(a) @ Tensor(b)):
        np.testing.assert_array_equal(product.data, a @ b)
