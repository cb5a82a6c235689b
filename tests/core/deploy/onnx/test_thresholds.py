"""Codes by comparisons in onnxruntime are those that a search in the thresholds gives."""

import numpy as np
import pytest
from onnx_models import answers
from packed_models import variants
from qnn_core.deploy.onnx.document import Document
from qnn_core.deploy.onnx.library import to_bytes
from qnn_core.deploy.onnx.thresholds import count, encode, is_rounding
from qnn_core.quantizer import codebook
from qnn_core.registry import get_quantizer

RNG = np.random.default_rng(0)


def run(document: Document, x: np.ndarray, y: str) -> np.ndarray:
    document.output(y, "codes", "uint8", x.shape[1:])
    return answers(to_bytes(document, "net", "0"), x)[0]


def around(thresholds: np.ndarray) -> np.ndarray:
    """Thresholds, the numbers on both sides of each, and numbers far away."""
    below, above = (np.nextafter(thresholds, np.float32(end)) for end in (-np.inf, np.inf))
    far = np.float32([-np.inf, -3e38, -1e4, -1, -0.0, 0, 1e-40, 1, 1e4, 3e38, np.inf])
    drawn = RNG.normal(size=200).astype(np.float32) * np.abs(thresholds).max()
    return np.concatenate([thresholds, below, above, far, drawn])[:, None]


@pytest.mark.parametrize("spec", variants())
def test_codes_of_every_codebook(spec: str) -> None:
    book = codebook(get_quantizer(spec))
    x = around(book.thresholds)
    document = Document(17)
    u = document.input("x", "float32", (1,))
    found = run(document, x, encode(document, u, book.thresholds, book.levels, "y"))
    np.testing.assert_array_equal(found, np.searchsorted(book.thresholds, x, side="right"))


@pytest.mark.parametrize("most", [1, 2, 3, 4, 7, 8, 15, 100, 254, 255])
def test_thresholds_of_columns(most: int) -> None:
    thresholds = np.sort(RNG.integers(-500, 500, (most, 6)), axis=0).astype(np.int32)
    x = RNG.integers(-600, 600, (300, 6)).astype(np.int32)
    document = Document(17)
    found = run(document, x, count(document, document.input("x", "int32", (6,)), thresholds, "y"))
    np.testing.assert_array_equal(found, (thresholds[:, None] <= x).sum(axis=0))


def test_rounding_is_taken_where_it_is_proved_only() -> None:
    levels = np.arange(-8, 8, dtype=np.float32)
    halves = levels[1:] - np.float32(0.5)
    # Half of a number rounds to the even one: down to -8 from -7.5, up to -6 from -6.5.
    even = levels[1:] % 2 == 0
    thresholds = np.where(even, halves, np.nextafter(halves, np.float32(np.inf)))
    assert is_rounding(thresholds, levels)
    for n in range(len(thresholds)):
        moved = thresholds.copy()
        moved[n] = np.nextafter(moved[n], np.float32(np.inf))
        assert not is_rounding(moved, levels)
    assert not is_rounding(thresholds, levels * 2)
    assert not is_rounding(thresholds, levels + np.float32(0.5))
