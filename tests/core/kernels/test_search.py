"""Codes are counts of thresholds, wherever these lie: in each loop that searches uneven ones."""

from collections.abc import Callable

import numpy as np
import pytest
from every_scheme import QUANTIZERS
from hypothesis import example, given
from hypothesis import strategies as st
from qnn_core._kernels import engine, training
from qnn_core._kernels import quantize as kernel
from qnn_core._kernels.search import Search
from qnn_core.gemm.layouts import row_bytes
from qnn_core.gemm.requantizer import float_requantizer
from qnn_core.machine import cpu
from qnn_core.quantizer import codebook
from qnn_core.quantizer.codebook import from_ordinal, ordinal

Encode = Callable[[np.ndarray, np.ndarray], np.ndarray]
ONE, ZERO = np.ones((), np.float32), np.zeros((), np.float32)
INFINITY = 0x7F800000  # as an ordinal
TOP = INFINITY - 1


def by_rows(thresholds: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the codes as nets of float64, and qparams along the innermost axis, have them."""
    codes = np.empty((1, u.size), np.uint8)
    qparams = np.ones_like(u)[None], np.zeros_like(u)[None]
    kernel.encode(u[None], *qparams, thresholds, 0.0, Search(thresholds), codes)
    return codes[0]


def in_training(thresholds: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the codes of fake quantization; its values are those of the codes."""
    levels = np.arange(thresholds.size + 1, dtype=np.float32)
    book = training.Book(
        bounded_thresholds=np.concatenate([[-np.inf], thresholds, [np.nan]]).astype("f4"),
        count=thresholds.size,
        per_step=0.0,
        search=Search(thresholds),
        levels=levels,
        first=0.0,
        step=0.0,
    )
    codes, values = np.empty(u.shape, np.uint8), np.empty(u.shape, np.float32)
    row = cpu.active_index(), 1, book, u, ONE, ZERO, 1, u.size, False
    training.fake_forward(*row, codes, values)
    np.testing.assert_array_equal(values, levels[codes])
    only_codes = np.empty(u.shape, np.uint8)
    training.fake_forward(*row, only_codes, None)
    np.testing.assert_array_equal(only_codes, codes)
    return codes


def in_engine(thresholds: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Return the codes of a packed model."""
    rows = np.zeros((1, row_bytes("uint8", u.size)), np.uint8)
    program = engine.Program(cpu.active_index(), [4 * u.size, rows.shape[1]], 1)
    program.encode(0, 1, u.size, float_requantizer(thresholds, "uint8", 8, None))
    program.run(u[None], rows, 0, 1)
    return rows[0, : u.size]


def using(path: str, encode: Encode) -> Encode:
    def on_path(thresholds: np.ndarray, u: np.ndarray) -> np.ndarray:
        with cpu.using(path):
            return encode(thresholds, u)

    return on_path


WAYS: dict[str, Encode] = {
    "by rows": by_rows,
    **{
        f"{encode.__name__}, {path}": using(path, encode)
        for encode in (in_training, in_engine)
        for path in cpu.paths()
    },
}


def probes(thresholds: np.ndarray) -> np.ndarray:
    """Return each threshold and its neighbours, and what is rare."""
    at = ordinal(thresholds)
    near = [from_ordinal(np.clip(at + d, -INFINITY, INFINITY)) for d in (-2, -1, 0, 1, 2)]
    rare = [0.0, 1e-45, 1e-40, 1.2e-38, 1e-20, 1.0, 1e20, 3.4028235e38, np.inf]
    both = np.concatenate([*near, np.float32(rare)])
    return np.concatenate([both, -both, np.float32([np.nan])]).astype(np.float32)


def check(thresholds: np.ndarray) -> None:
    u = probes(thresholds)
    expected = np.searchsorted(thresholds, u, side="right")
    # A NaN, which is refused, has the code of the lowest numbers; NumPy has it above all.
    expected[np.isnan(u)] = np.count_nonzero(thresholds == -np.inf)
    for name, encode in WAYS.items():
        np.testing.assert_array_equal(encode(thresholds, u), expected, err_msg=name)


def strewn(seed: int, spread: float = 1.0) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=255) * spread
    return np.sort(made).astype(np.float32)


def run(start: int, step: int, count: int = 255) -> np.ndarray:
    """Return thresholds whose ordinals are evenly spaced."""
    return from_ordinal(start + step * np.arange(count, dtype=np.int64))


TABLES = {
    "strewn": strewn(0),
    "strewn, seventeen": strewn(1)[::15].copy(),
    "strewn, tiny": strewn(2, 1e-40),
    "strewn, huge": strewn(3, 1e38),
    "powers of two": np.exp2(np.arange(-127.0, 128.0)).astype(np.float32),
    "over all floats": run(-TOP, 2 * TOP // 254),
    "over all floats, zero among them": run(-127 << 24, 1 << 24),
    "one float apart around zero": run(-127, 1),
    "one float apart above zero": run(1, 1),
    "one float apart below zero": run(-255, 1),
    "one float apart around one": run(0x3F800000 - 127, 1),
    "two far ends, crowded": np.concatenate([run(-TOP, 1, 127), run(TOP - 127, 1, 128)]),
    "next to infinity": run(TOP - 254, 1),
    "one, far from the others": np.concatenate([run(1, 1, 1), run(0x3F800000, 1 << 15, 200)]),
    "all one number": np.full(20, 0.3, np.float32),
    "all zero": np.zeros(20, np.float32),
    "minus zero": np.concatenate([run(-20, 1, 20), np.float32([-0.0]), run(1, 1, 20)]),
    "infinite": np.concatenate([[-np.inf] * 9, run(-20, 1, 50), [np.inf] * 9]).astype("f4"),
    "nothing finite": np.float32([-np.inf] * 9 + [np.inf] * 9),
    "always reached": np.float32([-np.inf] * 20),
}


@pytest.mark.parametrize("name", TABLES)
def test_codes_are_counts(name: str) -> None:
    check(TABLES[name])


SCHEMES = sorted(
    {codebook(q).thresholds.tobytes(): spec for spec, q in QUANTIZERS.items()}.values()
)


@pytest.mark.parametrize("spec", SCHEMES)
def test_every_scheme_can_be_searched(spec: str) -> None:
    # Also those whose steps are counted otherwise.
    check(codebook(QUANTIZERS[spec]).thresholds)


ANY = st.integers(-TOP, TOP)
CLUSTERS = st.lists(
    st.tuples(ANY, st.integers(1, 40), st.sampled_from([1, 2, 1 << 9, 1 << 16, 1 << 21])),
    min_size=1,
    max_size=6,
)


@given(singles=st.lists(ANY, min_size=17, max_size=60), clusters=CLUSTERS)
@example(singles=[0] * 17, clusters=[(-20, 40, 1)])
def test_any_thresholds(singles: list[int], clusters: list[tuple[int, int, int]]) -> None:
    crowds = [start + step * i for start, count, step in clusters for i in range(count)]
    at = np.clip(np.sort(np.array(singles + crowds, np.int64))[:255], -TOP, TOP)
    check(from_ordinal(at))
