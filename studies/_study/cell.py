"""One cell of a study: one net, trained once. It depends on nothing but its description."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data

from .images import load
from .plan import Recipe, study

# Training images that `qnn.quantize` sees.
CALIBRATION = 1000


@dataclass(frozen=True)
class Cell:
    """One run.

    Attributes:
        study, arm: their names.
        seed: of the initial weights and the order of the batches.
        recipe: how it is trained.
        dataset: a name that `qnn_data.load` knows.
        train_samples: so many of the training images; None for all.
        held_out: see `load`.
        options: of the net; a run is repeated if they have changed.
    """

    study: str
    arm: str
    seed: int
    recipe: Recipe
    options: Mapping[str, Any]
    dataset: str = "mnist"
    train_samples: int | None = None
    held_out: int = 0


@dataclass(frozen=True)
class Result:
    """What became of a cell.

    Attributes:
        cell: its description.
        accuracy, loss: on the images that it is measured on, once, after the last epoch; 0 to 1.
        packed_accuracy: that of the file below: integers, no training code.
        nbytes: of the packed model's file.
        seconds: wall time.
        history: of each epoch the loss and the accuracy in training.
    """

    cell: dict[str, Any]
    accuracy: float
    loss: float
    packed_accuracy: float
    nbytes: int
    seconds: float
    history: list[dict[str, float]] = field(default_factory=list)


def run_cell(cell: Cell) -> Result:
    """Train and measure one net."""
    began = time.perf_counter()
    recipe = cell.recipe
    data = load(cell.dataset, recipe.border, recipe.side, cell.held_out, not recipe.augment)
    train = data.train
    if cell.train_samples is not None:
        train = train.subset(slice(cell.train_samples))
    model = study(cell.study).net(seed=cell.seed, **cell.options)
    batches = qnn_data.DataLoader(
        train, recipe.batch_size, shuffle=True, seed=cell.seed, augment=_augment(cell)
    )
    history = qnn.fit(
        model,
        batches,
        epochs=recipe.epochs,
        optimizer=_optimizer(model, recipe, len(batches)),
        loss=getattr(qnn.ops, recipe.loss),
        progress=False,
    )
    if recipe.post_training:
        samples, _ = train[:CALIBRATION]
        model = qnn.quantize(model, calibration=samples, **recipe.post_training)
    found = qnn.evaluate(model, qnn_data.DataLoader(data.test, 1000))
    accuracy, nbytes = _deployed(model, data.test)
    return Result(
        asdict(cell),
        accuracy=found.accuracy or 0.0,
        loss=found.loss,
        packed_accuracy=accuracy,
        nbytes=nbytes,
        seconds=time.perf_counter() - began,
        history=[{"loss": e.loss, "accuracy": e.accuracy or 0.0} for e in history.epochs],
    )


def _augment(cell: Cell) -> qnn_data.Augment | None:
    given: dict[str, Any] = dict(cell.recipe.augment)
    return qnn_data.Augment(**given, seed=cell.seed) if given else None


def _optimizer(model: qnn.Sequential, recipe: Recipe, steps: int) -> qnn.optim.Optimizer:
    """Return the optimizer, with its learning rate: up over one epoch, down over the others."""
    rest = max(1, steps * (recipe.epochs - 1))
    options: dict[str, Any] = {
        "weight_decay": recipe.weight_decay,
        "schedule": qnn.optim.WarmUp(steps, qnn.optim.Cosine(rest)),
    }
    parameters = model.named_parameters()
    if recipe.optimizer == "sgd":
        return qnn.optim.SGD(parameters, recipe.lr, momentum=0.9, nesterov=True, **options)
    return qnn.optim.AdamW(parameters, recipe.lr, **options)


def _deployed(model: qnn.Sequential, data: qnn_data.ArrayDataset) -> tuple[float, int]:
    """Return accuracy and bytes of the packed model, as it is read back from its file."""
    packed = qnn.pack(model, data[:1][0])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.qnn"
        packed.save(path)
        nbytes, packed = path.stat().st_size, qnn.load(path)
    batches = qnn_data.DataLoader(data, 1000)
    right = sum(np.count_nonzero(np.argmax(packed(x), axis=1) == y) for x, y in batches)
    return right / len(data), nbytes
