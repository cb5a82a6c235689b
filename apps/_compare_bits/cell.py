"""One cell of a study: one net, trained once. It depends on nothing but its description."""

import math
import time
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal

import qnn_core as qnn
import qnn_data

from .plan import FLOAT, one_line

MODELS = ("mlp", "lenet", "resnet")
OPTIMIZERS = ("adam", "adamw", "sgd")


@dataclass(frozen=True)
class Settings:
    """What all cells of a study share.

    Attributes:
        dataset: a name that `qnn_data.load` knows.
        train_samples: use only so many of the training images; None for all.
        model: one of `MODELS`.
        hidden: width of each hidden layer of an mlp; empty for the others.
        activation: see `qnn.MLP`.
        epochs, batch_size, lr: of the training.
        optimizer: one of `OPTIMIZERS`.
    """

    dataset: str
    train_samples: int | None
    model: str
    hidden: tuple[int, ...]
    activation: str
    epochs: int
    batch_size: int
    lr: float
    optimizer: str


@dataclass(frozen=True)
class Cell:
    """One run: what is trained, and from which seed (initial weights and order of batches)."""

    scheme: str
    bits: int
    seed: int
    settings: Settings


@dataclass(frozen=True)
class Result:
    """What became of a cell.

    Attributes:
        scheme, bits, seed: the cell.
        status: "done", or "failed" if training raised an error.
        reason: the error.
        accuracy, loss: on the test data after the last epoch; accuracy from 0 to 1.
        nbytes: bytes of the parameters when deployed.
        seconds: wall time, evaluations included.
        history: measurements of each epoch; of a failed run, those before the failure.
    """

    scheme: str
    bits: int
    seed: int
    status: Literal["done", "failed"]
    reason: str = ""
    accuracy: float | None = None
    loss: float | None = None
    nbytes: int | None = None
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)


def run_cell(cell: Cell) -> Result:
    """Train and measure one net. An error becomes a result: it must not take others down."""
    history: list[dict[str, Any]] = []
    began = time.perf_counter()
    try:
        nbytes = _train(cell, history)
    except Exception as error:  # diverged, or a fault in a stranger's plugin
        found: dict[str, Any] = {"status": "failed"}
        found["reason"] = one_line(f"{type(error).__name__}: {error}")
    else:
        found = {"status": "done", "nbytes": nbytes}
        found |= {"accuracy": history[-1]["val_accuracy"], "loss": history[-1]["val_loss"]}
    seconds = time.perf_counter() - began
    return Result(cell.scheme, cell.bits, cell.seed, **found, seconds=seconds, history=history)


def _train(cell: Cell, history: list[dict[str, Any]]) -> int:
    """Train the cell's net, append each epoch to `history`, and return its bytes."""
    settings = cell.settings
    train, test = load(settings.dataset, settings.train_samples)
    model = build(cell, features=test[:1][0].shape[1], classes=len(test.classes))
    batches = qnn_data.DataLoader(train, settings.batch_size, shuffle=True, seed=cell.seed)
    qnn.fit(
        model,
        batches,
        epochs=settings.epochs,
        optimizer=_optimizer(model, settings, steps=len(batches) * settings.epochs),
        # Only watched: the last epoch counts, whatever the test data say.
        validation=qnn_data.DataLoader(test, 1000),
        progress=False,
        on_epoch=lambda epoch: history.append(_finite(asdict(epoch))),
    )
    return qnn.summary(model, test[:1][0]).nbytes


@cache
def load(name: str, train_samples: int | None) -> tuple[Any, Any]:
    """Return training and test data; kept, since a worker trains many cells."""
    train, test = qnn_data.load(name)
    return (train if train_samples is None else train.subset(slice(train_samples))), test


def build(cell: Cell, features: int, classes: int) -> qnn.Sequential:
    """Return the cell's net: every layer but the last on quantized weights and inputs.

    Of a convolutional net the first layer is float too.
    """
    settings = cell.settings
    quantizer = None if cell.bits == FLOAT else qnn.get_quantizer(cell.scheme, bits=cell.bits)
    options: dict[str, Any] = {"weight": quantizer, "input": quantizer, "seed": cell.seed}
    options["activation"] = settings.activation
    if settings.model == "lenet":
        return qnn.LeNet(classes=classes, batch_norm=True, **options)
    if settings.model == "resnet":
        return qnn.ResNet(classes=classes, **options)
    return qnn.MLP([features, *settings.hidden, classes], batch_norm=True, **options)


def _optimizer(model: qnn.Sequential, settings: Settings, steps: int) -> qnn.optim.Optimizer:
    parameters, schedule = model.named_parameters(), qnn.optim.Cosine(steps)
    if settings.optimizer == "sgd":
        return qnn.optim.SGD(parameters, settings.lr, momentum=0.9, schedule=schedule)
    kind = qnn.optim.AdamW if settings.optimizer == "adamw" else qnn.optim.Adam
    return kind(parameters, settings.lr, schedule=schedule)


def _finite(epoch: dict[str, Any]) -> dict[str, Any]:
    """Replace NaN and infinity, which JSON cannot hold, by None."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in epoch.items()
    }
