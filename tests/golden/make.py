"""Write a golden file of a NEW format version: python tests/golden/make.py checkpoint-v2.qnn

A packed model (packed-v3.qnn) comes with an input and its outputs beside it, as .npz.

An existing file is never overwritten: that yesterday's bytes can still be read is what it tests.
"""

import sys
from pathlib import Path

import numpy as np
import qnn_core as qnn


def main(name: str) -> None:
    path = Path(__file__).with_name(name)
    if path.exists():
        raise SystemExit(f"{path} exists: golden files are made once")
    MAKERS[name.rpartition("-v")[0]](path)


def checkpoint(path: Path) -> None:
    model = qnn.MLP([3, 4, 2], weight="symmetric:2", input="uniform:2", dropout=0.5, seed=0)
    optimizer = qnn.optim.Adam(model.parameters(), lr=0.01)
    batches = [(np.eye(3), np.array([0, 1, 0]))]
    qnn.fit(model, batches, epochs=2, optimizer=optimizer, checkpoint=path)


class Everything(qnn.Module):
    """Fused nodes in both forms, and those that stay what they are."""

    def __init__(self) -> None:
        self.first = qnn.QuantLinear(9, 70, weight="symmetric:2,axis=0", input="uniform:3", seed=0)
        self.norm = qnn.nn.BatchNorm(70)
        self.second = qnn.QuantLinear(70, 20, weight="binary", input="binary", seed=1)
        self.third = qnn.QuantLinear(20, 20, weight="logarithmic:4", input="uniform:4", seed=2)
        self.last = qnn.QuantLinear(20, 4, weight="uniform:6", input="symmetric:6", seed=3)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = self.norm(self.first(x)) * np.where(np.arange(70) % 2, 1, -1)
        y = qnn.ops.relu(self.second(y))
        y = qnn.ops.clip(self.third(y), -np.inf, 3) + y[:, ::-1][:, np.arange(20)]
        return self.last(qnn.ops.reshape(y, (len(x.data), 20)))


class Images(qnn.Module):
    """Convolutions of each kind, pools of codes and of floats, a residual sum."""

    def __init__(self) -> None:
        self.first = qnn.QuantConv2d(
            2, 8, 3, padding=1, weight="symmetric:2", input="uniform:3", seed=0
        )
        self.norm = qnn.nn.BatchNorm(8)
        self.inner = qnn.QuantConv2d(8, 8, 2, weight="symmetric:3", input="uniform:2", seed=4)
        self.second = qnn.QuantConv2d(8, 8, 3, padding=1, weight="binary", input="binary", seed=1)
        self.third = qnn.QuantConv2d(
            8, 4, 2, stride=(2, 1), groups=2, weight="symmetric:4,axis=0", input="uniform:4", seed=2
        )
        self.last = qnn.QuantLinear(4, 3, weight="uniform:6", input="symmetric:6", seed=3)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        x = qnn.ops.max_pool2d(qnn.ops.hardtanh(self.norm(self.first(x))), 2)
        x = x[:, 1:, 1:] + self.second(qnn.ops.tanh(self.inner(x)))
        return self.last(qnn.ops.global_avg_pool2d(qnn.ops.avg_pool2d(self.third(x), 2, stride=1)))


class Integers(qnn.Module):
    """Depthwise and grouped convolutions, codes of 8 bits, means of codes of both kinds."""

    def __init__(self) -> None:
        pair = {"weight": "symmetric:4,axis=0", "input": "uniform:8"}
        few = {"weight": "symmetric:3", "input": "uniform:2"}
        self.first = qnn.QuantConv2d(2, 64, 3, padding=1, bias=False, seed=0, **pair)
        self.norm = qnn.nn.BatchNorm(64)
        self.alone = qnn.QuantConv2d(64, 64, 3, padding=1, groups=64, seed=1, **few)
        self.inner = qnn.nn.BatchNorm(64)
        self.grouped = qnn.QuantConv2d(64, 64, 2, groups=2, seed=2, **few)
        self.codes = qnn.nn.Quantize("uniform:5")
        self.other = qnn.QuantConv2d(64, 8, 1, seed=3, **few)
        self.end = qnn.nn.Quantize("symmetric:8")
        self.last = qnn.QuantLinear(8, 3, weight="uniform:6", input="symmetric:6", seed=4)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        x = qnn.ops.relu(self.norm(self.first(x)))
        x = qnn.ops.relu(self.inner(self.alone(x)))
        x = qnn.ops.avg_pool2d(self.codes(self.grouped(x)), (3, 2), stride=2, padding=1)
        x = qnn.ops.avg_pool2d(self.end(self.other(x)), 2)
        return self.last(qnn.ops.global_avg_pool2d(x + x))


def packed(path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(16, 9)).astype(np.float32)
    pack(path, Everything(), x)


def packed_images(path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(8, 11, 10, 2)).astype(np.float32)
    pack(path, Images(), x)


def packed_integers(path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(8, 11, 10, 2)).astype(np.float32)
    pack(path, Integers(), x)


def pack(path: Path, model: qnn.Module, x: np.ndarray) -> None:
    model(qnn.Tensor(x))
    made = qnn.pack(model, x)
    made.save(path)
    np.savez(path.with_suffix(".npz"), x=x, y=made(x))


MAKERS = {
    "checkpoint": checkpoint,
    "packed": packed,
    "packed-images": packed_images,
    "packed-integers": packed_integers,
}


if __name__ == "__main__":
    main(sys.argv[1])
