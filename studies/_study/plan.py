"""What a study is: configs with targets, how they are trained, and on what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import qnn_core as qnn
from qnn_compare import Config

# In the order of the index, docs/results/README.md.
NAMES = (
    *("mlp", "post_training", "deep", "deep_taught", "wide_taught", "small", "lenet"),
    *("tiny_convolutional", "tiny_linear", "board_convolutional", "board_linear", "logarithmic"),
)

# What studies have in common: an even rise of the rate over the first epoch, then half a cosine.
USUAL: Mapping[str, Any] = {"optimizer": "adamw", "warm_up": 1}


@dataclass(frozen=True)
class Study:
    """Nets that are compared, and what is said of them.

    Attributes:
        name: of its module here, and of its folder in docs/results.
        title: one line.
        about: what is float, what is quantized, how; paragraphs of the report.
        build: as `qnn.compare` takes it.
        configs: what is compared; the float one, if there is one, first.
        data: ``data(dataset=..., held_out=..., samples=...)`` returns training and test data.
        recipe: arguments of `qnn.compare`.
        seeds: how many.
        notes: what was seen and tried; paragraphs below the table.
    """

    name: str
    title: str
    about: str
    build: Callable[..., qnn.Module]
    configs: tuple[Config, ...]
    data: Callable[..., Any]
    recipe: Mapping[str, Any]
    seeds: int = 3
    notes: str = ""


def study(name: str) -> Study:
    """Return the study of that name, from its module."""
    found: Study = import_module(name).STUDY
    return found
