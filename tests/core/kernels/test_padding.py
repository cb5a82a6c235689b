"""Images with zeros around them, of values and of codes, against plain NumPy."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.gemm import Window, cpu
from qnn_core.gemm.padding import padded
from qnn_core.machine import limited_threads
from qnn_core.qtensor import QuantizedTensor, decoded
from qnn_core.quantizer import codebook
from qnn_core.registry import get_quantizer

IMAGES = st.tuples(
    st.integers(0, 3), *[st.integers(0, 6)] * 2, st.sampled_from([1, 2, 3, 15, 16, 17, 35])
)
WINDOWS = st.builds(
    Window, st.just((7, 7)), padding=st.tuples(st.integers(0, 3), st.integers(0, 3))
)


@given(
    shape=IMAGES,
    window=WINDOWS,
    # With tables of up to 16 entries, and of more; with a level of no value 0.
    scheme=st.sampled_from([None, "binary", "uniform:2", "symmetric:4", "uniform:5", "uniform:8"]),
    where=st.tuples(st.sampled_from(cpu.paths()), st.sampled_from([1, 2])),
    seed=st.integers(0, 99),
)
def test_it_is_what_numpy_says(
    shape: tuple[int, ...],
    window: Window,
    scheme: str | None,
    where: tuple[str, int],
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    around = [(0, 0), *[(n, n) for n in window.padding], (0, 0)]
    x: np.ndarray | QuantizedTensor
    if scheme is None:
        x = values = rng.normal(size=shape).astype(np.float32)
    else:
        levels = codebook(get_quantizer(scheme)).levels
        codes = rng.integers(0, levels.size, shape).astype(np.uint8)
        qparams = np.array(0.3, np.float32), np.array(-0.6, np.float32)
        x = QuantizedTensor(codes, 8, levels, *qparams, None)
        values = decoded(x)
    with cpu.using(where[0]), limited_threads(where[1]):
        made = padded(x, window)
    assert made.dtype == np.float32
    assert made.flags.c_contiguous
    assert made.tobytes() == np.pad(values, around).tobytes()


def test_values_without_padding_are_not_copied() -> None:
    x = np.ones((2, 3, 3, 4), np.float32)
    assert padded(x, Window((3, 3))) is x
