"""NumPy's functions on tensors: operations, arrays where nothing is lost, or a clear refusal."""

from typing import Any

import numpy as np
import pytest
import qnn_core
from qnn_core import Parameter, Tensor, no_grad
from qnn_core.autodiff.table import INSTEAD
from qnn_core.errors import GraphError
from qnn_core.testing import check_op

RNG = np.random.default_rng(3)
A, B, V = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2)), RNG.normal(size=4)
S, C = RNG.normal(size=(3, 3)), RNG.normal(size=(2, 3, 4))

# What is an operation, and on which arrays.
FUNCTIONS: list[tuple[Any, tuple[Any, ...]]] = [
    (np.sum, (A,)),
    (lambda x: np.sum(x, axis=1, keepdims=True), (A,)),
    (lambda x: np.mean(x, axis=(0, 2)), (C,)),
    (lambda x: np.max(x, axis=0), (A,)),
    (np.amin, (A,)),
    (np.ptp, (A,)),
    (lambda x: np.var(x, axis=1, ddof=1), (A,)),
    (lambda x: np.std(x, 0), (A,)),
    (np.average, (A,)),
    (lambda x, w: np.average(x, axis=0, weights=w), (A, A * A + 1)),
    (np.linalg.norm, (A,)),
    (lambda x: np.linalg.norm(x, axis=1), (A,)),
    (lambda x: np.linalg.norm(x, 1), (V,)),
    (lambda x: np.linalg.norm(x, np.inf), (V,)),
    (lambda x: np.reshape(x, (2, -1)), (A,)),
    (np.ravel, (C,)),
    (lambda x: np.transpose(x, (1, 2, 0)), (C,)),
    (lambda x: np.swapaxes(x, 0, -1), (C,)),
    (lambda x: np.moveaxis(x, (0, 1), (-1, 0)), (C,)),
    (lambda x: np.squeeze(x[:1], 0), (C,)),
    (lambda x: np.expand_dims(x, (0, -1)), (A,)),
    (lambda x: np.broadcast_to(x, (3, 4)), (V,)),
    (lambda x: np.flip(x, 1), (A,)),
    (lambda x: np.take(x, [2, 0, 2], axis=1), (A,)),
    (lambda x: np.trace(x, 1), (S,)),
    (lambda x: np.diagonal(x, -1, 1, 2), (C,)),
    (np.diag, (V,)),
    (lambda x: np.diag(x, 1), (S,)),
    (np.tril, (S,)),
    (lambda x: np.triu(x, 1), (S,)),
    (lambda x, y: np.concatenate([x, y], axis=1), (A, A * 2)),
    (lambda x, y: np.concatenate([x, y], axis=None), (A, V)),
    (lambda x, y: np.stack([x, y], axis=-1), (A, A * 2)),
    (lambda x, y: np.hstack([x, y]), (A, S)),
    (lambda x, y: np.vstack([x, y]), (A, V)),
    (lambda x: np.split(x, 2, axis=1)[1], (A,)),
    (lambda x: np.array_split(x, 3)[0], (V,)),
    (lambda x, y: np.where(A > 0, x, y), (A, V)),
    (lambda x: np.clip(x, -0.3, 0.4), (A,)),
    (lambda x, y: np.clip(x, y, None), (A, V)),
    (np.maximum, (A, V)),
    (np.minimum, (V, A)),
    (np.square, (A,)),
    (np.reciprocal, (A,)),
    (np.dot, (A, B)),
    (np.dot, (C, RNG.normal(size=(5, 4, 2)))),
    (np.inner, (A, V)),
    (np.inner, (C, A)),
    (np.vdot, (A, A * A)),
    (np.outer, (V, A)),
    (lambda x, y: np.tensordot(x, y, axes=1), (C, B)),
    (lambda x, y: np.tensordot(x, y, axes=([0, 2], [1, 0])), (C, RNG.normal(size=(4, 2, 5)))),
    (lambda x, y: np.einsum("ij,jk->ki", x, y), (A, B)),
    (lambda x: np.einsum("ii", x), (S,)),
    (lambda x: np.einsum("iij->j", x), (RNG.normal(size=(3, 3, 2)),)),
    (lambda x, y, z: np.einsum("bij,bjk,k->bi", x, y, z), (C, RNG.normal(size=(2, 4, 3)), S[0])),
    (lambda x, y: np.einsum("i,j", x, y), (V, S[0])),
    (lambda x: np.add.reduce(x, axis=1), (A,)),
    (np.maximum.reduce, (A,)),
    (lambda x: np.atleast_1d(np.sum(x)), (A,)),
    (lambda x, y: np.concatenate(np.atleast_2d(x, y)), (A, V)),
    (np.append, (A, V)),
    (lambda x, y: np.append(x, y, 1), (A, A * 2)),
    (lambda x, y: np.column_stack([x, y]), (S, A)),
    (lambda x: np.column_stack([x[0], x[1]]), (A,)),
    (lambda x: np.roll(x, 3), (A,)),
    (lambda x: np.roll(x, (1, -2), (0, 1)), (A,)),
    (lambda x: np.repeat(x, 2), (A,)),
    (lambda x: np.repeat(x, [1, 0, 2], axis=0), (A,)),
    (lambda x: np.tile(x, (2, 1, 3)), (A,)),
    (lambda x: np.tile(x, 2), (C,)),
    (np.fliplr, (A,)),
    (np.flipud, (A,)),
    (lambda x: np.diff(x, 2), (A,)),
    (lambda x: np.diff(x, axis=0), (A,)),
    (np.sort, (A,)),
    (lambda x: np.sort(x, axis=None), (A,)),
    (lambda x: np.sort(x, axis=1), (C,)),
    (np.median, (A,)),
    (lambda x: np.median(x, axis=0), (A,)),
    (lambda x: np.take_along_axis(x, np.argsort(A, axis=0), axis=0), (A,)),
]


@pytest.mark.parametrize(("function", "arrays"), FUNCTIONS)
def test_what_has_an_operation_is_one(function: Any, arrays: tuple[Any, ...]) -> None:
    made = function(*(Tensor(a, np.float64, requires_grad=True) for a in arrays))
    assert isinstance(made, Tensor)
    assert made.requires_grad
    np.testing.assert_allclose(made.data, function(*arrays), rtol=1e-12)
    check_op(function, *arrays, order=1)


def test_a_term_that_numpy_computes_counts() -> None:
    w = Parameter([3.0, 4.0])
    ((w * 1.0).sum() + np.linalg.norm(w)).backward()
    np.testing.assert_allclose(w.grad.data, [1.6, 1.8], rtol=1e-6)


LOSING = [
    np.prod,
    np.cumsum,
    np.asarray,
    lambda x: np.array([x, x]),
    lambda x: np.sum(x, dtype=np.float64),
    lambda x: np.mean(x, where=np.array([True, False])),
    lambda x: np.exp(x, out=np.empty(2, np.float32)),
    lambda x: np.add(x, 1, where=[True, False]),
    lambda x: np.add(np.ones(2), x, out=np.ones(2)),
    np.multiply.accumulate,
    lambda x: np.add.outer(x, np.ones(2)),
    lambda x: np.linalg.norm(x, 3),
    lambda x: np.copyto(np.ones(2), x),
    lambda x: np.fill_diagonal(x, 0),
    np.log1p,
    lambda x: np.median(x, overwrite_input=True),
    lambda x: np.percentile(x, 50),
    lambda x: x.numpy(),
    lambda x: x.__dlpack__(),
    np.from_dlpack,
]


@pytest.mark.parametrize("call", LOSING)
def test_what_would_lose_the_gradient_is_refused(call: Any) -> None:
    with pytest.raises(GraphError, match=r"requires a gradient, which would be lost.*no_grad\(\)"):
        call(Tensor([1.0, 2.0], requires_grad=True))


def test_the_refusal_names_the_function() -> None:
    with pytest.raises(GraphError, match=r"^np\.percentile: .*qnn_core\.ops.*\.data"):
        np.percentile(Parameter([1.0, 2.0]), 50)


INSTEAD_OF = {
    "np.log1p": np.log1p,
    "np.expm1": np.expm1,
    "np.log2": np.log2,
    "np.log10": np.log10,
    "np.exp2": np.exp2,
    "np.cbrt": np.cbrt,
    "np.tan": np.tan,
    "np.sinh": np.sinh,
    "np.cosh": np.cosh,
    "np.nansum": np.nansum,
    "np.nan_to_num": np.nan_to_num,
    "np.float_power": np.float_power,
    "np.hypot": np.hypot,
    "np.logaddexp": np.logaddexp,
}


@pytest.mark.parametrize("name", INSTEAD_OF)
def test_what_the_refusal_says_instead_is_the_same(name: str) -> None:
    function = INSTEAD_OF[name]
    two = name in ("np.float_power", "np.hypot", "np.logaddexp")
    given = [np.array([0.3, 2.5]), np.array([1.2, 0.4])][: 1 + two]
    tensors = [Tensor(a, np.float64, requires_grad=True) for a in given]
    with pytest.raises(GraphError) as refused:
        function(*tensors)
    assert f"Use {INSTEAD[name]}, take" in str(refused.value)
    scope = {"np": np, "qnn_core": qnn_core, **dict(zip("xy", tensors, strict=False))}
    found = eval(INSTEAD[name], scope)
    assert found.requires_grad
    np.testing.assert_allclose(found.data, function(*given), rtol=1e-12)


@pytest.mark.parametrize("call", LOSING[:4])
def test_where_none_is_lost_it_is_as_on_the_array(call: Any) -> None:
    for tensor in (Tensor([1.0, 2.0]), Parameter([1.0, 2.0])):
        with no_grad():
            np.testing.assert_array_equal(call(tensor), call(np.float32([1, 2])))


@pytest.mark.parametrize(
    "call",
    [
        np.isnan,
        np.floor,
        np.sign,
        np.argmax,
        np.argsort,
        np.shape,
        np.size,
        np.ndim,
        np.zeros_like,
        np.round,
        lambda x: np.allclose(x, x),
        lambda x: x > 1,
        np.count_nonzero,
        np.array_repr,
    ],
)
def test_what_has_no_derivative_gives_arrays(call: Any) -> None:
    x = Parameter([1.5, np.nan, -2.0])
    found, expected = call(x), call(x.data)
    assert type(found) is type(expected)
    np.testing.assert_equal(found, expected)


def test_arrays_are_written_to_where_nothing_is_lost() -> None:
    array = np.ones(2)
    array += Tensor([1.0, 2.0])
    assert array.tolist() == [2, 3]
    with pytest.raises(GraphError, match="lost"):
        array += Parameter([1.0, 2.0])
    assert array.tolist() == [2, 3]
    out = Tensor([0.0, 0.0])
    assert np.add(Tensor([1.0, 2.0]), 1, out=out) is out
    assert out.data.tolist() == [2, 3]


def test_copies_and_views() -> None:
    x = Tensor([1.0, 2.0])
    assert np.asarray(x, copy=False) is x.data
    assert not np.shares_memory(np.asarray(x, copy=True), x.data)
    assert np.asarray(x, np.float64).dtype == np.float64
    with pytest.raises(ValueError, match="copy"):
        np.asarray(x, np.float64, copy=False)


def test_dlpack_shares_the_data() -> None:
    x = Tensor([1.0, 2.0])
    other = np.from_dlpack(x)
    assert np.shares_memory(other, x.data)
    assert x.__dlpack_device__() == x.data.__dlpack_device__()
    assert (float(Tensor([2.5])), int(Tensor([2.5]))) == (2.5, 2)


# Derivatives at points where a formula gives 0 * inf: as PyTorch has them


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(
    ("base", "exponent", "db", "de"),
    [
        (0, 2, 0, 0),
        (0, 0, 0, 0),
        (0, 1, 1, 0),
        (0, 0.5, np.inf, 0),
        (0, -1, -np.inf, -np.inf),
        (2, 0, 0, np.log(2)),
        (3, 2, 6, 9 * np.log(3)),
        (-2, 3, 12, np.nan),
    ],
)
def test_powers_of_zero(base: float, exponent: float, db: float, de: float) -> None:
    for shape in ((), (2,)):
        b, e = (Parameter(np.full(shape, v), np.float64) for v in (base, exponent))
        (b**e).sum().backward()
        np.testing.assert_allclose(b.grad.data, np.full(shape, db), rtol=1e-12)
        np.testing.assert_allclose(e.grad.data, np.full(shape, de), rtol=1e-12)
    alone = Parameter(base, np.float64)
    (alone**exponent).backward()
    np.testing.assert_allclose(alone.grad.data, db)


@pytest.mark.parametrize(("base", "exponent"), [(0, 2), (0, 0), (0, 3), (2, 0)])
def test_second_derivatives_of_powers_of_zero_are_finite(base: float, exponent: float) -> None:
    b, e = Parameter(base, np.float64), Parameter(exponent, np.float64)
    (b**e).backward(create_graph=True)
    first = b.grad + e.grad
    b.grad = e.grad = None
    first.backward()
    assert np.isfinite(b.grad.data)
    assert np.isfinite(e.grad.data)
    if base == 0:
        assert b.grad.item() == (2 if exponent == 2 else 0)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_an_infinite_gradient_stays_where_it_belongs() -> None:
    x = Parameter([-1.0, 4.0])
    np.sqrt(np.clip(x, 0, None)).sum().backward()
    assert x.grad.data.tolist() == [0, 0.25]
    x.grad = None
    np.sqrt(np.maximum(x, 0)).sum().backward()
    assert x.grad.data.tolist() == [0, 0.25]
    y = Parameter([0.0, -1.0])
    np.sqrt(np.max(y)).backward()
    assert y.grad.data.tolist() == [np.inf, 0]


def test_a_norm_at_zero_has_the_derivative_zero() -> None:
    x = Parameter([[0.0, 0.0], [3.0, 4.0]])
    np.linalg.norm(x, axis=1).sum().backward()
    np.testing.assert_allclose(x.grad.data, [[0, 0], [0.6, 0.8]], rtol=1e-6)
    x.grad = None
    np.std(x, axis=1).sum().backward()
    assert np.all(np.isfinite(x.grad.data))
