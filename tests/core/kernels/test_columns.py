"""Products of any number of columns: of a panel that is not full, tiles take what is there."""

import itertools
from typing import Any

import numpy as np
import pytest
from qnn_core.gemm import VALUES, cpu, prepack, quantized_operand, reference
from qnn_core.gemm.gemm import multiply
from qnn_core.quantizer import codebook
from qnn_core.registry import get_quantizer

# Up to a quarter of a panel, up to half of it, all of it, and the same behind a full one.
COLUMNS = [1, 15, 16, 17, 31, 32, 33, 48, 63, 64, 65, 80, 96, 97]
# Up to the rows of a tile, of several, and of a block; and sums of more than a block of words.
ROWS, TERMS = [1, 5, 6, 7, 12, 13, 64, 65], [3, 144, 700, 1, 36, 65, 100, 33]
# The pairs of sides of each kernel: planes, ternary, int8 or int16, int16, table, and float.
KINDS = {
    "one plane": ("uniform:1", "uniform:1"),
    "planes": ("uniform:2", "uniform:2"),
    "ternary": ("binary", "symmetric:2"),
    "bytes": ("uniform:4", "symmetric:4"),
    "int16": ("logarithmic:5", "symmetric:8"),
    "table": (None, "symmetric:3"),
    "float": (None, None),
}


def side(name: str | None, shape: tuple[int, int], rng: np.random.Generator) -> Any:
    if name is None:
        return rng.normal(size=shape).astype(np.float32), VALUES
    levels = codebook(get_quantizer(name)).levels
    codes = rng.integers(0, levels.size, shape).astype(np.uint8)
    scale, shift = np.float32(0.25), np.float32(0)
    return codes, quantized_operand(levels, np.array(scale), np.array(shift), along_reduction=False)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("path", cpu.paths())
def test_any_number_of_columns(path: str, kind: str) -> None:
    rng = np.random.default_rng(0)
    with cpu.using(path):
        for n, (m, k) in itertools.product(COLUMNS, zip(ROWS, TERMS, strict=True)):
            x, of_x = side(KINDS[kind][0], (m, k), rng)
            w, of_w = side(KINDS[kind][1], (n, k), rng)
            bias = rng.normal(size=n).astype(np.float32)
            for windows in (False, True):
                made = multiply(x, prepack(w, bias, of_x, of_w, windows=windows), of_x)
                expected = reference.product(x, w, bias, of_x, of_w)
                assert made.tobytes() == expected.tobytes(), f"{m}x{k}x{n} {windows=}"
