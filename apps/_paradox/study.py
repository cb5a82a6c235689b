"""Recipes, the net that each stands for, and what a comparison of them came to."""

import functools
import statistics
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from qnn_compare import Comparison, Config, Result
from qnn_data.transforms import Compose, Flatten, ToFloat

from .original_layers import OriginalLinear, Scheme

BATCH = 100  # in evaluation too: the original's answers depend on it
MNIST = qnn_data.MNIST


@dataclass(frozen=True)
class Recipe(Scheme):
    """A scheme for the hidden layer, and how the net is trained; the defaults are the original's.

    Attributes:
        optimizer: "sgd", at a constant rate, or "adam", with a cosine schedule.
        lr: learning rate.
        pixels: "0 to 1", or "standardized" to mean 0 and deviation 1.
    """

    optimizer: str = "sgd"
    lr: float = 0.01
    pixels: str = "0 to 1"

    @property
    def effective(self) -> "Recipe":
        """The same net with switches that change nothing for it as they are in the original.

        A float layer has none but its bias, which it has in the original too; bare signs have
        neither step nor grid.
        """
        training: dict[str, Any] = {
            "optimizer": self.optimizer, "lr": self.lr, "pixels": self.pixels
        }  # fmt: skip
        if self.bits is None:
            return Recipe(bits=None, bias=True, **training)
        if self.signs:
            return Recipe(
                bits=1, sign_of_zero=self.sign_of_zero, bias=self.bias, backward=self.backward,
                **training,
            )  # fmt: skip
        grid = "even" if self.even else self.grid
        return replace(self, grid=grid, sign_of_zero=0)

    @property
    def config(self) -> Config:
        """What `qnn.compare` is to compare."""
        recipe = self.effective
        scheme = {field.name: getattr(recipe, field.name) for field in fields(Scheme)}
        optimizer: Any = "adam"
        if recipe.optimizer == "sgd":
            optimizer = functools.partial(at_a_constant_rate, lr=recipe.lr)
        training = {"optimizer": optimizer, "lr": recipe.lr}
        return Config(str(recipe), recipe=training, scheme=scheme, pixels=recipe.pixels)

    def __str__(self) -> str:
        """Return what differs from the original."""
        bits = "float" if self.bits is None else f"{self.bits} bits"
        plain = Recipe(bits=self.bits, bias=self.bits is None)
        changes = (
            f"{f.name}={getattr(self, f.name)}"
            for f in fields(self)
            if getattr(self, f.name) != getattr(plain, f.name)
        )
        return ", ".join([bits, *changes])


def at_a_constant_rate(model: qnn.Module, steps: int, *, lr: float) -> qnn.optim.Optimizer:
    """Return plain gradient descent, as the original trains, however many steps there are."""
    return qnn.optim.SGD(model.parameters(), lr)


def configs(recipes: Iterable[Recipe]) -> list[Config]:
    """Return what is to be compared: of recipes that mean the same net, one."""
    return list({recipe.effective: recipe.config for recipe in recipes}.values())


def data(dataset: str, samples: int | None) -> Any:
    """Return training and test data, pixels from 0 to 1."""
    train, test = qnn_data.load(dataset, transform=Compose([ToFloat(), Flatten()]))
    return functools.partial(_batches, train.subset(slice(samples))), test


def _batches(train: qnn_data.ArrayDataset, seed: int) -> qnn_data.DataLoader:
    return qnn_data.DataLoader(train, BATCH, shuffle=True, seed=seed)


def build(
    *, weight: None, input: None, seed: int, scheme: dict[str, Any], pixels: str, hidden: int
) -> qnn.Module:
    """Return the net: the initial weights depend on the seed only.

    Args:
        weight, input: None: the layers quantize in the original's way.
        seed: of the initial weights.
        scheme: of the hidden layer.
        pixels: see `Recipe`.
        hidden: units.
    """
    return Net(Scheme(**scheme), hidden, seed, standardized=pixels == "standardized")


class Net(qnn.Module):
    """The original's net; it sees its data in batches of `BATCH`, in evaluation too."""

    def __init__(self, scheme: Scheme, hidden: int, seed: int, *, standardized: bool) -> None:
        self.standardized, self.is_float = standardized, scheme.bits is None
        self.layers = qnn.Sequential(
            OriginalLinear(784, hidden, scheme, seed),
            qnn.nn.Sigmoid(),
            OriginalLinear(hidden, 10, Scheme(bits=None, bias=True), seed + 1_000_000),
        )

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        """Map ``[batch, 784]`` to ``[batch, 10]``."""
        x = self.standard(x)
        if not self.is_float and len(x) > BATCH:
            parts = [self.layers(x[n : n + BATCH]) for n in range(0, len(x), BATCH)]
            return qnn.ops.concatenate(parts)
        y: qnn.Tensor = self.layers(x)
        return y

    def standard(self, x: qnn.Tensor) -> qnn.Tensor:
        """Return pixels as the net wants them."""
        if not self.standardized:
            return x
        standard: qnn.Tensor = (x - MNIST.mean) / MNIST.std
        return standard


def measure(model: qnn.Module, test: Any) -> dict[str, float]:
    """Return what the hidden layer's codes are like.

    Of what it puts out for a batch of test images the entropy in bits and the share of zeros, the
    share of its weights that count as zero, and the greatest of the latent ones.
    """
    assert isinstance(model, Net)
    layer = model.layers[0]
    assert isinstance(layer, OriginalLinear)
    greatest = {"greatest_weight": float(np.abs(layer.weight.data).max())}
    if layer.scheme.bits is None:
        return greatest
    images, _ = test[:BATCH]
    with qnn.no_grad():
        units = layer(model.standard(qnn.Tensor(images))).data
    _, counts = np.unique(units, return_counts=True)
    shares = counts / counts.sum()
    return greatest | {
        "unit_bits": float(-(shares * np.log2(shares)).sum()),
        "zero_units": float(np.mean(units == 0)),
        "zero_weights": float(np.mean(layer.codes() == 0)),
    }


@dataclass(frozen=True)
class Found:
    """What a comparison came to, by recipe."""

    comparison: Comparison

    def of(self, recipe: Recipe) -> list[Result]:
        """Return the results of a recipe, one for each seed."""
        name = str(recipe.effective)
        known = any(config.name == name for config in self.comparison.configs)
        return self.comparison.done(name) if known else []

    def accuracy(self, recipe: Recipe) -> tuple[float, float]:
        """Return mean and standard deviation over seeds, in percent; NaN where nothing is known."""
        last = [100 * result.accuracy for result in self.of(recipe)]
        if not last:
            return float("nan"), float("nan")
        return statistics.mean(last), statistics.stdev(last) if len(last) > 1 else 0.0
