"""Recipes, the training of one net by a recipe, and what was measured over seeds."""

import json
import multiprocessing
import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from qnn_core.files import atomic_write
from qnn_data.transforms import Compose, Flatten, ToFloat

from .original_layers import OriginalLinear, Scheme

BATCH = 100  # in evaluation too: the original's answers depend on it
OPTIMIZERS = {"sgd": qnn.optim.SGD, "adam": qnn.optim.Adam}


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


@dataclass(frozen=True)
class Setting:
    """What all runs share."""

    dataset: str
    samples: int | None
    epochs: int
    hidden: int


@dataclass(frozen=True)
class Result:
    """One run.

    Attributes:
        recipe, seed: what was trained.
        accuracies: on the test images, 0..1, after each epoch.
        unit_bits: entropy of what the hidden units put out for test images, in bits.
        zero_units: share of it that is zero.
        zero_weights: share of the hidden layer's weights that count as zero.
        greatest_weight: magnitude, of the latent ones.
        seconds: wall time.
    """

    recipe: Recipe
    seed: int
    accuracies: list[float]
    unit_bits: float | None
    zero_units: float | None
    zero_weights: float | None
    greatest_weight: float
    seconds: float


@cache
def _data(setting: Setting, pixels: str) -> tuple[qnn_data.ArrayDataset, qnn_data.ArrayDataset]:
    transform: Any = Compose([ToFloat(), Flatten()]) if pixels == "0 to 1" else "default"
    train, test = qnn_data.load(setting.dataset, transform=transform)
    return train.subset(slice(setting.samples)), test


def build(recipe: Recipe, hidden: int, seed: int) -> qnn.Sequential:
    """Return the net: the initial weights depend on the seed only."""
    last = Scheme(bits=None, bias=True)
    return qnn.Sequential(
        OriginalLinear(784, hidden, recipe, seed),
        qnn.nn.Sigmoid(),
        OriginalLinear(hidden, 10, last, seed + 1_000_000),
    )


def train(recipe: Recipe, seed: int, setting: Setting) -> Result:
    """Train and measure one net."""
    began = time.perf_counter()
    qnn.set_num_threads(1)  # the processes share the cores; and the same bits whatever --jobs is
    training, test = _data(setting, recipe.pixels)
    batches = qnn_data.DataLoader(training, BATCH, shuffle=True, seed=seed)
    held_out = qnn_data.DataLoader(test, BATCH)
    model = build(recipe, setting.hidden, seed)
    steps = len(batches) * setting.epochs
    schedule = qnn.optim.Cosine(steps) if recipe.optimizer == "adam" else None
    optimizer = OPTIMIZERS[recipe.optimizer](model.parameters(), recipe.lr, schedule=schedule)
    history = qnn.fit(
        model,
        batches,
        epochs=setting.epochs,
        optimizer=optimizer,
        validation=held_out,
        progress=False,
    )
    accuracies = [epoch.val_accuracy or 0.0 for epoch in history.epochs]
    found = _codes(model[0], test[:BATCH][0])
    seconds = time.perf_counter() - began
    return Result(recipe, seed, accuracies, *found, seconds=round(seconds, 1))


def _codes(
    layer: qnn.Module, images: Any
) -> tuple[float | None, float | None, float | None, float]:
    """Return entropy and share of zeros of the output, and of weights zeros and the greatest."""
    assert isinstance(layer, OriginalLinear)
    weight, recipe = layer.weight.data, layer.scheme
    greatest = float(np.abs(weight).max())
    if recipe.bits is None:
        return None, None, None, greatest
    with qnn.no_grad():
        units = layer(qnn.Tensor(images)).data
    _, counts = np.unique(units, return_counts=True)
    shares = counts / counts.sum()
    entropy = float(-(shares * np.log2(shares)).sum())
    return entropy, float(np.mean(units == 0)), float(np.mean(layer.codes() == 0)), greatest


class Study:
    """The results so far, kept in a file.

    Args:
        path: of the JSON file; results that it holds already are not computed again.
        setting: must be that of the file.
        facts: about the run, for the file.
    """

    def __init__(self, path: Path, setting: Setting, facts: dict[str, Any]) -> None:
        self.path = path
        self.setting = setting
        self.facts = facts
        self.results: dict[tuple[Recipe, int], Result] = {}
        if path.exists():
            content = json.loads(path.read_text(encoding="utf-8-sig"))
            if content["setting"] != asdict(setting):
                raise ValueError(f"{path} is of another setting: {content['setting']}")
            commands = content["run"]["commands"] + facts["commands"]
            self.facts = content["run"] | {"commands": commands}
            for run in content["results"]:
                self._add(Result(**(run | {"recipe": Recipe(**run["recipe"])})))

    def run(self, recipes: Iterable[Recipe], seeds: Sequence[int], jobs: int) -> Iterator[Result]:
        """Train what is not there yet; yield each result when it is in the file.

        All recipes with one seed come before those with the next: stopped early, the study is one
        of fewer seeds.
        """
        wanted = dict.fromkeys((recipe.effective, seed) for seed in seeds for recipe in recipes)
        cells = [cell for cell in wanted if cell not in self.results]
        began = time.perf_counter() - self.facts["seconds"]
        for result in _trained(cells, self.setting, jobs):
            self._add(result)
            self.facts["seconds"] = round(time.perf_counter() - began, 1)
            self.write()
            yield result

    def of(self, recipe: Recipe) -> list[Result]:
        """Return the results of a recipe, one for each seed."""
        return [
            r for (of, _), r in sorted(self.results.items(), key=_seed) if of == recipe.effective
        ]

    def accuracy(self, recipe: Recipe) -> tuple[float, float]:
        """Return mean and standard deviation over seeds, in percent; NaN where nothing is known."""
        last = [100 * result.accuracies[-1] for result in self.of(recipe)]
        if not last:
            return float("nan"), float("nan")
        return statistics.mean(last), statistics.stdev(last) if len(last) > 1 else 0.0

    def write(self) -> None:
        """Write the file, all at once."""
        content = {
            "format": "qnn paradox 1",
            "setting": asdict(self.setting),
            "run": self.facts,
            "results": [asdict(result) for result in self.results.values()],
        }
        atomic_write(self.path, f"{json.dumps(content, indent=1)}\n".encode())

    def _add(self, result: Result) -> None:
        self.results[result.recipe.effective, result.seed] = result


def _seed(item: tuple[tuple[Recipe, int], Result]) -> int:
    return item[0][1]


def _trained(cells: Sequence[tuple[Recipe, int]], setting: Setting, jobs: int) -> Iterator[Result]:
    if jobs == 1:
        yield from (train(recipe, seed, setting) for recipe, seed in cells)
        return
    # Spawned, not forked: a fork copies the locks of other threads in whatever state they are.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context) as executor:
        futures = [executor.submit(train, recipe, seed, setting) for recipe, seed in cells]
        for future in as_completed(futures):
            yield future.result()
