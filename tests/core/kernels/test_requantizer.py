"""Floats become the elements of the next product: the same codes as those of the quantizer."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core._kernels import engine
from qnn_core.deploy.compile.exact_line import exact_lines
from qnn_core.gemm import cpu, prepack, quantized_operand, reference
from qnn_core.gemm.layouts import row_bytes
from qnn_core.gemm.requantizer import SumLines, cuts_of, float_requantizer, sum_requantizer
from qnn_core.qtensor import codes_of
from qnn_core.quantizer import codebook

SPECS = [
    "binary",
    "uniform:1",
    "symmetric:2",
    "uniform:3",
    "uniform:4",
    "symmetric:5",
    "uniform:8",
    "logarithmic:4",
    "logarithmic:6",
    "logarithmic:8",
]
FRAMES = [(0.37, 0.0), (1e-3, 0.5), (1e30, -1e31), (1e-38, 0.0)]


def decoded(rows: np.ndarray, form: str, bits: int, columns: int) -> np.ndarray:
    """Return codes from rows of elements; what pads them must be zero."""
    if form == "bits":
        planes = np.unpackbits(rows.reshape(len(rows), bits, -1), axis=2, bitorder="little")
        codes = (planes.astype(np.int64) << np.arange(bits)[:, None]).sum(axis=1)
        assert not codes[:, columns:].any()
        return codes[:, :columns]
    return rows.view(np.uint8 if form == "uint8" else np.int16)[:, :columns]


def awkward(scale: np.float32, shift: np.float32, cuts: np.ndarray, columns: int) -> np.ndarray:
    """Return rows with extremes, zeros, and numbers at and just below the thresholds."""
    rng = np.random.default_rng(0)
    x = (rng.normal(size=(9, columns)) * 5 * float(scale) + float(shift)).astype(np.float32)
    x.flat[:8] = [0, -0.0, 3e38, -3e38, 1e-45, -1e-45, float(scale) / 2, float(shift)]
    few = cuts[:columns]
    x[1, : few.size] = few
    x[2, : few.size] = np.nextafter(few, np.float32(-np.inf))
    return np.clip(np.nan_to_num(x), -3e38, 3e38).astype(np.float32)


@pytest.mark.parametrize("form", ["bits", "uint8", "int16"])
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize("path", cpu.paths())
def test_codes_are_the_quantizers(path: str, spec: str, form: str) -> None:
    quantizer = qnn.get_quantizer(spec)
    book = codebook(quantizer)
    for columns in (1, 63, 64, 65, 201):
        for qparams in FRAMES:
            scale, shift = map(np.float32, qparams)
            cuts = cuts_of(book.thresholds, scale, shift)
            x = awkward(scale, shift, cuts, columns) if columns > 8 else np.zeros((9, 1), "f")
            rows = np.zeros((9, row_bytes(form, columns, quantizer.bits)), np.uint8)
            with cpu.using(path):
                program = engine.Program(cpu.active_index(), [4 * columns, rows.shape[1]], 1)
                decision = float_requantizer(cuts, form, quantizer.bits, None)
                program.encode(0, 1, columns, decision)
                assert program.run(x, rows, 0, 9) == 0
            codes = decoded(rows, form, quantizer.bits, columns)
            np.testing.assert_array_equal(codes, codes_of(x, scale, shift, quantizer))


@pytest.mark.parametrize("path", cpu.paths())
def test_numbers_that_are_not_finite_are_counted(path: str) -> None:
    x = np.zeros((70, 130), np.float32)
    x[3, 129], x[69, 0] = np.nan, -np.inf
    rows = np.empty((70, row_bytes("bits", 130)), np.uint8)
    with cpu.using(path):
        program = engine.Program(cpu.active_index(), [520, rows.shape[1]], 1)
        program.encode(0, 1, 130, float_requantizer(np.float32([0]), "bits", 1, None))
        assert program.run(x, rows, 0, 70) == 2
        assert program.run(x, rows, 4, 69) == 0


@pytest.mark.parametrize("form", ["bits", "uint8", "int16"])
@pytest.mark.parametrize("path", cpu.paths())
def test_sums_become_codes(path: str, form: str) -> None:
    """A product of float ones is skipped: sums of bytes, thresholds per column, some falling."""
    rng = np.random.default_rng(1)
    m, k, n, bits = 7, 70, 131, 2
    levels = np.float32([-1, 0, 1])
    side = quantized_operand(levels, np.float32(1), np.float32(0), along_reduction=False)
    x, w = rng.integers(0, 3, (m, k)).astype("u1"), rng.integers(0, 3, (n, k)).astype("u1")
    thresholds = np.sort(rng.integers(-9, 9, (3, n)), axis=0).astype(np.int32)
    flip = -rng.integers(0, 2, n).astype(np.int32)
    sums = reference.sums(x, w, side, side)
    expected = (thresholds[:, None] <= (sums ^ flip)).sum(axis=0)
    with cpu.using(path):
        prepacked: Any = prepack(w, None, side, side)
        inner = row_bytes(prepacked.form, k, prepacked.bits)
        rows = np.zeros((m, row_bytes(form, n, bits)), np.uint8)
        program = engine.Program(cpu.active_index(), [k, rows.shape[1], inner], 2)
        layout = engine.Requantizer(
            format=prepacked.form, bits=prepacked.bits, count=0, elements=prepacked.elements
        )
        program.layout(0, 2, k, layout)
        decision = sum_requantizer(thresholds, flip, form, bits, None)
        program.product(2, 1, prepacked.weights, form, decision)
        program.run(x, rows, 0, m)
    np.testing.assert_array_equal(decoded(rows, form, bits, n), expected)


@pytest.mark.parametrize("elements", [None, "even", "uneven"])
@pytest.mark.parametrize("form", ["bits", "uint8", "int16"])
@pytest.mark.parametrize("path", cpu.paths())
def test_sums_become_codes_among_many_thresholds(path: str, form: str, elements: Any) -> None:
    """By lines where there are some, and by search in the other columns."""
    if form == "bits" and elements is not None:
        return  # bits are of codes
    rng = np.random.default_rng(2)
    m, k, n, bits = 9, 40, 131, 6
    levels = np.float32(np.arange(-8, 8))
    side = quantized_operand(levels, np.float32(1), np.float32(0), along_reduction=False)
    x, w = (rng.integers(0, 16, shape).astype("u1") for shape in ((m, k), (n, k)))
    sums = reference.sums(x, w, side, side)
    # Every third column has uneven thresholds; some are always reached, some never.
    even = np.ceil(rng.uniform(-500, 300, n) + np.arange(63)[:, None] * rng.uniform(0.4, 40, n))
    drawn = np.sort(rng.integers(-900, 900, (63, n)), axis=0)
    thresholds = np.where(np.arange(n) % 3 == 0, drawn, even).astype(np.int32)
    flip = -rng.integers(0, 2, n).astype(np.int32)
    expected = (thresholds[:, None] <= (sums ^ flip)).sum(axis=0)
    lines = exact_lines(thresholds, k * 64, flip=flip)
    assert 0 < lines.exact.sum() < n
    slope = np.ldexp(lines.multiplier.astype(np.float64), -lines.shift)
    start = np.ldexp(lines.offset.astype(np.float64), -lines.shift)
    codes = np.arange(64)
    given = {"even": 3 * codes - 50, "uneven": codes**2 // 20, None: None}[elements]
    with cpu.using(path):
        prepacked: Any = prepack(w, None, side, side)
        inner = row_bytes(prepacked.form, k, prepacked.bits)
        rows = np.zeros((m, row_bytes(form, n, bits)), np.uint8)
        program = engine.Program(cpu.active_index(), [k, rows.shape[1], inner], 2)
        layout = engine.Requantizer(
            format=prepacked.form, bits=prepacked.bits, count=0, elements=prepacked.elements
        )
        program.layout(0, 2, k, layout)
        whole = None if given is None else given.astype(np.int16)
        decision = sum_requantizer(
            thresholds, flip, form, bits, whole, lines=SumLines(slope, start, ~lines.exact)
        )
        program.product(2, 1, prepacked.weights, form, decision)
        program.run(x, rows, 0, m)
    found = decoded(rows, form, bits, n)
    wanted = expected if given is None else given[expected]
    np.testing.assert_array_equal(found, wanted if form != "uint8" else wanted.astype(np.uint8))


def test_thresholds_out_of_reach() -> None:
    cuts = cuts_of(np.float32([-1e38, 1, 1e38]), np.float32(1e30), np.float32(0))
    np.testing.assert_array_equal(cuts, np.float32([-np.inf, 1e30, np.inf]))
