"""ArrayDataset: whole batches, subsets, splits, and what it refuses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_data import ArrayDataset


def make(count: int = 10) -> ArrayDataset:
    return ArrayDataset(
        np.arange(count * 2).reshape(count, 2), np.arange(count) % 3, lambda x: x + 0.5
    )


@pytest.mark.parametrize(
    "index",
    [
        slice(2, 7, 2),
        [1, 4],
        np.array([9, -1, 0], np.int32),
        np.arange(10) > 6,
        np.array([1], np.uint64),
        [],
    ],
)
def test_a_batch_is_what_numpy_selects(index: object) -> None:
    data = make()
    index_array = index if isinstance(index, slice | np.ndarray) else np.array(index, int)
    x, y = data[index]  # type: ignore[index] # some of each kind
    np.testing.assert_array_equal(x, data.x[index_array] + 0.5)
    np.testing.assert_array_equal(y, data.y[index_array])
    assert y.dtype == np.int64


@pytest.mark.parametrize("index", [3, -1, np.int8(3)])
def test_an_integer_gives_one_sample(index: int) -> None:
    data = make()
    x, y = data[index]
    np.testing.assert_array_equal(x, data.x[index] + 0.5)
    assert y == data.y[index]
    assert isinstance(y, np.int64)


@pytest.mark.parametrize("index", [10, -11, [0, 10], 1.0, "1", [[0]], [True], np.zeros(2), None])
def test_indices_that_are_refused(index: object) -> None:
    with pytest.raises(IndexError):
        make()[index]  # type: ignore[index] # what is refused


def test_names() -> None:
    data = make()
    assert data.images is data.x
    assert data.labels is data.y
    assert data.classes == ("0", "1", "2")
    assert repr(data) == "ArrayDataset(10 samples, x=int64 (2,), 3 classes)"


def test_subset_keeps_transform_and_classes() -> None:
    data = make().subset([0, 3])
    assert data.classes == ("0", "1", "2")
    np.testing.assert_array_equal(data[:][0], [[0.5, 1.5], [6.5, 7.5]])
    assert np.shares_memory(make().x, make().x) is False
    whole = make()
    assert np.shares_memory(whole.subset(slice(2, 5)).x, whole.x)


@given(count=st.integers(2, 50), seed=st.integers(0, 2**70), draw=st.data())
def test_split_parts_the_samples(count: int, seed: int, draw: st.DataObject) -> None:
    n = draw.draw(st.integers(1, count - 1))
    rest, taken = make(count).split(n, seed)
    assert len(taken) == n
    both = np.concatenate([rest.x[:, 0], taken.x[:, 0]])
    assert sorted(both.tolist()) == list(range(0, 2 * count, 2))
    np.testing.assert_array_equal(make(count).split(n, seed)[1].x, taken.x)


def test_split_depends_on_the_seed() -> None:
    assert make(100).split(50, 0)[1].x.tolist() != make(100).split(50, 1)[1].x.tolist()


@pytest.mark.parametrize(
    ("x", "y", "error", "match"),
    [
        ([], [], ValueError, "no samples"),
        (np.zeros((0, 3)), np.zeros(0, int), ValueError, "no samples"),
        (np.zeros((3, 2)), [0, 1], ValueError, "3 samples, but 2 labels"),
        (np.zeros((2, 2)), [0.0, 1.0], TypeError, "whole numbers from 0, not float64"),
        (np.zeros((2, 2)), [True, False], TypeError, "not bool"),
        (np.zeros((2, 2)), ["a", "b"], TypeError, "not <U1"),
        (np.zeros((2, 2)), [[0, 1], [1, 0]], TypeError, r"shape is \(2, 2\)"),
        (np.zeros((2, 2)), [0, -1], ValueError, "it has -1"),
        (np.zeros((2, 2)), [0, 10**9], ValueError, "label 1000000000: is it a class"),
        (np.zeros((2, 2)), np.array([0, 2**64 - 1], np.uint64), ValueError, "it has 184467"),
        (3.0, [0], TypeError, "first axis"),
        (["a"], [0], TypeError, "numbers, not <U1"),
        ([[1.0], [np.nan], [np.inf]], [0, 0, 0], ValueError, "2 values .* first in sample 1"),
    ],
)
def test_data_that_are_refused(x: object, y: object, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        ArrayDataset(x, y)  # type: ignore[arg-type] # what is refused


def test_other_refusals() -> None:
    with pytest.raises(ValueError, match="label 2, but there are 2 classes"):
        ArrayDataset([[0]], [2], classes=["a", "b"])
    with pytest.raises(TypeError, match="a transform is a function"):
        ArrayDataset([[0]], [0], "flatten")  # type: ignore[arg-type] # what is refused
    with pytest.raises(ValueError, match="no samples"):
        make().subset([])
    for n in (0, 10, -1):
        with pytest.raises(ValueError, match="n must be from 1 to 9"):
            make().split(n)
