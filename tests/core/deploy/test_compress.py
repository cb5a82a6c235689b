"""Arrays and bytes in few bytes: the same again, and never more than allowed."""

import zlib

import hypothesis.extra.numpy as arrays
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.deploy.file.archive import DTYPES, archived, extracted
from qnn_core.deploy.file.compress import (
    MOST_EFFORT,
    MOST_TIMES,
    deflated,
    from_bytes,
    inflated,
    to_bytes,
)
from qnn_core.errors import FileError

ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays.arrays(dtype, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0))
)


@given(ARRAYS)
def test_arrays_are_the_same_again_to_the_bit(array: np.ndarray) -> None:
    again = from_bytes(to_bytes(array), array.dtype, array.shape)
    assert (again.dtype, again.shape) == (array.dtype, array.shape)
    assert again.tobytes() == array.tobytes()
    assert again.flags.writeable


@pytest.mark.parametrize("dtype", ["f4", "i2", "i4"])
def test_the_layout_in_memory_does_not_matter(dtype: str) -> None:
    array = np.arange(60).reshape(5, 12).astype(dtype)
    columns = np.asfortranarray(array)
    big = array.astype(array.dtype.newbyteorder(">"))
    apart = array.repeat(2, axis=1)[:, ::2]
    assert to_bytes(array) == to_bytes(columns) == to_bytes(big) == to_bytes(apart)
    before = array.copy()
    to_bytes(array)
    np.testing.assert_array_equal(array, before)


def test_thresholds_that_are_nearly_even_take_few_bytes() -> None:
    rng = np.random.default_rng(0)
    first, step = rng.integers(-9000, 9000, 96), rng.integers(100, 999, 96)
    even = first + np.arange(7)[:, None] * step + rng.integers(0, 2, (7, 96))
    assert len(to_bytes(even.astype(np.int16))) < 0.6 * 2 * 7 * 96


def test_ends_of_the_range_wrap_around() -> None:
    ends = np.array([[-(2**15)], [2**15 - 1], [-(2**15)], [0]], np.int16)
    np.testing.assert_array_equal(from_bytes(to_bytes(ends), ends.dtype, ends.shape), ends)


@given(st.binary(max_size=400), st.integers(1, 300))
def test_bytes_are_the_same_again(part: bytes, times: int) -> None:
    raw = part * times
    stored = deflated(raw)
    assert inflated(stored, len(raw)) == raw
    assert len(raw) <= max(len(stored), MOST_TIMES * len(stored))
    assert len(stored) <= len(raw)


@pytest.mark.parametrize("size", [1000, 4096, 4097, 10**5, 2**20, MOST_EFFORT, MOST_EFFORT + 1])
def test_what_shrinks_too_much_takes_a_64th(size: int) -> None:
    stored = deflated(bytes(size))
    assert len(stored) == max(len(zlib.compress(bytes(size), 9)), -(-size // 64))
    assert inflated(stored, size) == bytes(size)


def test_no_less_to_say_takes_more_bytes() -> None:
    sizes = []
    for share in (0.1, 0.05, 0.01, 0.002, 0.0005, 0.0):
        weights = np.random.default_rng(0).random((1024, 1024)) < share
        sizes.append(len(to_bytes(np.packbits(weights))))
    assert sizes == sorted(sizes, reverse=True)
    even = np.arange(255)[:, None] * 37 + np.arange(1000) % 50
    assert len(to_bytes(even.astype(np.int16))) == -(-2 * even.size // 64)


@pytest.mark.parametrize(
    ("stored", "nbytes"),
    [
        (zlib.compress(bytes(2**20), 9), 2**20),
        (deflated(bytes(2**20))[:-1], 2**20),
        (deflated(bytes(2**20)) + bytes(1), 2**20),
        (deflated(bytes(2**20))[:-1] + b"x", 2**20),
        (zlib.compress(bytes(range(200)) * 3, 9) + bytes(1), 600),
        (zlib.compress(bytes(range(200)) * 3, 9), 599),
        (zlib.compress(bytes(range(200)) * 3, 9), 601),
        (zlib.compress(bytes(range(200)) * 3, 9)[:-1], 600),
        (zlib.compress(bytes(range(200)) * 3, 9) + b"x", 600),
        (b"no stream at all", 100),
        (b"", 1),
        (b"x", 0),
        (b"x", -1),
    ],
)
def test_what_is_no_such_stream_is_refused(stored: bytes, nbytes: int) -> None:
    with pytest.raises(FileError, match=r"bytes|stream"):
        inflated(stored, nbytes)


@given(st.dictionaries(st.text(), ARRAYS, max_size=5))
def test_an_archive_is_the_same_again(given_arrays: dict[str, np.ndarray]) -> None:
    about = {"kind": "a", "version": 2, "nodes": [1.5, "x"]}
    tensors, head = archived(given_arrays, about)
    again, described = extracted(tensors, head)
    assert {key: described[key] for key in about} == about
    assert list(again) == list(given_arrays)
    for name, array in given_arrays.items():
        assert (again[name].dtype, again[name].shape) == (array.dtype, array.shape)
        assert again[name].tobytes() == array.tobytes()
