"""Augment: what moves where, the same everywhere, and never what should stay as it is."""

import hashlib
from typing import Any

import numpy as np
import pytest
import reference_augment as reference
from hypothesis import given
from hypothesis import strategies as st
from qnn_data import ArrayDataset, Augment, DataLoader, MNISTMini, _kernels

sizes = st.integers(1, 70)
dtypes = st.sampled_from([np.uint8, np.float32])
PATHS = [False, True] if _kernels.augment.wide() else [False]


def images(*shape: int, dtype: Any = np.uint8) -> np.ndarray:
    return np.random.default_rng(shape).integers(0, 256, shape).astype(dtype)


def move(x: np.ndarray, *amounts: float, fill: float = 0) -> np.ndarray:
    """Move each image by (down, right, degrees, factor)."""
    return Augment(fill=fill).move(x, [amounts] * len(x))


def shifted(x: np.ndarray, down: int, right: int, fill: int) -> np.ndarray:
    out = np.full_like(x, fill)
    h, w = x.shape[1:3]
    for i in range(h):
        for j in range(w):
            if 0 <= i - down < h and 0 <= j - right < w:
                out[:, i, j] = x[:, i - down, j - right]
    return out


@pytest.mark.parametrize("avx2", PATHS)
@given(
    size=st.tuples(st.integers(1, 3), sizes, sizes, st.integers(1, 4)),
    dtype=dtypes,
    fill=st.integers(0, 255),
    seed=st.integers(0, 2**64 - 1),
)
def test_kernels_equal_the_reference(
    avx2: bool, size: tuple[int, int, int, int], dtype: Any, fill: int, seed: int
) -> None:
    n, height, width, channels = size
    x = images(n, height, width, channels, dtype=dtype)
    moves = np.empty((n, 4))
    amounts = (seed % 9 / 2, 3.0, 180.0, 0.75)
    samples = np.arange(n) * 2**40
    _kernels.augment.draw(samples, seed, *amounts, moves)
    np.testing.assert_array_equal(moves, reference.draw(samples.tolist(), seed, *amounts))
    out = np.empty_like(x)
    bordered = np.full((height + 3, width + 3, channels), fill, np.float32)
    seen = np.empty(height * width * channels, np.float32)
    _kernels.augment.warp(x, moves, bordered, seen, out, avx2)
    expected = reference.warp(x, moves, fill)
    np.testing.assert_array_equal(out.view(np.uint8), expected.view(np.uint8))


@given(degrees=st.floats(-180, 180))
def test_turns_are_turns(degrees: float) -> None:
    """The oracle's sine and cosine, which are the kernels', against the library's."""
    angle = np.deg2rad(degrees)
    np.testing.assert_allclose(reference.turn(degrees), (np.cos(angle), np.sin(angle)), atol=1e-12)


@given(height=sizes, width=sizes, dtype=dtypes)
def test_no_strength_no_change(height: int, width: int, dtype: Any) -> None:
    x = images(2, height, width, dtype=dtype)
    np.testing.assert_array_equal(Augment(fill=9)(x, np.arange(2), 5), x)


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    down=st.integers(-10, 10),
    right=st.integers(-10, 10),
    dtype=dtypes,
)
def test_whole_shifts_move_pixels(
    height: int, width: int, down: int, right: int, dtype: Any
) -> None:
    x = images(2, height, width, dtype=dtype)
    there = move(x, down, right, 0, 1, fill=7)
    np.testing.assert_array_equal(there, shifted(x, down, right, 7))
    back = move(there, -down, -right, 0, 1, fill=7)
    np.testing.assert_array_equal(back, shifted(shifted(x, down, right, 7), -down, -right, 7))


@pytest.mark.parametrize("quarters", [-2, -1, 1, 2])
@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 2, 2), (3, 7, 7), (3, 28, 28), (2, 65, 65, 3)])
def test_quarter_turns(quarters: int, shape: tuple[int, ...]) -> None:
    x = images(*shape)
    np.testing.assert_array_equal(
        move(x, 0, 0, 90 * quarters, 1), np.rot90(x, quarters, axes=(1, 2))
    )


def test_twice_the_size_shows_the_middle() -> None:
    x = images(1, 5, 5, dtype=np.float32)
    np.testing.assert_array_equal(move(x, 0, 0, 0, 2)[0, ::2, ::2], x[0, 1:4, 1:4])


def test_half_a_pixel_is_the_mean_rounded_up() -> None:
    np.testing.assert_array_equal(
        move(np.array([[[10, 21, 30]]], np.uint8), 0, 0.5, 0, 1), [[[5, 16, 26]]]
    )


def test_flat_images_have_a_shape() -> None:
    x = images(4, 6, 8, 3)
    shaped = Augment(2, 30, 0.2, shape=(6, 8, 3))
    out = shaped(x.reshape(4, -1), np.arange(4), 1)
    np.testing.assert_array_equal(out.reshape(x.shape), shaped(x, np.arange(4), 1))
    assert not np.array_equal(out.reshape(x.shape), x)


@pytest.mark.parametrize("shape", [(0, 28, 28), (2, 0, 3), (2, 3, 0), (0, 2, 2, 3)])
def test_nothing_in_nothing_out(shape: tuple[int, ...]) -> None:
    x = images(*shape)
    assert Augment(2, 30, 0.2)(x, np.arange(shape[0]), 0).shape == shape


def test_input_is_left_alone() -> None:
    x = images(2, 5, 5)
    before = x.copy()
    x.flags.writeable = False
    Augment(2, 30, 0.2)(x, np.arange(2), 0)
    np.testing.assert_array_equal(x, before)


def test_amounts_are_in_range_and_spread() -> None:
    draws = Augment((3, 1), 20, 0.25).draw(np.arange(20_000), 0)
    greatest = np.array([3, 1, 20, 0.25])
    spread = (draws - [0, 0, 0, 1]) / greatest
    assert np.abs(spread).max() <= 1
    assert np.abs(spread.mean(axis=0)).max() < 5 / np.sqrt(3 * 20_000)
    assert np.abs(spread.std(axis=0) - 1 / np.sqrt(3)).max() < 0.01
    assert np.abs(np.corrcoef(spread.T) - np.eye(4)).max() < 5 / np.sqrt(20_000)


def test_moves_differ_by_seed_epoch_and_sample() -> None:
    moves = [Augment(1, seed=s).draw(np.arange(5), e)[:, 0] for s in range(3) for e in range(3)]
    assert len(np.unique(moves)) == 45


def test_images_are_the_same_on_every_machine() -> None:
    """The digest was computed once; the reference says the same on any processor."""
    x = MNISTMini(train=False, transform=None).images[:50]
    out = Augment(2, 10, 0.1, seed=3)(x, np.arange(50), 4)
    assert hashlib.sha256(out.tobytes()).hexdigest() == (
        "7da8a5e20dc34af22d317f2e23331b2d8997f6a6d2ce5f82dbfb7311ef0a5d7d"
    )


def batches(loader: DataLoader, epoch: int = 3) -> tuple[np.ndarray, np.ndarray]:
    loader.set_epoch(epoch)
    x, y = zip(*loader, strict=True)
    return np.concatenate(x), np.concatenate(y)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("prefetch", [0, 1, 3])
@pytest.mark.parametrize("size", [1, 7, 60])
def test_a_samples_image_is_no_matter_of_batches(shuffle: bool, prefetch: int, size: int) -> None:
    data = MNISTMini().subset(slice(0, 60))
    augment = Augment(2, 10, 0.1, seed=1)
    x, y = batches(DataLoader(data, size, shuffle, augment=augment, prefetch=prefetch))
    whole, labels = batches(DataLoader(data, 60, shuffle, augment=augment))
    np.testing.assert_array_equal(x, whole)
    np.testing.assert_array_equal(y, labels)
    if not shuffle:
        by_hand = data.transform(augment(data.x, np.arange(60), 3))  # type: ignore[misc] # it has one
        np.testing.assert_array_equal(x, by_hand)
        np.testing.assert_array_equal(y, data.y)


def test_only_the_loader_that_is_told_augments() -> None:
    train, held_out = MNISTMini().split(50)
    before = train.x.copy()
    batches(DataLoader(train, 100, augment=Augment(2, 10, 0.1)))
    np.testing.assert_array_equal(train.x, before)
    np.testing.assert_array_equal(batches(DataLoader(held_out, 7))[0], held_out[:][0])


class Other:
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        return np.zeros((3, 2, 2))[index], np.zeros(3)[index]


@pytest.mark.parametrize(
    ("dataset", "augment", "error", "match"),
    [
        (Other(), Augment(), TypeError, "needs the samples before their transform"),
        (MNISTMini(), "shift", TypeError, "augment must be an Augment or None, not 'shift'"),
        (MNISTMini(), Augment(fill=0.5), ValueError, r"a whole number 0..255, not 0.5"),
        (MNISTMini(), Augment(shape=(28, 27)), ValueError, r"not have the shape \(28, 27\)"),
        (ArrayDataset(np.zeros((3, 4)), [0] * 3), Augment(), TypeError, "not float64"),
        (ArrayDataset(images(3, 4), [0] * 3), Augment(), ValueError, "give the shape of an image"),
    ],
)
def test_loaders_that_are_refused(
    dataset: Any, augment: Any, error: type[Exception], match: str
) -> None:
    with pytest.raises(error, match=match):
        DataLoader(dataset, 1, augment=augment)


@pytest.mark.parametrize(
    ("arguments", "error", "match"),
    [
        ({"shift": -1}, ValueError, "shift must be from 0 to .*, not -1"),
        ({"shift": (1, 2, 3)}, ValueError, r"a number or \(down, right\)"),
        ({"shift": "2"}, TypeError, "shift must be a number, not '2'"),
        ({"rotation": 181}, ValueError, "rotation must be from 0 to 180, not 181"),
        ({"rotation": float("nan")}, ValueError, "rotation must be"),
        ({"scale": 1}, ValueError, "scale must be below 1"),
        ({"scale": True}, TypeError, "scale must be a number, not True"),
        ({"fill": float("inf")}, ValueError, "fill must be finite"),
        ({"seed": -1}, ValueError, "seed must be 0 or more"),
        ({"shape": (28,)}, ValueError, "shape must be"),
        ({"shape": (28, 0)}, ValueError, "shape must be 1 or more, not 0"),
    ],
)
def test_bad_arguments(arguments: dict[str, Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        Augment(**arguments)


@pytest.mark.parametrize(
    "moves", [[[0, 0, 0, 0]], [[0, 0, 0, -1]], [[np.nan, 0, 0, 1]], [[0, 0, 1]], [[0, 0, 0, 1]] * 2]
)
def test_bad_moves(moves: Any) -> None:
    with pytest.raises(ValueError, match="moves must"):
        Augment().move(images(1, 2, 2), moves)


def test_repr() -> None:
    assert repr(Augment(2, 10, 0.1)) == (
        "Augment(shift=(2.0, 2.0), rotation=10.0, scale=0.1, fill=0.0, seed=0)"
    )
    assert repr(Augment(shape=(2, 3))).endswith("shape=(2, 3))")
    assert "augment=Augment(" in repr(DataLoader(MNISTMini(), 1, augment=Augment()))
