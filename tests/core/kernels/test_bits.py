"""Bit packing against NumPy's own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_core import pack_bits, unpack_bits
from qnn_core.errors import DtypeError, FileError, SpecError
from qnn_core.qtensor import packed_nbytes

LENGTHS = [0, 1, 7, 8, 9, 63, 64, 65, 1000]


def oracle(codes: np.ndarray, bits: int) -> np.ndarray:
    """Each code's bits, low first, as one stream."""
    stream = (codes.reshape(-1, 1) >> np.arange(bits, dtype=np.uint8)) & 1
    return np.packbits(stream.reshape(-1), bitorder="little")


def drawn(length: int, bits: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**bits, length).astype(np.uint8)


@pytest.mark.parametrize("bits", range(1, 9))
@pytest.mark.parametrize("length", LENGTHS)
def test_packing_equals_numpys(length: int, bits: int) -> None:
    for codes in (drawn(length, bits), np.full(length, 2**bits - 1, np.uint8)):
        packed = pack_bits(codes, bits)
        np.testing.assert_array_equal(packed, oracle(codes, bits))
        assert packed.dtype == np.uint8
        assert packed.size == packed_nbytes(length, bits)
        np.testing.assert_array_equal(unpack_bits(packed, bits, length), codes)


@given(bits=st.integers(1, 8), data=st.data())
def test_round_trip(bits: int, data: st.DataObject) -> None:
    codes = data.draw(st.lists(st.integers(0, 2**bits - 1), max_size=200))
    array = np.array(codes, np.uint8)
    packed = pack_bits(array, bits)
    np.testing.assert_array_equal(packed, oracle(array, bits))
    np.testing.assert_array_equal(unpack_bits(packed, bits, len(codes)), array)


@given(bits=st.integers(1, 8), count=st.integers(0, 70), data=st.data())
def test_unpacking_takes_every_stream_or_refuses_it(
    bits: int, count: int, data: st.DataObject
) -> None:
    stream = data.draw(
        st.binary(min_size=packed_nbytes(count, bits), max_size=packed_nbytes(count, bits))
    )
    packed = np.frombuffer(stream, np.uint8)
    spare = np.unpackbits(packed, bitorder="little")[count * bits :]
    if spare.any():
        with pytest.raises(FileError, match="unused bits"):
            unpack_bits(packed, bits, count)
    else:
        np.testing.assert_array_equal(pack_bits(unpack_bits(packed, bits, count), bits), packed)


@pytest.mark.parametrize(
    "layout", [lambda a: a[::2], lambda a: a[::-1], lambda a: a.reshape(4, 5).T]
)
def test_codes_of_any_layout_are_read_in_c_order(layout: object) -> None:
    codes = layout(drawn(20, 3))
    np.testing.assert_array_equal(pack_bits(codes, 3), oracle(codes.copy(), 3))


def test_packed_bytes_of_any_layout() -> None:
    codes = drawn(40, 3)
    gaps = np.repeat(pack_bits(codes, 3), 2)[::2]
    np.testing.assert_array_equal(unpack_bits(gaps, 3, 40), codes)


@pytest.mark.parametrize("bits", range(1, 8))
def test_a_code_that_does_not_fit(bits: int) -> None:
    with pytest.raises(SpecError, match=f"code {2**bits} does not fit in {bits} bits"):
        pack_bits(np.array([0, 2**bits], np.uint8), bits)


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, bool])
def test_codes_of_another_dtype(dtype: type) -> None:
    with pytest.raises(DtypeError, match="uint8"):
        pack_bits(np.zeros(3, dtype), 2)


@pytest.mark.parametrize("bits", [0, 9, -1, 2.0, "2", None])
def test_bits_out_of_range(bits: object) -> None:
    for call in (
        lambda: pack_bits(np.zeros(3, np.uint8), bits),
        lambda: unpack_bits(np.zeros(3, np.uint8), bits, 3),
    ):
        with pytest.raises(SpecError, match="whole number from 1 to 8"):
            call()


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("bits", range(1, 9))
def test_a_wrong_length(bits: int, change: int) -> None:
    packed = np.zeros(packed_nbytes(65, bits) + change, np.uint8)
    with pytest.raises(FileError, match=f"65 codes of {bits} bits are"):
        unpack_bits(packed, bits, 65)


@pytest.mark.parametrize(
    "packed", [np.zeros(2, np.int8), np.zeros((1, 2), np.uint8), np.zeros(2, np.float32)]
)
def test_other_arrays_are_refused(packed: np.ndarray) -> None:
    with pytest.raises(FileError, match="8 codes of 2 bits are 2 bytes"):
        unpack_bits(packed, 2, 8)


def test_a_negative_count() -> None:
    with pytest.raises(SpecError, match=">= 0"):
        unpack_bits(np.zeros(0, np.uint8), 2, -1)


@pytest.mark.parametrize("bits", [1, 3, 5, 7])
def test_spare_bits_must_be_zero(bits: int) -> None:
    packed = pack_bits(np.zeros(9, np.uint8), bits)
    packed[-1] |= 0x80
    with pytest.raises(FileError, match="unused bits"):
        unpack_bits(packed, bits, 9)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int16, np.uint32, np.int64])
def test_bits_and_counts_of_numpys_types_do_not_wrap_around(dtype: type) -> None:
    codes = np.full(20_001, 3, np.uint8)
    packed = pack_bits(codes, dtype(2))
    assert packed.size == packed_nbytes(codes.size, dtype(2)) == 5001
    np.testing.assert_array_equal(unpack_bits(packed, dtype(2), np.int32(codes.size)), codes)
