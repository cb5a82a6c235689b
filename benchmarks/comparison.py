"""Time `qnn.compare` beside a bare training loop over the same runs. ``--help`` explains."""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

# Before NumPy: the loop has one thread, as every run has.
for _name in ("OPENBLAS", "OMP", "MKL", "QNN"):
    os.environ[f"{_name}_NUM_THREADS"] = "1"

import qnn_core as qnn  # noqa: E402 - after the variables
import qnn_data  # noqa: E402 - after the variables
from qnn_compare.experiment.grid import configs_of  # noqa: E402 - after the variables
from tabulate import tabulate  # noqa: E402 - after the variables

DESCRIPTION = """\
Train 784-1000-10 on MNIST, float and at 2 bits, by a loop that does nothing but build, fit and
evaluate, and by qnn.compare with one process, in turns. What compare takes more is its machinery:
checks, a process, packing, measuring and keeping.

--scaling times a study (784-128-128-10, ten nets for each of --seeds) on one process and on two, in
turns, beside one copy and two of a plain NumPy product, which is what two cores of this machine
give at the most.
CPU seconds are those of the processes: they tell what a core shared with others took.
"""
BITS = [2, 32]


def main() -> None:
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(prog="comparison.py", description=DESCRIPTION)
    parser.add_argument("--dataset", default="mnist", help="(default: %(default)s)")
    parser.add_argument("--epochs", type=int, default=10, help="(default: %(default)s)")
    parser.add_argument("--seeds", type=int, default=1, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--scaling", action="store_true", help="on two processes against one")
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        bare(given.dataset, given.epochs, given.seeds)
        return
    if given.scaling:
        scaling(given)
        return
    rounds = []
    for _ in range(given.rounds):
        alone = seconds_of(partial(in_a_process, given))
        compared = seconds_of(partial(compared_, given))
        rounds.append([alone, compared, compared / alone])
        print(tabulate(rounds, ["loop s", "compare s", "ratio"], floatfmt=".3f"), flush=True)
    print(f"median ratio: {median(row[2] for row in rounds):.3f}")


def scaling(given: argparse.Namespace) -> None:
    """Time a study, and a product of NumPy, on one process and on two."""
    # Of an odd number of nets, five from each seed, two processes cannot have half each.
    study = partial(study_of_small_nets, given.dataset, given.epochs, 2 * given.seeds)
    rounds = []
    for _ in range(given.rounds):
        products = [cost_of(partial(products_in_processes, copies)) for copies in (1, 2)]
        studies = [cost_of(partial(study, count)) for count in (1, 2)]
        (alone, _), (both, _) = products
        (one, cpu), (two, cpu_of_two) = studies
        rounds.append([one, two, one / two, 2 * alone / both, cpu, cpu_of_two])
        headers = ["1 process s", "2 s", "scales", "NumPy scales", "CPU s of 1", "of 2"]
        print(tabulate(rounds, headers, floatfmt=".2f"), flush=True)
    scales, of_numpy = (median(row[column] for row in rounds) for column in (2, 3))
    print(f"median: a study scales by {scales:.2f}, two products of NumPy by {of_numpy:.2f}")


def study_of_small_nets(dataset: str, epochs: int, seeds: int, processes: int) -> None:
    """Run a study of the nets of apps/compare_bits.py."""
    with tempfile.TemporaryDirectory() as folder:
        qnn.compare(
            partial(qnn.MLP, [784, 128, 128, 10], batch_norm=True, activation="hardtanh"),
            partial(qnn_data.load, dataset),
            weights=["symmetric"],
            bits=[2, 3, 4, 8, 32],
            seeds=seeds,
            epochs=epochs,
            executor=processes,
            store=folder,
            progress=False,
        )


PRODUCT = """
import numpy as np
x = np.ones((512, 512), np.float32)
for _ in range(1000):
    x @ x
"""


def products_in_processes(copies: int) -> None:
    """Run a loop of products in so many processes at once."""
    running = [subprocess.Popen([sys.executable, "-c", PRODUCT]) for _ in range(copies)]
    for process in running:
        process.wait()


def cost_of(call: Callable[[], None]) -> tuple[float, float]:
    """Return the wall time of a call, and the CPU time of this process and those that ended."""
    before, began = os.times(), time.perf_counter()
    call()
    seconds, after = time.perf_counter() - began, os.times()
    return seconds, sum(after[:4]) - sum(before[:4])


def net(**options: Any) -> qnn.MLP:
    """Return the net."""
    return qnn.MLP([784, 1000, 10], batch_norm=True, **options)


def bare(dataset: str, epochs: int, seeds: int) -> None:
    """Train all runs, and nothing else."""
    train, test = qnn_data.load(dataset)
    for seed in range(seeds):
        for config in configs_of(["symmetric"], None, BITS)[0]:
            weight, input = config.quantizers()
            model = net(weight=weight, input=input, seed=seed)
            batches = qnn_data.DataLoader(train, 100, shuffle=True, seed=seed)
            held_out = qnn_data.DataLoader(test, 1000)
            schedule = qnn.optim.Cosine(epochs * len(batches))
            optimizer = qnn.optim.Adam(model.named_parameters(), schedule=schedule)
            qnn.fit(model, batches, epochs=epochs, optimizer=optimizer, validation=held_out)
            qnn.evaluate(model, held_out)


def in_a_process(given: argparse.Namespace) -> None:
    """Run `bare` in a process of its own, as compare runs its runs."""
    options = [f"--{name}={getattr(given, name)}" for name in ("dataset", "epochs", "seeds")]
    subprocess.run([sys.executable, __file__, "--bare", *options], check=True)


def compared_(given: argparse.Namespace) -> None:
    """Run the same runs by `qnn.compare`."""
    with tempfile.TemporaryDirectory() as folder:
        qnn.compare(
            net,
            partial(qnn_data.load, given.dataset),
            weights=["symmetric"],
            bits=BITS,
            seeds=given.seeds,
            epochs=given.epochs,
            executor=1,
            store=folder,
            progress=False,
        )


def seconds_of(call: partial[None]) -> float:
    """Return the wall time of a call."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
