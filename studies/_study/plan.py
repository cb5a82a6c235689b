"""What a study is: a net, its arms, and how each is trained."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import qnn_core as qnn

# In the order of the index, docs/results/README.md.
NAMES = ("mlp", "post_training", "deep", "small", "lenet", "tiny", "logarithmic")


@dataclass(frozen=True)
class Recipe:
    """How a net is trained.

    Attributes:
        epochs, batch_size: as they say.
        optimizer: "adamw" or "sgd" (Nesterov's momentum 0.9).
        lr: greatest learning rate, after an even rise over the first epoch; then half a cosine.
        weight_decay: of the optimizer.
        loss: a name in `qnn.ops`.
        augment: arguments of `qnn_data.Augment`; empty for none.
        post_training: arguments of `qnn.quantize` for the trained net; empty for none.
        border: so many pixels are cut off at each side of the images. MNIST's digits fill the 20 x
            20 in the middle, nearly.
        side: images are then resized to so many pixels each way; 28 leaves whole ones alone.
    """

    epochs: int
    batch_size: int = 100
    optimizer: str = "adamw"
    lr: float = 1e-3
    weight_decay: float = 0.0
    loss: str = "softmax_cross_entropy"
    augment: Mapping[str, float] = field(default_factory=dict)
    post_training: Mapping[str, Any] = field(default_factory=dict)
    border: int = 0
    side: int = 28


@dataclass(frozen=True)
class Arm:
    """One of the nets that a study compares.

    Attributes:
        name: in tables and figures.
        options: arguments of the study's net.
        mark: test accuracy that it should reach, in percent; None for none.
        within: greatest loss against the study's first arm, in points; None for none.
        bytes_mark: greatest size of its packed file; None for none.
        recipe: what differs from the study's recipe.
    """

    name: str
    options: Mapping[str, Any]
    mark: float | None = None
    within: float | None = None
    bytes_mark: int | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Study:
    """Nets that are trained alike, from several seeds.

    Attributes:
        name: of its module here, and of its folder in docs/results.
        title: one line.
        about: what is float, what is quantized, how; paragraphs of the report.
        net: ``net(seed=..., **options)`` gives an untrained one.
        arms: what is compared; the float one, if there is one, first.
        recipe: how they are trained.
        seeds: how many.
        notes: what was seen and tried; paragraphs below the table.
    """

    name: str
    title: str
    about: str
    net: Callable[..., qnn.Sequential]
    arms: tuple[Arm, ...]
    recipe: Recipe
    seeds: int = 3
    notes: str = ""

    def recipe_of(self, arm: Arm) -> Recipe:
        """Return how an arm is trained."""
        return replace(self.recipe, **arm.recipe)

    def arm(self, name: str) -> Arm:
        """Return the arm of that name."""
        return next(arm for arm in self.arms if arm.name == name)


def study(name: str) -> Study:
    """Return the study of that name, from its module."""
    found: Study = import_module(name).STUDY
    return found
