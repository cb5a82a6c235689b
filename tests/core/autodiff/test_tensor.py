"""Tensors: what they are made of, and how they live together with NumPy."""

import copy
import inspect
import pickle
import weakref
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Buffer, Parameter, Tensor, ops
from qnn_core.autodiff import OPS
from qnn_core.errors import DtypeError, ShapeError

X = np.array([[1.0, -2.0], [0.5, 4.0]], np.float32)


@pytest.mark.parametrize(
    "data", [[1, 2], (True, False), np.int8([3]), np.float64([1]), 5, 2.5, [], X[:, 0], range(3)]
)
def test_all_real_numbers_become_float32(data: Any) -> None:
    tensor = Tensor(data)
    assert tensor.dtype == np.float32
    np.testing.assert_array_equal(tensor.data, np.asarray(data, np.float32))


def test_float64_when_asked_for() -> None:
    assert Tensor([0.1], np.float64).item() == 0.1
    assert Tensor(Tensor([0.1], np.float64)).dtype == np.float64


@pytest.mark.parametrize("dtype", [np.float16, np.int32, np.complex64, bool, object])
def test_other_dtypes_are_refused(dtype: Any) -> None:
    with pytest.raises(DtypeError, match=f"float32 or float64, not {np.dtype(dtype)}"):
        Tensor([1], dtype)


@pytest.mark.parametrize(
    "data", [[1j], ["a"], [None], None, [object()], np.datetime64("2020-01-01"), {1: 2}]
)
def test_what_is_no_real_number_is_refused(data: Any) -> None:
    with pytest.raises(DtypeError, match="holds real numbers"):
        Tensor(data)


def test_ragged_data_are_refused() -> None:
    with pytest.raises(ShapeError, match="rectangular"):
        Tensor([[1], [1, 2]])


def test_fitting_arrays_are_shared_and_parameters_are_copies() -> None:
    assert Tensor(X).data is X
    assert np.asarray(Tensor(X)) is X
    assert not np.shares_memory(np.array(Tensor(X)), X)
    assert not np.shares_memory(Parameter(X).data, X)
    assert not np.shares_memory(Buffer(X).data, X)


@pytest.mark.parametrize("dtype", [np.float64, np.int16])
def test_asarray_converts(dtype: Any) -> None:
    array = np.asarray(Tensor(X), dtype)
    assert array.dtype == dtype
    np.testing.assert_array_equal(array, X.astype(dtype))


# Operators

OPERATORS = [
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / b,
    lambda a, b: abs(a) ** b,
    lambda a, b: a @ b,
]
OTHERS = [np.eye(2) + 1, np.eye(2, dtype=np.float32) + 1, np.eye(2, dtype=int) + 1]


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("other", OTHERS, ids=lambda a: str(a.dtype))
def test_tensors_and_arrays_in_either_order(operator: Any, other: np.ndarray) -> None:
    for left, right in ((Tensor(X), other), (other, Tensor(X)), (Tensor(X), Tensor(other))):
        result = operator(left, right)
        assert type(result) is Tensor
        assert result.dtype == np.float32
        expected = operator(np.asarray(left, np.float64), np.asarray(right, np.float64))
        np.testing.assert_allclose(result.data, expected, rtol=1e-6)


@pytest.mark.parametrize("number", [2, 0.5, True, np.float64(2), np.float32(2), np.int64(2)])
@pytest.mark.parametrize("operator", OPERATORS[:5])
def test_tensors_and_numbers_in_either_order(operator: Any, number: Any) -> None:
    for left, right in ((Tensor(X), number), (number, Tensor(X))):
        result = operator(left, right)
        assert (type(result), result.dtype) == (Tensor, np.float32)
        expected = operator(np.asarray(left, np.float64), np.asarray(right, np.float64))
        np.testing.assert_allclose(result.data, expected, rtol=1e-6)


def test_arrays_take_the_tensors_dtype() -> None:
    assert (Tensor(X, np.float64) + X).dtype == np.float64
    assert (X.astype(np.float64) + Tensor(X)).dtype == np.float32


@pytest.mark.parametrize("name", ["exp", "sqrt", "tanh", "sin", "negative", "absolute"])
def test_numpy_functions_are_operations(name: str) -> None:
    x = Tensor([0.25, 1.0], requires_grad=True)
    result = getattr(np, name)(x)
    assert type(result) is Tensor
    result.sum().backward()
    (expected,) = qnn.grad(getattr(ops, name)(x).sum(), x)
    np.testing.assert_array_equal(x.grad.data, expected.data)


def test_a_complex_operand_is_refused() -> None:
    with pytest.raises(DtypeError, match="real numbers"):
        Tensor([1.0]) * np.array([1j])


# Comparisons

COMPARISONS = [lambda a, b: a < b, lambda a, b: a <= b, lambda a, b: a > b, lambda a, b: a >= b]


@pytest.mark.parametrize("compare", COMPARISONS)
@pytest.mark.parametrize("other", [0.5, X.T, Tensor(X.T), np.float64(0.5)], ids=type)
def test_comparisons_give_masks(compare: Any, other: Any) -> None:
    for left, right in ((Tensor(X), other), (other, Tensor(X))):
        mask = compare(left, right)
        assert type(mask) is np.ndarray
        np.testing.assert_array_equal(mask, compare(np.asarray(left), np.asarray(right)))


def test_a_mask_selects() -> None:
    x = Tensor(X, requires_grad=True)
    x[x > 0.75].sum().backward()
    assert x.grad.data.tolist() == [[1, 0], [0, 1]]


# As a sequence, as a number


def test_a_tensor_can_be_iterated_over() -> None:
    first, second = Tensor(X)
    assert first.data.tolist() == X[0].tolist()
    assert second.data.tolist() == X[1].tolist()


def test_length() -> None:
    assert len(Tensor(X)) == 2
    with pytest.raises(ShapeError, match="no length"):
        len(Tensor(1.0))


def test_item_and_float() -> None:
    assert Tensor([[0.5]]).item() == float(Tensor(0.5)) == 0.5
    with pytest.raises(ShapeError, match=r"one element.* \(2, 2\)"):
        Tensor(X).item()


def test_truth_is_that_of_an_array() -> None:
    assert Tensor(1.0)
    assert not Tensor([0.0])
    with pytest.raises(ValueError, match="ambiguous"):
        bool(Tensor(X))


def test_tensors_are_keys_of_dictionaries() -> None:
    a, b = Tensor(X), Tensor(X)
    assert {a: 1, b: 2}[a] == 1


# Methods

METHODS = [
    lambda x: x.sum(axis=0),
    lambda x: x.mean(axis=1, keepdims=True),
    lambda x: x.max(),
    lambda x: x.min(axis=(0, 1)),
    lambda x: x.reshape(4),
    lambda x: x.reshape(1, -1),
    lambda x: x.reshape((4, 1)),
    lambda x: x.transpose(),
    lambda x: x.transpose(1, 0),
    lambda x: x.T,
    lambda x: x[::-1, None],
]


@pytest.mark.parametrize("method", METHODS)
def test_methods_are_numpys(method: Any) -> None:
    np.testing.assert_array_equal(method(Tensor(X)).data, method(X))


def test_detached_tensors_share_the_data_and_no_graph() -> None:
    x = Tensor(X, requires_grad=True)
    y = (x * 2).detach()
    assert not y.requires_grad
    assert np.shares_memory(x.detach().data, x.data)


@pytest.mark.parametrize(
    ("tensor", "text"),
    [
        (Tensor([1, 2.5]), "Tensor([1. , 2.5])"),
        (Tensor(0.5), "Tensor(0.5)"),
        (Tensor([]), "Tensor([])"),
        (Tensor([1], np.float64), "Tensor([1.], dtype=float64)"),
        (Tensor([1], requires_grad=True), "Tensor([1.], requires_grad=True)"),
        (Tensor([1], requires_grad=True) * 2, "Tensor([2.], op=multiply)"),
        (Parameter([1]), "Parameter([1.])"),
        (Buffer([1]), "Buffer([1.])"),
        (Tensor([[1], [2]]), "Tensor([[1.],\n        [2.]])"),
    ],
)
def test_repr(tensor: Tensor, text: str) -> None:
    assert repr(tensor) == text


@pytest.mark.parametrize("bounds", [(1, -1), (0, 0), (np.nan, 1)])
def test_bounds_are_checked(bounds: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="low < high"):
        Parameter([0.0], bounds=bounds)


def test_a_parameter_can_be_copied() -> None:
    parameter = Parameter([0.5], bounds=(-1, 1), decay=False)
    twin = copy.deepcopy(parameter)
    twin.data[:] = 0
    assert parameter.data.tolist() == [0.5]
    assert (type(twin), twin.bounds, twin.decay) == (Parameter, (-1, 1), False)


class Tagged(Parameter):
    """A subclass as users write them: with attributes of its own."""

    __slots__ = ("__dict__", "tag")


@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_subclass_keeps_its_attributes(duplicate: Any) -> None:
    tensor = Tagged([0.5], bounds=(-1, 1), decay=False)
    tensor.tag, tensor.note = "slot", "dictionary"
    tensor.grad = Tensor([2.0])
    twin = duplicate(tensor)
    assert (type(twin), twin.bounds, twin.decay) == (Tagged, (-1, 1), False)
    assert (twin.tag, twin.note) == ("slot", "dictionary")
    assert (twin.data.tolist(), twin.grad.data.tolist()) == ([0.5], [2.0])
    assert twin.requires_grad
    assert weakref.ref(twin)() is twin


def test_a_copied_graph_is_differentiated_like_the_first() -> None:
    x = Tensor([3.0], requires_grad=True)
    for duplicate in (copy.deepcopy, lambda y: pickle.loads(pickle.dumps(y))):
        y = duplicate(x * x)
        twin = y.node.inputs[0]
        assert y.node.op is OPS["multiply"]
        y.backward()
        assert twin.grad.data.tolist() == [6]
    assert x.grad is None


def test_signatures_can_be_asked_for() -> None:
    # Not that of Tensor itself: an extension type has none.
    assert "decay" in inspect.signature(Parameter).parameters
    assert "create_graph" in inspect.signature(Tensor.backward).parameters
    assert "targets" not in inspect.signature(qnn.grad).parameters
    assert Tensor.__doc__.startswith("An n-dimensional array")
    assert Tensor.backward.__doc__.startswith("Add the derivative")
    assert Tensor.shape.__doc__ == "Length of each axis."


# Names


@pytest.mark.parametrize(
    "name",
    ["Tensor", "Parameter", "no_grad", "grad", "trace", "summary", "fit", "MLP", "Sequential"],
)
def test_public_names(name: str) -> None:
    assert name in qnn.__all__
    assert hasattr(qnn, name)


def test_all_public_names_exist() -> None:
    modules = (qnn, qnn.ops, qnn.nn, qnn.optim, __import__("qnn_core.testing").testing)
    missing = [f"{m.__name__}.{n}" for m in modules for n in m.__all__ if not hasattr(m, n)]
    assert missing == []


def test_a_tensor_made_of_tensors_is_refused() -> None:
    with pytest.raises(DtypeError, match="concatenate"):
        Tensor([Tensor([1.0]), Tensor([2.0])])


def test_shapes_and_axes_come_in_numpys_ways() -> None:
    x = Tensor(np.zeros((2, 3)))
    assert x.transpose((1, 0)).shape == x.transpose(1, 0).shape == x.transpose().shape == (3, 2)
    assert ops.reshape(x, np.int64(6)).shape == x.reshape(np.int64(6)).shape == (6,)
