"""Time codes among uneven levels beside those of even ones, on one thread.

    python benchmarks/encoding.py [--rounds 60] [--paths avx2 avx512vnni]

Of float32 data, about normal, of which the levels cover nearly all: the codes alone, and the codes
and values of fake quantization, as a training step takes them. Each turn of a scheme stands beside
one of symmetric 4 bits, so that a slow moment of the machine is slow to both: "x" is the median of
what they are as multiples of it. Times are medians, of the processor; the call is included.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import qnn_core as qnn
from numpy.typing import NDArray
from qnn_core.machine import cpu, empty
from qnn_core.qtensor import quantized
from qnn_core.quantizer import Quantizer
from tabulate import tabulate

SIZES = (10_000, 1_000_000)
BUDGET = 300_000  # elements of a turn
BASE = "symmetric:4"
Call = Callable[[], Any]


@dataclass(frozen=True)
class Strewn(Quantizer):
    """Levels where chance put them, each number to the nearest."""

    bits: int = 8
    seed: int = 0

    @property
    def levels(self) -> NDArray[np.float32]:
        """As many as the bits allow."""
        made = np.random.default_rng(self.seed).normal(size=2**self.bits)
        return np.sort(made).astype(np.float32)


SCHEMES: dict[str, Quantizer] = {
    BASE: qnn.get_quantizer(BASE),
    **{spec: qnn.get_quantizer(spec) for spec in (f"logarithmic:{b}" for b in (3, 4, 6, 8))},
    **{f"strewn, {2**bits} levels": Strewn(bits=bits) for bits in (4, 6, 8)},
    "uniform:8": qnn.get_quantizer("uniform:8"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--rounds", type=int, default=60, help="timed turns of each scheme")
    parser.add_argument("--paths", nargs="*", default=[cpu.active()], choices=cpu.paths())
    arguments = parser.parse_args()
    qnn.set_num_threads(1)
    for path in arguments.paths:
        with cpu.using(path):
            table = [row for size in SIZES for row in compared(size, arguments.rounds)]
        heads = ("elements", "scheme", "codes us", "x", "and values us", "x")
        print(f"{path}, one thread\n")
        print(tabulate(table, headers=heads, floatfmt=("d", "", ".1f", ".2f", ".1f", ".2f")), "\n")


def compared(size: int, rounds: int) -> list[tuple[str | float, ...]]:
    """Return a row for each scheme."""
    x = np.random.default_rng(0).normal(size=size).astype(np.float32)
    made = {name: calls(quantizer, x) for name, quantizer in SCHEMES.items()}
    base, turns = made[BASE], max(1, BUDGET // size)
    spent: dict[str, list[list[float]]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, pair in made.items():
            turn = [timed(call, turns) for way in (0, 1) for call in (base[way], pair[way])]
            spent[name].append(turn)
    rows: list[tuple[str | float, ...]] = []
    for name, found in spent.items():
        seconds = [median(turn[column] for turn in found) for column in (1, 3)]
        ratios = [median(turn[column] / turn[column - 1] for turn in found) for column in (1, 3)]
        rows.append((size, name, seconds[0] * 1e6, ratios[0], seconds[1] * 1e6, ratios[1]))
    return rows


def calls(quantizer: Quantizer, x: NDArray[np.float32]) -> tuple[Call, Call]:
    """Return what makes the codes of x, and what makes their values too."""
    scale = np.asarray(3 / np.abs(quantizer.levels).max(), np.float32)
    shift = np.zeros((), np.float32)
    return (
        lambda: quantized(x, scale, shift, quantizer),
        lambda: quantized(x, scale, shift, quantizer, empty(x.shape, x.dtype)),
    )


def timed(call: Call, turns: int) -> float:
    """Return the seconds of a call."""
    call()
    began = time.thread_time()
    for _ in range(turns):
        call()
    return (time.thread_time() - began) / turns


if __name__ == "__main__":
    main()
