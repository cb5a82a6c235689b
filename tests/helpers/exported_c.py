"""Helpers of the tests of C: nets that are integer throughout, exported, compiled and run."""

import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
from packed_models import fitted
from qnn_core import nn, ops

MEAN, STD = 0.2, 0.3

# What generated C is compiled with: no warning may be left.
STRICT = (
    "-std=c99",
    "-pedantic",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Werror",
)


def pixels(m: int, *shape: int) -> np.ndarray:
    """Images of which a half is background."""
    rng = np.random.default_rng(m)
    made = rng.integers(0, 256, (m, *shape), dtype=np.uint8)
    made[rng.random(made.shape) < 0.5] = 0
    return made


def transform(images: np.ndarray) -> np.ndarray:
    """The same as ``(MEAN, STD)``."""
    scaled = images.astype(np.float32) / np.float32(255)
    return (scaled - np.float32(MEAN)) * (np.float32(1) / np.float32(STD))


def packed(model: qnn.Module, images: np.ndarray) -> qnn.PackedModel:
    """A net whose qparams and statistics are those of the images."""
    x = transform(images)
    return qnn.pack(fitted(model, x).eval(), x[:3])


def export(model: qnn.Module, images: np.ndarray, folder: Path, **options: Any) -> Any:
    """Export a net, its transform given as mean and standard deviation."""
    given = {"transform": (MEAN, STD), "samples": images} | options
    return packed(model, images).export_c(folder / "net", name="net", **given)


def compiled(folder: Path, *flags: str, compiler: str = "gcc") -> Path:
    """Compile net.c with its self-test; a warning is an error."""
    program = folder / "selftest"
    sources = [str(folder / "net.c"), str(folder / "net_test.c")]
    command = [compiler, *STRICT, *flags, "-DNET_TEST_MAIN", *sources, "-o", str(program)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return program


def run(program: Path) -> tuple[int, str]:
    """Return exit status and output of a program, of errors too."""
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Linears(nn.Module):
    """Three linear layers of one scheme, with batch norm and an activation between them."""

    def __init__(self, weight: str, inner: str, sizes: tuple[int, ...], activation: Any) -> None:
        self.layers = [
            nn.QuantLinear(a, b, weight=weight, input=inner, seed=i)
            for i, (a, b) in enumerate(pairwise(sizes))
        ]
        self.norms = [nn.BatchNorm(size) for size in sizes[1:-1]]
        self.activation = activation

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        for layer, norm in zip(self.layers, self.norms, strict=False):
            x = self.activation(norm(layer(x)))
        return self.layers[-1](x)


class Images(nn.Module):
    """A convolution with options, a maximum, a convolution of groups, and a linear layer."""

    def __init__(
        self, weight: str, inner: str, *, shape: tuple[int, ...] = (9, 8, 2), **window: Any
    ) -> None:
        quantizers: dict[str, Any] = {"weight": weight, "input": inner}
        self.shape = shape
        self.first = nn.QuantConv2d(shape[-1], 6, 3, seed=0, **quantizers, **window)
        self.norm = nn.BatchNorm(6)
        self.second = nn.QuantConv2d(6, 6, 2, groups=3, seed=1, **quantizers)
        size = self._features(np.zeros((1, *shape), np.float32)).shape
        self.last = nn.QuantLinear(int(np.prod(size[1:])), 5, seed=2, **quantizers)

    def _features(self, x: Any) -> qnn.Tensor:
        y = ops.max_pool2d(ops.relu(self.norm(self.first(x))), 2)
        return ops.relu(self.second(y))

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = self._features(x.reshape(-1, *self.shape))
        return self.last(y.reshape(x.shape[0], -1))


class Residual(nn.Module):
    """A stem, two residual sums, a mean over the image and a linear layer, all of codes."""

    def __init__(self, weight: str = "symmetric:4", inner: str = "uniform:4") -> None:
        def conv(before: int, size: int, seed: int) -> nn.QuantConv2d:
            how: dict[str, Any] = {"weight": weight, "input": inner, "padding": size // 2}
            return nn.QuantConv2d(before, 4, size, seed=seed, **how)

        self.stem, self.same, self.left, self.right = (
            conv(1, 3, 0),
            conv(4, 3, 1),
            conv(4, 1, 2),
            conv(4, 3, 3),
        )
        self.norms = [nn.BatchNorm(4) for _ in range(3)]
        self.stream = [nn.Quantize(inner) for _ in range(3)]
        self.last = nn.QuantLinear(4, 3, weight=weight, input="uniform:6", seed=4)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        x = x.reshape(-1, 7, 6, 1)
        x = self.stream[0](ops.relu(self.norms[0](self.stem(x))))
        x = self.stream[1](ops.relu(x + self.norms[1](self.same(x))))
        x = self.stream[2](ops.relu(self.norms[2](self.left(x)) + self.right(x)))
        return self.last(ops.global_avg_pool2d(x))
