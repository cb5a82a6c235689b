"""Kernels keep subnormal numbers and round to nearest, whatever their thread is set to."""

import ctypes
import os
import platform
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import qnn_core
import qnn_data

# Where the control word is in fenv_t of the C library, and the bits that flush subnormal numbers
# to zero, and those that round upward.
PLACES = {"x86_64": (7, 0x8040, 0x4000), "aarch64": (0, 1 << 24, 1 << 22)}
PLACE = PLACES.get(platform.machine())
pytestmark = pytest.mark.skipif(
    PLACE is None or sys.platform != "linux", reason="its fenv_t is not known here"
)

# Prints a digest of what the kernels make of subnormal numbers, in every kind of kernel.
CODE = """
import ctypes, hashlib, sys
import numpy as np
import qnn_core as qnn
from qnn_core._kernels import channels, engine, float_gemm, loss, pooling, quantize, training
from qnn_core._kernels.search import Search
from qnn_core.machine import cpu

place, bits, threads = map(int, sys.argv[1:4])
when, path = sys.argv[4:]

def flush():
    libm = ctypes.CDLL("libm.so.6")
    words = (ctypes.c_uint32 * 16)()
    libm.fegetenv(words)
    words[place] |= bits
    libm.fesetenv(words)

qnn.set_num_threads(threads)
tiny = np.float32(1e-41)
rng = np.random.default_rng(0)
x = (rng.integers(-999, 999, (150, 130)) * tiny).astype("f")
w = rng.integers(-9, 9, (140, 130)).astype("f")
labels = rng.integers(0, 130, 150)
cpu_of = cpu.using(path)
cpu_of.__enter__()
a = cpu.active_index()
# Their operands are made before: what NumPy does is not ours.
scale, shift = np.float32(2e-40).reshape(()), np.zeros((), "f")
q = qnn.get_quantizer("symmetric:4")
eight = qnn.get_quantizer("symmetric:8")
books = [qnn.quantizer.codebook(q), qnn.quantizer.codebook(eight)]
subnormal = (np.sort(rng.permutation(2000)[:200]) - 1000).astype("f") * tiny
ones = np.ones_like(x), np.zeros_like(x)
row, column = np.ones(140, "f"), np.zeros(140, "f")
all_qparams = np.full((150, 130), 2e-40, "f"), np.zeros((150, 130), "f")
few = x.reshape(150, 13, 10, 1)
if when == "before":  # the threads of the pool take it over
    flush()
elif when == "after":
    big, out = np.ones((300, 130), "f"), np.empty((300, 300), "f")
    float_gemm.affine(a, threads, big, big, None, None, out, 300, 300, 130)
    flush()
out = np.empty((150, 140), "f")
made = []
for _ in range(2):  # the threads sleep, or watch
    float_gemm.affine(a, threads, x, w, row, column, out, 150, 140, 130)
    made.append(out.tobytes())
    large = np.empty((300, 280), "f")  # of so many products on, threads share them
    twice = np.tile(x, (2, 1)), np.tile(w, (2, 1))
    float_gemm.affine(a, threads, *twice, None, None, large, 300, 280, 130)
    made.append(large.tobytes())
    for book in books:
        code, value = np.zeros(x.shape, "u1"), np.zeros(x.shape, "f")
        given = (a, threads, book.book, x, scale, shift, 1, x.size, False, code)
        training.fake_forward(*given, value)
        made += [code.tobytes(), value.tobytes()]
        code2, value2 = np.zeros_like(code), np.zeros_like(value)
        how = book.thresholds, book.per_step, book.search
        quantize.encode(x, *all_qparams, *how, code2)
        quantize.decode(code2, *all_qparams, book.levels, value2)
        made += [code2.tobytes(), value2.tobytes()]
        dx, total = np.zeros_like(x), np.zeros(1)
        training.fake_backward(*given, x, dx, total, None)
        made += [dx.tobytes(), total.tobytes()]
    code = np.zeros(x.shape, "u1")
    quantize.encode(x, *ones, subnormal, 0.0, Search(subnormal), code)
    made.append(code.tobytes())
    y, dx = np.zeros_like(x), np.zeros_like(x)
    training.relu(a, threads, x, y)
    training.relu_backward(a, threads, x, x, dx)
    made += [y.tobytes(), dx.tobytes()]
    p = x.copy()
    training.sgd(a, threads, p, x, 0.3, 0.1, -np.inf, np.inf)
    made.append(p.tobytes())
    y = np.zeros((150, 6, 5, 1), "f")
    pooling.mean(a, threads, (13, 10, 1, 6, 5, 2, 2, 2, 2, 0, 0), 150, few, y)
    made.append(y.tobytes())
    dx = np.zeros((150, 130), "f")
    loss.softmax_minus_one_hot(x, labels, 1e-41, dx)
    made.append(dx.tobytes())
    training.entropy(a, threads, x, labels, 150, 130, 1e-41, dx)
    made.append(dx.tobytes())
print(hashlib.sha256(b"".join(made)).hexdigest())
"""


def digest(bits: int, when: str, threads: int, path: str) -> str:
    assert PLACE is not None
    arguments = [*map(str, (PLACE[0], bits, threads)), when, path]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *arguments],
        env={**os.environ, "QNN_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def usual() -> str:
    return digest(0, "never", 1, "base")


@pytest.mark.parametrize("path", qnn_core.machine.cpu.paths())
@pytest.mark.parametrize("threads", [1, 2])
def test_flush_to_zero_changes_nothing(threads: int, path: str, usual: str) -> None:
    assert PLACE is not None
    assert digest(0, "never", threads, path) == usual
    assert digest(PLACE[1], "before", threads, path) == usual
    assert digest(PLACE[1], "after", threads, path) == usual


@pytest.mark.parametrize("threads", [1, 2])
def test_another_rounding_changes_nothing(threads: int, usual: str) -> None:
    assert PLACE is not None
    assert digest(PLACE[2], "before", threads, qnn_core.machine.cpu.paths()[-1]) == usual


def test_the_control_word_is_put_back() -> None:
    """What a program set holds for its own work after a kernel."""
    assert PLACE is not None
    place, flush, _ = PLACE
    libm = ctypes.CDLL("libm.so.6")
    before, words, after = ((ctypes.c_uint32 * 16)() for _ in range(3))
    libm.fegetenv(before)
    libm.fegetenv(words)
    words[place] |= flush
    x = qnn_core.Tensor(np.ones((40, 50), np.float32))
    libm.fesetenv(words)
    try:
        qnn_core.nn.QuantLinear(50, 60, weight="symmetric:4", seed=0)(x)
        libm.fegetenv(after)
    finally:
        libm.fesetenv(before)
    assert after[place] & flush == flush


def test_both_packages_have_one_header() -> None:
    """Neither may import the other; what they share is a file, twice."""
    one, two = (
        Path(package.__file__).parent / "_kernels" / "float_mode.h"
        for package in (qnn_core, qnn_data)
    )
    if not one.exists():  # the headers are not in what is installed from a wheel
        one, two = (
            Path(__file__).parents[3]
            / "packages"
            / name
            / "src"
            / name.replace("-", "_")
            / "_kernels"
            / "float_mode.h"
            for name in ("qnn-core", "qnn-data")
        )
    assert one.read_bytes() == two.read_bytes()
