"""A study file as Windows editors write it."""

from pathlib import Path

from qnn_compare.experiment.study_file import read_study_file
from test_study_file import SOUND, forgotten, written

__all__ = ["forgotten"]  # a fixture


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    path = written(tmp_path)
    plain = read_study_file(path).options
    path.write_bytes(b"\xef\xbb\xbf" + SOUND.replace("\n", "\r\n").encode())
    assert read_study_file(path).options == plain
