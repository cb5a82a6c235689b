"""Time the float products of a training step beside NumPy's BLAS, on one thread.

    python benchmarks/float_products.py [--rounds 40]

The products are those of a step: forward ``x w'``, the weight's gradient ``g' x``, the input's
gradient ``g w``. QNN_CPU caps our instruction set and OPENBLAS_CORETYPE that of NumPy's OpenBLAS
(Haswell for AVX2); set both for a comparison on an older processor. Times are of the processor, not
of the clock, so that other programs disturb them little.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import numpy as np
import qnn_core as qnn
from numpy.typing import NDArray
from qnn_core.gemm import affine, cpu, float_gemm
from tabulate import tabulate
from threadpoolctl import threadpool_info, threadpool_limits

SHAPES = ((100, 784, 1000), (100, 1000, 10), (64, 1024, 512), (4096, 800, 64), (32, 64, 64))
Call = Callable[[], Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=40, help="timed calls of each product")
    rounds = parser.parse_args().rounds
    qnn.set_num_threads(1)
    with threadpool_limits(1):
        rows = [row for shape in SHAPES for row in compared(shape, rounds)]
    blas = next((i.get("architecture") for i in threadpool_info()), "unknown")
    print(f"ours: {cpu.active()}; NumPy {np.__version__}: {blas}; one thread\n")
    heads = ("m, k, n", "product", "ours GMAC/s", "NumPy GMAC/s", "ours / NumPy")
    print(tabulate(rows, headers=heads, floatfmt=".1f"))


def compared(shape: tuple[int, int, int], rounds: int) -> list[tuple[str | float, ...]]:
    """Return a row for each product of a layer with k inputs, n outputs and m samples."""
    m, k, n = shape
    x, w, g = numbers(m, k), numbers(n, k), numbers(m, n)
    one, zero = np.ones(n, np.float32), np.zeros(n, np.float32)
    ways: dict[str, tuple[Call, Call]] = {
        "forward": (lambda: affine(x, w, one, zero), lambda: x @ w.T),
        "weight gradient": (lambda: float_gemm(g.T, x), lambda: g.T @ x),
        "input gradient": (lambda: float_gemm(g, w), lambda: g @ w),
    }
    rows: list[tuple[str | float, ...]] = []
    for name, (ours, theirs) in ways.items():
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for call, spent in zip((ours, theirs), times, strict=True):
                began = time.thread_time()
                call()
                spent.append(time.thread_time() - began)
        rates = [m * k * n / median(spent) / 1e9 for spent in times]
        rows.append((f"{m}, {k}, {n}", name, *rates, rates[0] / rates[1]))
    return rows


def numbers(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


if __name__ == "__main__":
    main()
