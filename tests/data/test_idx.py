"""IDX: what is written is read, and nothing that is damaged is."""

import gzip
import os
import stat
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_np
from qnn_data import IdxError, decode_idx, encode_idx, read_idx, write_idx

DTYPES = ("u1", "i1", "i2", "i4", "f4", "f8")
MAGIC_SIZE = 4

arrays = st.sampled_from(DTYPES).flatmap(
    lambda dtype: st_np.arrays(dtype, st_np.array_shapes(min_dims=1, max_dims=4, min_side=0))
)


def same(a: np.ndarray, b: np.ndarray) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


@given(array=arrays, compress=st.booleans())
def test_decode_inverts_encode(array: np.ndarray, compress: bool) -> None:
    data = encode_idx(array)
    back = decode_idx(gzip.compress(data) if compress else data)
    assert same(back, array)
    assert back.flags.writeable
    assert back.flags.c_contiguous
    assert back.dtype.isnative


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["a.idx", "a.idx.gz"])
def test_file_round_trip(tmp_path: Path, dtype: str, name: str) -> None:
    array = np.arange(-3, 9).astype(dtype).reshape(2, 3, 2)
    write_idx(tmp_path / name, array)
    assert same(read_idx(tmp_path / name), array)
    assert (tmp_path / name).read_bytes().startswith(b"\x1f\x8b") == name.endswith(".gz")
    assert os.listdir(tmp_path) == [name]


@pytest.mark.parametrize("array", [np.arange(12).reshape(3, 4).T, np.arange(9)[::-2]])
def test_strides_and_byte_order_do_not_matter(array: np.ndarray) -> None:
    array = array.astype("i4", order="K")
    assert encode_idx(array) == encode_idx(array.copy()) == encode_idx(array.astype(">i4"))


def test_layout_is_the_published_one() -> None:
    expected = bytes([0, 0, 0x0C, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1, 0, 255, 255, 255, 255])
    assert encode_idx(np.array([[256, -1]], np.int32)) == expected


def test_content_decides_about_gzip_not_the_name(tmp_path: Path) -> None:
    write_idx(tmp_path / "a.gz", np.zeros(3, np.uint8), compress=False)
    write_idx(tmp_path / "b", np.zeros(3, np.uint8), compress=True)
    assert same(read_idx(tmp_path / "a.gz"), read_idx(tmp_path / "b"))


def test_gzip_of_several_members() -> None:
    data = encode_idx(np.arange(100, dtype=np.uint8))
    assert len(decode_idx(gzip.compress(data[:50]) + gzip.compress(data[50:]))) == 100


def test_writing_is_reproducible_and_readable_by_others(tmp_path: Path) -> None:
    old_mask = os.umask(0o022)
    try:
        write_idx(tmp_path / "a.gz", np.arange(9, dtype=np.uint8))
    finally:
        os.umask(old_mask)
    first = (tmp_path / "a.gz").read_bytes()
    assert first[4:8] == bytes(4)  # the time stamp
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "a.gz").stat().st_mode) == 0o644


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.mkdir()  # cannot be replaced by a file
    with pytest.raises(OSError, match="directory"):
        write_idx(target, np.zeros(3, np.uint8))
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.parametrize(
    ("array", "match"),
    [
        (np.zeros(2, np.int64), "cannot hold int64; it holds uint8, int8"),
        (np.zeros(2, bool), "cannot hold bool"),
        (np.array(["a"]), "cannot hold <U1"),
        (np.zeros(2, object), "cannot hold object"),
        (np.uint8(3), r"cannot hold shape \(\)"),
    ],
)
def test_arrays_that_idx_cannot_hold(array: np.ndarray, match: str) -> None:
    with pytest.raises(IdxError, match=match):
        encode_idx(array)


def header(code: int, *shape: int) -> bytes:
    return bytes([0, 0, code, len(shape)]) + struct.pack(f">{len(shape)}I", *shape)


GOOD = encode_idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
ZIPPED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (b"", "not IDX.*found nothing"),
        (b"\0\0\x08", "not IDX"),
        (b"PK\3\4", "not IDX.*found 50 4b 03 04"),
        (header(0x0A, 1) + b"x", "unknown dtype code 0x0a; expected one of 0x08, 0x09, 0x0b"),
        (header(8), "0 axes; expected 1 to 64"),
        (bytes([0, 0, 8, 65]) + bytes(260), "65 axes"),
        (header(8, 3)[:-1], "cut: 1 axes need 4 bytes; found 3"),
        (header(8, 3) + b"ab", r"cut.*shape \(3,\) of uint8 needs 3 bytes.*"),
        (GOOD + b"x", "more bytes than the 24 that shape"),
        (header(8, 2**31, 2**31), r"shape \(2147483648, 2147483648\).*needs 4,611,686,018"),
        (header(8, *[2**32 - 1] * 8), "larger than any array"),
        (header(8, 0, *[2**32 - 1] * 8), "larger than any array"),
        (gzip.compress(header(8, 2**31, 2**31), mtime=0), "the file can hold"),
        (ZIPPED[:-1], "gzip stream is cut"),
        (ZIPPED[:-9], "gzip stream is cut"),
        (ZIPPED[:5], "gzip stream is cut"),
        (ZIPPED[:-8] + b"\0\0\0\0" + ZIPPED[-4:], "damaged.*incorrect data check"),
        (ZIPPED[:-4] + b"\0\0\0\0", "damaged.*incorrect length check"),
        (ZIPPED + b"rubbish", "something else follows"),
        (gzip.compress(GOOD + b"x", mtime=0), "more bytes than the 24"),
        (gzip.compress(GOOD[:-1], mtime=0), "cut: shape .* needs 24 bytes; found 23"),
    ],
)
def test_damage_is_named(data: bytes, match: str, tmp_path: Path) -> None:
    with pytest.raises(IdxError, match=f"^here: .*{match}"):
        decode_idx(data, "here")
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(IdxError, match=match) as caught:
        read_idx(tmp_path / "file")
    assert str(tmp_path / "file") in str(caught.value)


@given(data=st.binary(max_size=60))
def test_any_bytes_give_an_array_or_an_idx_error(data: bytes) -> None:
    try:
        array = decode_idx(data)
    except IdxError:
        return
    assert encode_idx(array) == data


@given(array=arrays, choice=st.data())
def test_a_flipped_byte_shows_in_the_array_or_is_refused(
    array: np.ndarray, choice: st.DataObject
) -> None:
    data = bytearray(encode_idx(array))
    place = choice.draw(st.integers(0, len(data) - 1))
    data[place] ^= choice.draw(st.integers(1, 255))
    try:
        back = decode_idx(data)
    except IdxError:
        assert place < MAGIC_SIZE + 4 * array.ndim
        return
    assert encode_idx(back) == data


@given(array=arrays, choice=st.data())
def test_a_flipped_byte_of_a_gzipped_file_is_refused_or_harmless(
    array: np.ndarray, choice: st.DataObject
) -> None:
    data = bytearray(gzip.compress(encode_idx(array), mtime=0))
    data[choice.draw(st.integers(0, len(data) - 1))] ^= choice.draw(st.integers(1, 255))
    try:
        back = decode_idx(data)
    except IdxError:
        return
    assert same(back, array)  # the time stamp, for one, means nothing


@given(array=arrays, compress=st.booleans(), choice=st.data())
def test_cut_or_longer_is_refused(array: np.ndarray, compress: bool, choice: st.DataObject) -> None:
    data = encode_idx(array)
    if compress:
        data = gzip.compress(data)
    with pytest.raises(IdxError):
        decode_idx(data[: choice.draw(st.integers(0, len(data) - 1))])
    with pytest.raises(IdxError):
        decode_idx(data + choice.draw(st.binary(min_size=1, max_size=9)))


BOMB = """
import gzip, resource, sys
import numpy as np
import qnn_data
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    qnn_data.read_idx(sys.argv[1])
except qnn_data.IdxError as error:
    print(error)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
@pytest.mark.parametrize("shape", [(100,), (2**31, 2**31)])
def test_a_gzip_bomb_is_not_inflated(tmp_path: Path, shape: tuple[int, ...]) -> None:
    bomb = tmp_path / "bomb"
    bomb.write_bytes(gzip.compress(header(8, *shape) + bytes(200_000_000), 1))
    done = subprocess.run(
        [sys.executable, "-c", BOMB, str(bomb)], capture_output=True, text=True, check=True
    )
    message, kilobytes = done.stdout.splitlines()
    assert "bomb" in message
    assert int(kilobytes) < 20_000
