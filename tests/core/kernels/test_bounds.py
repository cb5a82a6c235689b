"""Nothing is read beyond a table: `nox -s sanitize` watches, and results are right too."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_core._kernels import engine
from qnn_core.errors import NonFiniteError
from qnn_core.gemm.layouts import row_bytes
from qnn_core.gemm.requantizer import float_requantizer
from qnn_core.machine import cpu
from qnn_core.qtensor import codes_of
from qnn_core.quantizer import Quantizer, codebook

ZERO = np.zeros((), np.float32)
PATHS = cpu.paths()


@dataclass(frozen=True)
class Even(Quantizer):
    """Evenly spaced levels, wherever they begin and however far apart."""

    bits: int = 8
    low: float = 0.0
    high: float = 1.0

    @property
    def levels(self) -> Any:
        return np.linspace(self.low, self.high, 2**self.bits).astype(np.float32)


def test_many_thresholds_and_a_qparams_for_each_channel() -> None:
    # QParams of 16 thresholds lie at the end of the heap here, and a read at 255 is outside of it.
    code = """
import numpy as np, qnn_core as qnn
x = qnn.Tensor(np.ones((2, 3), np.float32))
for seed in range(60):
    qnn.nn.QuantLinear(3, 2000, weight="symmetric:8,axis=0", seed=seed % 2)(x).sum().backward()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("bits", range(1, 9))
def test_infinity_has_no_code_beyond_the_last(path: str, bits: int) -> None:
    for cuts in (
        np.arange(2**bits - 1, dtype=np.float32),  # even
        np.float32(1.1) ** np.arange(2**bits - 1, dtype=np.float32),  # searched
    ):
        x = np.full((3, 65), np.inf, np.float32)
        x[1], x[2] = -np.inf, np.nan
        rows = np.zeros((3, row_bytes("uint8", 65)), np.uint8)
        with cpu.using(path):
            program = engine.Program(cpu.active_index(), [4 * 65, rows.shape[1]], 1)
            program.encode(0, 1, 65, float_requantizer(cuts, "uint8", bits, None))
            assert program.run(x, rows, 0, 3) > 0  # and is counted as bad
        np.testing.assert_array_equal(rows[0, :65], 2**bits - 1)
        np.testing.assert_array_equal(rows[1:, :65], 0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("bits", range(1, 9))
def test_infinity_is_refused_by_a_step_of_training(path: str, bits: int) -> None:
    for value in (np.inf, -np.inf, np.nan):
        x = np.zeros((3, 77), np.float32)
        x[2, 76] = value
        with cpu.using(path), pytest.raises(NonFiniteError, match=r"\(2, 76\)"):
            codes_of(x, np.ones((), np.float32), ZERO, Even(bits))


ENDS = st.sampled_from(
    [(-3e38, 3e38), (-3.4e38, -1e38), (1.0, 3e38), (-1e-38, 1e-38), (0.0, 1e-42), (-1.0, 1.0)]
)


@given(bits=st.integers(1, 8), ends=ENDS, path=st.sampled_from(PATHS), seed=st.integers(0, 99))
def test_steps_that_float32_cannot_count(
    bits: int, ends: tuple[float, float], path: str, seed: int
) -> None:
    """Differences that overflow, and steps without a reciprocal: codes are counts nevertheless."""
    levels = np.linspace(*ends, 2**bits).astype(np.float32)
    if np.any(levels[1:] <= levels[:-1]):
        return
    q = Even(bits, *ends)
    rng = np.random.default_rng(seed)
    cuts = codebook(q).thresholds
    below = np.nextafter(cuts, np.float32(-3.4e38))
    x = rng.choice(np.concatenate([levels, cuts, below]), (2, 70))
    x[1] = (rng.uniform(-1, 1, 70) * max(map(abs, ends))).astype(np.float32)
    expected = np.count_nonzero(x[..., None] >= cuts, axis=-1)
    rows = np.zeros((2, row_bytes("uint8", 70)), np.uint8)
    with cpu.using(path):
        found = codes_of(x, np.ones((), np.float32), ZERO, q)
        program = engine.Program(cpu.active_index(), [4 * 70, rows.shape[1]], 1)
        program.encode(0, 1, 70, float_requantizer(cuts, "uint8", bits, None))
        assert program.run(x, rows, 0, 2) == 0
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(rows[:, :70], expected)


def test_a_program_holds_no_more_than_it_was_made_for() -> None:
    decision = engine.Requantizer(format="uint8", bits=8, count=0)
    program = engine.Program(0, [64, 64], 1)
    with pytest.raises(IndexError, match="buffers are 0 to 1: 0, 2"):
        program.layout(0, 2, 64, decision)
    program.layout(0, 1, 64, decision)
    with pytest.raises(IndexError, match="made for 1 step"):
        program.layout(0, 1, 64, decision)
    pair = (1, 1)
    places = dict.fromkeys(("image", "output", "kernel", "stride", "padding", "dilation"), pair)
    with pytest.raises(ValueError, match="at most 8 planes, got 9"):
        engine.Windows(pixel=1, fill=(0,) * 9, **places)
