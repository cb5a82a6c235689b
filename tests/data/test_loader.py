"""DataLoader: every sample once per epoch, in an order that is a function of (seed, epoch)."""

import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_data import ArrayDataset, DataLoader

counts = st.integers(1, 60)
sizes = st.integers(1, 70)
seeds = st.integers(0, 2**70)


def make(count: int) -> ArrayDataset:
    return ArrayDataset(np.arange(count).reshape(count, 1), np.arange(count) % 7)


def order(loader: DataLoader) -> list[int]:
    return [int(value) for x, _ in loader for value in x[:, 0]]


@given(count=counts, size=sizes, seed=seeds, shuffle=st.booleans())
def test_every_sample_once_per_epoch(count: int, size: int, seed: int, shuffle: bool) -> None:
    loader = DataLoader(make(count), size, shuffle, seed)
    for _ in range(2):
        assert sorted(order(loader)) == list(range(count))


@given(count=counts, size=sizes, shuffle=st.booleans(), drop_last=st.booleans())
def test_batch_shapes(count: int, size: int, shuffle: bool, drop_last: bool) -> None:
    if drop_last and size > count:
        with pytest.raises(ValueError, match="drop_last leaves no batch"):
            DataLoader(make(count), size, shuffle, drop_last=True)
        return
    loader = DataLoader(make(count), size, shuffle, drop_last=drop_last)
    lengths = [len(x) for x, _ in loader]
    assert len(lengths) == len(loader)
    assert set(lengths[:-1]) <= {size}
    assert sum(lengths) == (count // size * size if drop_last else count)
    assert all(len(x) == len(y) for x, y in loader)


@given(count=counts, seed=seeds, epoch=st.integers(0, 2**40), size=sizes)
def test_order_is_a_function_of_seed_and_epoch(
    count: int, seed: int, epoch: int, size: int
) -> None:
    a = DataLoader(make(count), size, shuffle=True, seed=seed)
    b = DataLoader(make(count), 1, shuffle=True, seed=seed)
    order(b)
    a.set_epoch(epoch)
    b.set_epoch(epoch)
    assert order(a) == order(b)
    assert order(a) == order(b)  # and of the epoch after


def test_epochs_go_on_and_differ() -> None:
    loader = DataLoader(make(50), 7, shuffle=True, seed=3)
    epochs = [order(loader) for _ in range(3)]
    assert len({tuple(epoch) for epoch in epochs}) == 3
    loader.set_epoch(1)
    assert loader.epoch == 1
    assert order(loader) == epochs[1]
    assert order(loader) == epochs[2]


def test_an_unfinished_epoch_counts() -> None:
    whole, cut = (DataLoader(make(50), 7, shuffle=True) for _ in range(2))
    order(whole)
    next(iter(cut))
    assert order(whole) == order(cut)
    iter(cut)  # also one that gave no batch
    order(whole)
    assert order(whole) == order(cut)


def test_two_iterations_at_once_keep_their_orders() -> None:
    loader = DataLoader(make(20), 5, shuffle=True)
    alone = [[x.tolist() for x, _ in loader] for _ in range(2)]
    loader.set_epoch(0)
    first, second = iter(loader), iter(loader)
    both = [(a.tolist(), b.tolist()) for (a, _), (b, _) in zip(first, second, strict=True)]
    assert [list(batches) for batches in zip(*both, strict=True)] == alone


def test_seeds_differ() -> None:
    assert order(DataLoader(make(50), 9, True, 0)) != order(DataLoader(make(50), 9, True, 1))


def test_order_is_the_same_on_every_machine() -> None:
    """The digest was computed once, and holds for every version of NumPy."""
    loader = DataLoader(make(1000), 100, shuffle=True, seed=12)
    loader.set_epoch(34)
    digest = hashlib.sha256(repr(order(loader)).encode()).hexdigest()
    assert digest == "db54f9b5e1c5ff41a65a0450f460405c936dae3f4f294fc039ece61268f22ecc"


def test_samples_and_labels_stay_together() -> None:
    for x, y in DataLoader(make(50), 8, shuffle=True):
        np.testing.assert_array_equal(x[:, 0] % 7, y)


def test_positions_are_uniform() -> None:
    """Each sample's mean position over many epochs is within 5 standard errors of the middle."""
    loader = DataLoader(make(16), 16, shuffle=True)
    positions = np.array([np.argsort(order(loader)) for _ in range(2000)])
    error = np.sqrt((16**2 - 1) / 12 / 2000)
    assert np.abs(positions.mean(axis=0) - 7.5).max() < 5 * error


def test_attributes() -> None:
    data = make(5)
    loader = DataLoader(data, np.int32(2))  # type: ignore[arg-type] # NumPy's will do
    assert loader.dataset is data
    assert loader.batch_size == 2
    assert "batch_size=2, shuffle=False, seed=0, drop_last=False" in repr(loader)


class Nothing:
    def __len__(self) -> int:
        return 0

    def __getitem__(self, index: object) -> tuple[np.ndarray, np.ndarray]:
        raise IndexError


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"batch_size": 0}, ValueError, "batch_size must be 1 or more, not 0"),
        ({"batch_size": -1}, ValueError, "batch_size"),
        ({"batch_size": 1.0}, TypeError, "batch_size must be an integer, not 1.0"),
        ({"batch_size": True}, TypeError, "batch_size must be an integer, not True"),
        ({"batch_size": "8"}, TypeError, "batch_size must be an integer"),
        ({"batch_size": 1, "seed": -1}, ValueError, "seed must be 0 or more"),
        ({"batch_size": 1, "seed": None}, TypeError, "seed must be an integer, not None"),
        ({"batch_size": 1, "dataset": Nothing()}, ValueError, "the data set is empty"),
    ],
)
def test_bad_arguments(arguments: dict[str, object], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        DataLoader(**({"dataset": make(5)} | arguments))  # type: ignore[arg-type] # what is refused


@pytest.mark.parametrize(("epoch", "error"), [(-1, ValueError), (0.5, TypeError)])
def test_bad_epochs(epoch: int, error: type[Exception]) -> None:
    with pytest.raises(error, match="epoch must be"):
        DataLoader(make(5), 1).set_epoch(epoch)


# Arrays in place of a data set

X, Y = np.arange(2000.0).reshape(1000, 2), np.arange(1000) * 0.5


def test_two_arrays_are_cut_into_batches() -> None:
    loader = DataLoader((X, Y), batch_size=32)
    batches = list(loader)
    assert len(loader) == len(batches) == 32
    assert [len(x) for x, _ in batches] == [32] * 31 + [8]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), X)
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), Y)
    assert len(DataLoader((X, Y), 32, drop_last=True)) == 31


@pytest.mark.parametrize("prefetch", [0, 2])
def test_shuffled_arrays_stay_together(prefetch: int) -> None:
    weights = Y + 1
    loader = DataLoader((X, Y, weights), batch_size=32, shuffle=True, seed=3, prefetch=prefetch)
    x, y, w = (np.concatenate(part) for part in zip(*loader, strict=True))
    np.testing.assert_array_equal(x[:, 0] / 4, y)
    np.testing.assert_array_equal(w, y + 1)
    assert not np.array_equal(y, Y)
    np.testing.assert_array_equal(np.sort(y), Y)


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_frames_are_arrays(library: str) -> None:
    frames = pytest.importorskip(library, reason="of the test group")
    table = frames.DataFrame({"a": X[:, 0], "b": X[:, 1], "y": np.arange(1000)})
    loader = DataLoader((table[["a", "b"]], table["y"]), batch_size=300)
    x, y = next(iter(loader))
    np.testing.assert_array_equal(x, X[:300])
    assert (y.dtype, y[-1]) == (np.int64, 299)


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ((X, Y[:5]), ValueError, "1,000 in x, 5 in y"),
        ((X,), TypeError, "these are 1"),
        ((X, Y, Y, Y), TypeError, "these are 4"),
        ((X, np.full(1000, "a")), TypeError, "y holds numbers, not <U1"),
        ((X, 3), TypeError, "y needs a first axis"),
        ((X[:0], Y[:0]), ValueError, "the data set is empty"),
        ([X, Y], TypeError, "not a list"),
        (iter(X), TypeError, "arrays .x, y., or give its length"),
    ],
)
def test_what_is_no_data_set(data: object, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        DataLoader(data, batch_size=32)
