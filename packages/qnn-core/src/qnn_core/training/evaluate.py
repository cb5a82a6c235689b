"""Loss and metric of a model on data."""

import functools
import inspect
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np

from ..autodiff import Tensor, no_grad
from ..data import Batch, Given, arrays_of, batches_of, checked_batches, run
from ..errors import SpecError
from ..nn import Module
from ..ops import softmax_cross_entropy
from .metrics import ACCURACIES, Meter, Metric, MetricLike, metric_of

Loss = Callable[..., Tensor]


@dataclass(frozen=True)
class Evaluation:
    """A model's result on data.

    Attributes:
        loss: mean over all samples.
        accuracy: share of samples classified right, 0..1; None if they are not classified.
        samples: number of samples.
        metric: value of the metric; None if there is none.
        metric_name: its name, ``""`` if there is none.

    Example:
        >>> print(Evaluation(0.25, 0.9, 100, metric=0.9, metric_name="accuracy"))
        loss 0.2500, accuracy 90.00%
    """

    loss: float
    accuracy: float | None
    samples: int
    metric: float | None = None
    metric_name: str = ""

    def __str__(self) -> str:
        return f"loss {self.loss:.4f}{told(self)}"


def told(result: Evaluation, metric: Metric | None = None) -> str:
    """Return the metric of a result in words, after a comma; nothing if there is none."""
    if result.metric is None:
        return ""
    percent = result.metric_name in ACCURACIES if metric is None else metric.percent
    shown = f"{result.metric:.2%}" if percent else f"{result.metric:.4g}"
    return f", {result.metric_name.replace('_', ' ')} {shown}"


class Tally:
    """Adds up loss and metric over batches."""

    def __init__(self, loss: Loss, metric: Any) -> None:
        self.samples = 0
        self._loss = 0.0
        self._weight = 0.0
        self._meter = Meter(metric, loss)

    @property
    def metric(self) -> Metric | None:
        """The metric; None if there is none."""
        return self._meter.metric

    def add(self, loss: float, outputs: Any, batch: Batch) -> None:
        """Count one batch with its mean loss and the arrays that the model gave."""
        count = batch.samples
        weight = count if batch.weights is None else batch.weights.sum()
        self.samples += count
        self._weight += weight
        self._loss += loss * weight
        self._meter.add(outputs, batch)

    def so_far(self) -> Evaluation:
        """Return the means so far; a metric that is no mean is left out."""
        return self._evaluation(self._meter.so_far())

    def result(self) -> Evaluation:
        """Return loss and metric over all batches."""
        return self._evaluation(self._meter.result())

    def _evaluation(self, value: float | None) -> Evaluation:
        metric = self.metric
        name = "" if metric is None or value is None else metric.name
        accuracy = value if name in ACCURACIES else None
        loss = float(self._loss / self._weight) if self._weight else float("nan")
        return Evaluation(loss, accuracy, self.samples, value, name)


class WeighedLoss:
    """A loss, called with the weights of a batch if there are any, and its inputs if it wants them.

    Args:
        loss: ``loss(outputs, targets)``, or with a ``sample_weight``, or with ``inputs``.
        where: for messages.
    """

    def __init__(self, loss: Loss, where: str) -> None:
        self.loss, self._where = loss, where

    def __call__(self, outputs: Any, batch: Batch) -> Tensor:
        """Return the mean loss of a batch.

        Raises:
            SpecError: if the batch has weights, and the loss takes none.
            TypeError: if the loss is no tensor of one element.
        """
        options: dict[str, Any] = {"inputs": batch.inputs} if self._takes_inputs else {}
        if batch.weights is not None:
            self._check_weights()
            options["sample_weight"] = batch.weights
        value = self.loss(outputs, batch.targets, **options)
        if not isinstance(value, Tensor) or value.size != 1:
            shape = f" of shape {np.shape(value)}" if hasattr(value, "shape") else ""
            raise TypeError(
                f"{self._where}: the loss must return a tensor of one element, the mean over the "
                f"batch; got a {type(value).__name__}{shape}"
            )
        return value

    @functools.cached_property
    def _takes_inputs(self) -> bool:
        try:
            return "inputs" in inspect.signature(self.loss).parameters
        except (TypeError, ValueError):  # of what is built in, some have no signature
            return False

    @functools.cached_property
    def _takes_weights(self) -> bool:
        parameters = inspect.signature(self.loss).parameters.values()
        return any(p.name == "sample_weight" or p.kind == p.VAR_KEYWORD for p in parameters)

    def _check_weights(self) -> None:
        if not self._takes_weights:
            raise SpecError(
                f"{self._where}: the data have samples' weights, but the loss takes none: "
                "loss(outputs, targets, sample_weight=None), as those of qnn.ops"
            )


def evaluate(
    model: Module | Callable[..., Any],
    data: Given,
    *,
    loss: Loss = softmax_cross_entropy,
    metric: MetricLike = "auto",
) -> Evaluation:
    """Return the mean loss and the metric of `model`, in evaluation mode, on `data`.

    Args:
        model: takes a batch of inputs, gives one row per sample, or a tuple or dictionary of such.
            A `PackedModel`, or any function of float32 arrays, may be evaluated too.
        data: inputs and targets: arrays ``(x, y)`` or ``(x, y, weights)``, a data set, or batches
            of these, such as a DataLoader. Arrays and data sets are cut into batches of 1,000.
        loss: ``loss(outputs, targets)``, a mean over the batch; one with an argument ``inputs``
            gets these too.
        metric: a name (accuracy, binary_accuracy, mae, mse, r2, auc), a `Metric`, any function of
            outputs and targets, or None; "auto" is what the loss means: accuracy for classes, or
            for yes and no, and none for distances.

    Raises:
        ShapeError: if there are no data, or the metric has no meaning for them.
        SpecError: if a metric is not known.
        NonFiniteError: if the inputs hold NaN or infinity.

    Example:
        >>> import qnn_core as qnn
        >>> x, y = np.eye(2), np.array([0, 1])
        >>> qnn.evaluate(qnn.MLP([2, 2], seed=0), (x, y)).samples
        2
        >>> line = qnn.MLP([2, 1], seed=0)
        >>> found = qnn.evaluate(line, (x, y), loss=qnn.ops.mean_squared_error, metric="mae")
        >>> found.accuracy, found.metric_name
        (None, 'mae')
    """
    chosen = metric_of(metric, "evaluate", directed=False)
    return evaluated(model, data, partial(_outputs, model), loss=loss, metric=chosen)


def evaluated(
    model: Any,
    data: Given,
    forward: Callable[[Any], Any],
    *,
    loss: Loss,
    metric: Metric | Literal["auto"] | None,
) -> Evaluation:
    """Return the result of a model on data by a function that gives its outputs for inputs."""
    tally, mean = Tally(loss, metric), WeighedLoss(loss, "evaluate")
    dtype = model.dtype if isinstance(model, Module) else np.dtype(np.float32)
    with evaluating(model), no_grad():
        for batch in checked_batches(batches_of(data, "evaluate"), dtype, "evaluate"):
            if batch.weights is not None and not batch.weights.any():
                continue  # nothing in it counts
            outputs = forward(batch.inputs)
            tally.add(mean(outputs, batch).item(), arrays_of(outputs), batch)
    return tally.result()


def _outputs(model: Any, inputs: Any) -> Any:
    if isinstance(model, Module):
        return run(model, inputs)
    found = model(*inputs) if isinstance(inputs, tuple) else model(inputs)
    return Tensor(found) if isinstance(found, np.ndarray) else found


@contextmanager
def evaluating(model: Any) -> Generator[None]:
    """Let a module be in evaluation mode; after it each part has its own mode again."""
    modules = [module for _, module in model.named_modules()] if isinstance(model, Module) else []
    modes = [module.training for module in modules]
    try:
        if isinstance(model, Module):
            model.eval()
        yield
    finally:
        for module, training in zip(modules, modes, strict=True):
            module.training = training
