"""Builders and data that importable functions give, so that other processes find them."""

import multiprocessing
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
from numpy.typing import NDArray

Array = NDArray[Any]
Part = tuple[Array, Array]


def data(train: int = 120, test: int = 60) -> tuple[Part, Part]:
    """Return three classes that a small net can tell apart, though not perfectly."""
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(3, 6))
    labels = rng.integers(3, size=train + test)
    x = (centers[labels] + rng.normal(scale=0.8, size=(train + test, 6))).astype(np.float32)
    return (x[:train], labels[:train]), (x[train:], labels[train:])


def net(weight: Any, input: Any, seed: int) -> qnn.Module:
    """Return a net of two layers."""
    return qnn.MLP([6, 12, 3], batch_norm=True, weight=weight, input=input, seed=seed)


def slow_net(weight: Any, input: Any, seed: int) -> qnn.Module:
    """Return `net` after a tenth of a second."""
    time.sleep(0.1)
    return net(weight, input, seed)


def noisy(weight: Any, input: Any, seed: int) -> qnn.Module:
    """Return a net whose weights and answers in training depend on the global generators."""
    model = net(weight, input, seed)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data[...] = [random.gauss(0, 0.1) for _ in range(parameter.data.size)]
    return qnn.Sequential(Noise(), model)


class Noise(qnn.Module):
    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        if not self.training:
            return x
        noise = np.random.normal(scale=0.1, size=x.shape)  # noqa: NPY002 - what is seeded
        return x + qnn.Tensor(noise.astype(np.float32))


class Marked:
    """A builder that notes each call in a folder, and may end its process or raise for a config.

    What is another in each run, its process and how slow it is, is no part of the object: that
    would be another builder.
    """

    def __init__(
        self, folder: Path, killed: str = "", raises: str = "", seconds: float = 0, seed: int = 1
    ) -> None:
        self.folder, self.killed, self.raises = folder, killed, raises
        self.seconds, self.seed = seconds, seed
        os.environ["MARKED_PARENT"] = str(os.getpid())

    def __call__(self, weight: Any, input: Any, seed: int) -> qnn.Module:
        name = "float" if weight is None else str(weight)
        if os.environ.get("MARKED_PARENT") != str(os.getpid()):
            time.sleep(float(os.environ.get("MARKED_SECONDS", self.seconds)))
            note = self.folder / f"{name}-{seed}-{os.getpid()}-{time.time_ns()}"
            note.write_text("", "utf-8")
            if seed == self.seed and name == self.killed:
                os.kill(os.getpid(), signal.SIGKILL)
            if seed == self.seed and name == self.raises:
                raise ZeroDivisionError("a bug of the builder")
        return net(weight, input, seed)

    def calls(self) -> Iterator[tuple[str, int]]:
        """Yield name and seed of each call in another process."""
        for note in self.folder.iterdir():
            name, seed, *_ = note.name.rsplit("-", 3)
            yield name, int(seed)


def unseeded_data() -> tuple[Part, Part]:
    """Return data that are split in another way each time."""
    (x, y), (test_x, test_y) = data()
    x, y = np.concatenate([x, test_x]), np.concatenate([y, test_y])
    order = np.random.default_rng().permutation(len(y))
    x, y = x[order], y[order]
    return (x[:120], y[:120]), (x[120:], y[120:])


def pooled_net(weight: Any, input: Any, seed: int) -> qnn.Module:
    """Return `net`, after starting a process in a worker."""
    if os.environ.get("MARKED_PARENT") != str(os.getpid()):
        with multiprocessing.get_context("fork").Pool(1) as pool:
            pool.map(abs, [-1])
    return net(weight, input, seed)
