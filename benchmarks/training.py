"""Time a training step beside the same step written by hand in NumPy.

    nox -s bench -- [--threads 1 2] [--batches 300] [--json FILE]

The net is 784-1000-10 with ReLU, batch 100, plain SGD. Three ways to run it:

  numpy     every line written by hand: forward, backward, update, on float data in memory
  bare      qnn_core on the same batches
  loader    qnn_core through `qnn_data.DataLoader` and `fit`, from the uint8 images on: decoding,
            normalization, checks, loss and accuracy included

They take turns in one process, so that a noisy machine is noisy to all of them; the numbers are
medians over batches, and what counts is their ratio. The quantized nets are timed beside them.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from numpy.typing import NDArray
from tabulate import tabulate
from threadpoolctl import threadpool_info, threadpool_limits

Array = NDArray[Any]
Step = Callable[[Array, Array], None]

SIZES = (784, 1000, 10)
BATCH = 100
LR = 0.01
QUANTIZED = ("symmetric:4", "symmetric:2", "binary")


def main() -> None:
    options = _parser().parse_args()
    records = [r for threads in options.threads for r in measure(threads, options.batches)]
    on = machine()
    print("\n".join(f"{key}: {value}" for key, value in on.items()))
    print(f"\ntraining step of {'-'.join(map(str, SIZES))}, batch {BATCH}, SGD\n")
    print(tabulate(records, headers="keys", floatfmt=".2f"))
    if options.json:
        report = {"machine": on, "net": SIZES, "batch": BATCH, "results": records}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="BLAS threads")
    parser.add_argument("--batches", type=int, default=300, help="timed batches of each way")
    parser.add_argument("--json", type=Path, help="also write the numbers to this file")
    return parser


def measure(threads: int, batches: int) -> list[dict[str, Any]]:
    """Return one record for each way, with its time as a multiple of the hand-written step."""
    train, _ = qnn_data.load("mnist-mini")
    loader = qnn_data.DataLoader(train, BATCH, shuffle=True, seed=0)
    data = list(loader)
    ways: dict[str, Iterator[float]] = {"numpy": stepping(NumpyNet().step, data)}
    ways["qnn float, bare"] = stepping(bare(None), data)
    ways["qnn float, loader and fit"] = fitting(None, loader)
    for spec in QUANTIZED:
        ways[f"qnn {spec}, bare"] = stepping(bare(spec), data)
    with threadpool_limits(threads):
        rounds = [{name: next(way) for name, way in ways.items()} for _ in range(batches)]
    medians = {name: median(r[name] for r in rounds[batches // 10 :]) for name in ways}
    return [
        {
            "threads": threads,
            "step": name,
            "ms": seconds * 1e3,
            "x numpy": seconds / medians["numpy"],
        }
        for name, seconds in medians.items()
    ]


def stepping(step: Step, data: list[tuple[Array, Array]]) -> Iterator[float]:
    """Yield the time of one step after the other."""
    while True:
        for x, labels in data:
            began = time.perf_counter()
            step(x, labels)
            yield time.perf_counter() - began


def bare(spec: str | None) -> Step:
    """Return a plain training step of qnn_core."""
    model = qnn.MLP(SIZES, weight=spec, input=spec, seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=LR)

    def step(x: Array, labels: Array) -> None:
        loss = qnn.ops.softmax_cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def fitting(spec: str | None, loader: qnn_data.DataLoader) -> Iterator[float]:
    """Yield the time per step of `fit` with a loader; each value is that of a few batches."""
    model = qnn.MLP(SIZES, weight=spec, input=spec, seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=LR)
    few = FewBatches(loader, 4)
    while True:
        began = time.perf_counter()
        qnn.fit(model, few, epochs=1, optimizer=optimizer, progress=False)
        yield (time.perf_counter() - began) / few.count


class FewBatches:
    """The next few batches of a loader at each reading."""

    def __init__(self, loader: qnn_data.DataLoader, count: int) -> None:
        self.count = count
        self._source = self._endless(loader)

    @staticmethod
    def _endless(loader: qnn_data.DataLoader) -> Iterator[tuple[Array, Array]]:
        while True:
            yield from loader

    def __iter__(self) -> Iterator[tuple[Array, Array]]:
        return (next(self._source) for _ in range(self.count))


class NumpyNet:
    """The same net as one would write it by hand: no framework, no graph."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        inputs, hidden, outputs = SIZES
        self.w1 = rng.uniform(-0.08, 0.08, (hidden, inputs)).astype(np.float32)
        self.b1 = np.zeros(hidden, np.float32)
        self.w2 = rng.uniform(-0.08, 0.08, (outputs, hidden)).astype(np.float32)
        self.b2 = np.zeros(outputs, np.float32)

    def step(self, x: Array, labels: Array) -> None:
        """Forward, backward and update."""
        h = np.maximum(x @ self.w1.T + self.b1, 0)
        logits = h @ self.w2.T + self.b2
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(labels)), labels] -= 1
        p /= np.float32(len(labels))
        dh = (p @ self.w2) * (h > 0)
        rate = np.float32(LR)
        self.w2 -= rate * (p.T @ h)
        self.b2 -= rate * p.sum(axis=0)
        self.w1 -= rate * (dh.T @ x)
        self.b1 -= rate * dh.sum(axis=0)


def machine() -> dict[str, str]:
    """Return what the numbers depend on."""
    blas = ", ".join(
        f"{i['internal_api']} {i['version']} {i.get('architecture', '')}" for i in threadpool_info()
    )
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "qnn-core": qnn.__version__,
        "BLAS": blas,
        "machine": f"{platform.machine()}, {platform.system()}",
    }


if __name__ == "__main__":
    main()
