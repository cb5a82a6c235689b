"""Nets of every kind of step that a page can have, small and untrained."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import qnn_core as qnn
from packed_models import fitted, specs
from qnn_core import Tensor, nn, ops

Net = tuple[str, Any, np.ndarray]
RNG = np.random.default_rng(7)


def data(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def schemes() -> Iterator[tuple[str, Callable[[], tuple[Any, np.ndarray]]]]:
    """Yield every registered scheme at 1, 2, 4 and 8 bits, in a linear net and in LeNet."""
    for spec in specs():
        how = {"weight": spec, "input": spec, "batch_norm": True, "seed": 0}
        yield f"mlp {spec}", lambda how=how: (qnn.MLP([70, 40, 33, 5], **how), data(6, 70))
        yield f"lenet {spec}", lambda how=how: (qnn.LeNet(**how), data(2, 28, 28, 1))


class OfOne(nn.Module):
    """A function of tensors as a module."""

    def __init__(self, act: Callable[[Tensor], Tensor]) -> None:
        self.act = act

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x)


# Functions of images [n, 6, 5, 4], one for each kind of step.
FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "absolute": abs,
    "add a pair": lambda x: x + x[:, ::-1],
    "add stretched": lambda x: x + x[:, :1],
    "clip": lambda x: ops.clip(x, -0.3, 0.8),
    "clip above": lambda x: ops.clip(x, -np.inf, 0.8),
    "concatenate": lambda x: ops.concatenate([x, x * 2], axis=2),
    "divide": lambda x: 1.5 / (x + 10),
    "broadcast": lambda x: ops.broadcast_to(x[:, :, :1], x.shape),
    "index": lambda x: x[:, [2, 0], 1:, None],
    "maximum of all": lambda x: ops.max(x, axis=(1, 2)),
    "maximum pool": lambda x: ops.max_pool2d(x, 3, stride=2, padding=1),
    "mean pool": lambda x: ops.avg_pool2d(x, 3, stride=2, padding=1),
    "mean of all": ops.global_avg_pool2d,
    "minimum": lambda x: ops.min(x, axis=-1, keepdims=True),
    "multiply by channels": lambda x: x * np.float32([1.5, -2, 0.1, 3]),
    "multiply by rows": lambda x: x * np.float32([1, -2, 3, 4, 0.5, 0.1]).reshape(6, 1, 1),
    "negative": lambda x: -x,
    "pad": lambda x: ops.pad2d(x, (1, 0), (0, 2), value=0.1),
    "relu": ops.relu,
    "sigmoid": lambda x: ops.sigmoid(x * 30),
    "sqrt": lambda x: ops.sqrt(abs(x)),
    "subtract from": lambda x: 0.1 - x,
    "tanh": lambda x: ops.tanh(x * 5),
    "transpose": lambda x: ops.transpose(x, (0, 3, 1, 2)),
}


class Shortcut(nn.Module):
    """A residual sum between convolutions of integers, padded, with strides and in groups."""

    def __init__(self, weight: str, input: str) -> None:
        how = {"weight": weight, "input": input}
        self.first = nn.QuantConv2d(4, 8, 3, padding=1, **how, seed=1)
        self.second = nn.QuantConv2d(8, 8, 3, padding=1, groups=4, **how, seed=2)
        self.third = nn.QuantConv2d(8, 8, 3, padding=1, groups=8, **how, seed=3)
        self.last = nn.QuantConv2d(8, 6, (3, 2), stride=2, padding=(1, 0), **how, seed=4)

    def forward(self, x: Tensor) -> Tensor:
        y = ops.relu(self.first(x))
        return self.last(ops.relu(y + self.third(ops.relu(self.second(y)))))


def wholes() -> dict[str, Callable[[], tuple[Any, np.ndarray]]]:
    """Nets of several kinds of layers."""
    ends = {
        f"{end}_{side}": "symmetric:8" for end in ("first", "last") for side in ("weight", "input")
    }
    bits = {"weight": "symmetric:4", "input": "uniform:8", "pool_input": "uniform:8"}
    return {
        "depthwise": lambda: (
            qnn.DSCNN((12, 12, 1), first_kernel=3, blocks=2, channels=8, **bits, **ends, seed=0),
            data(3, 12, 12, 1),
        ),
        "resnet": lambda: (
            qnn.ResNet((12, 12, 3), weight="binary", input="symmetric:2", seed=0),
            data(2, 12, 12, 3),
        ),
        "shortcut": lambda: (Shortcut("symmetric:3", "uniform:4"), data(3, 6, 5, 4)),
        "shortcut of channels": lambda: (
            Shortcut("symmetric:3,axis=0", "symmetric:4"),
            data(3, 6, 5, 4),
        ),
        "shortcut of floats": lambda: (Shortcut("nf4:4", "uniform:4"), data(3, 6, 5, 4)),
        "signal": lambda: (
            nn.Sequential(
                nn.QuantConv1d(2, 8, 5, padding=2, weight="symmetric:2", input="uniform:4", seed=0),
                nn.ReLU(),
                nn.MaxPool1d(2),
                nn.QuantConv1d(8, 4, 3, weight="symmetric:2", input="uniform:4", seed=1),
                nn.GlobalAvgPool1d(),
            ),
            data(4, 20, 2),
        ),
        "softmax": lambda: (
            nn.Sequential(
                qnn.MLP([9, 7, 4], weight="symmetric:2", input="uniform:2", seed=0),
                OfOne(ops.softmax),
            ),
            data(5, 9),
        ),
        "two outputs": lambda: (TwoOutputs(), data(5, 9)),
    }


class TwoOutputs(nn.Module):
    """A net that returns codes' numbers and scores."""

    def __init__(self) -> None:
        self.inner = nn.QuantLinear(9, 8, weight="symmetric:2", input="uniform:3", seed=0)
        self.outer = nn.QuantLinear(8, 3, weight="binary", input="uniform:2", seed=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = self.inner(x)
        return self.outer(y), ops.tanh(y)


def packed(model: Any, x: np.ndarray) -> qnn.PackedModel:
    """Pack a model that has seen data."""
    return qnn.pack(fitted(model, x).eval(), x[:2])
