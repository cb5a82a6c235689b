"""Says in one line when a training has gone nowhere, and why it probably has."""

import copy
import math
import warnings
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import ops
from ..autodiff import Op, Parameter, Tensor, no_grad
from ..autodiff.mode import recording
from ..data import Batch, mapped, run
from ..errors import TrainingWarning
from ..nn import Module, Quantize, QuantizeWeight
from ..nn.watcher import Watcher
from ..optim import Optimizer
from .evaluate import Loss

Array = NDArray[Any]

# A look costs a pass over some samples: it waits for so many steps, of one epoch or several short
# ones, which also need time to learn.
STEPS = 50
PATIENT_STEPS = 200
SAMPLES = 64
FEWEST_SAMPLES = 8
TARGETS = 1_000_000

# Losses are at chance if they are no smaller than this share of a constant answer's.
CHANCE = 0.98
TINY = 1e-6
# A loss that falls to this share between looks is on its way.
SLOW = 0.99
GREAT_INPUT = 30.0
GROWTH = 10.0


class Diagnosis:
    """Looks on while a model is trained.

    Args:
        model: which is trained.
        optimizer: of it.
        loss: the loss.

    Attributes:
        said: what was warned of.
    """

    def __init__(self, model: Module, optimizer: Optimizer, loss: Loss) -> None:
        self._model, self._optimizer, self._loss = model, optimizer, loss
        self._norms = {name: _norm(p) for name, p in model.named_parameters()}
        self.said: list[str] = []
        self._looked = False
        self._all_steps = 0
        self._before = math.inf
        self._begin()

    def _begin(self) -> None:
        self._steps = 0
        self._size = 0
        self._first: Batch | None = None
        self._targets: list[Array] = []

    def saw(self, batch: Batch) -> None:
        """Note a training batch."""
        self._steps += 1
        self._all_steps += 1
        if self._first is None:
            # Copies: who gives batches may use the same memory for each.
            self._first = Batch(*(mapped(p, np.array) for p in batch.take(slice(0, SAMPLES))))
        targets = batch.targets
        if self._size < TARGETS and isinstance(targets, np.ndarray) and batch.weights is None:
            self._targets.append(np.array(targets))
            self._size += targets.size

    def after_epoch(self, loss: float) -> None:
        """Warn, once in a run, if what was seen has gone nowhere.

        Args:
            loss: of training, the mean over the epoch.
        """
        if self.said or self._first is None or self._steps < STEPS:
            return
        chance = self._chance()
        at_chance = chance is not None and loss >= CHANCE * chance > TINY
        if at_chance or not self._looked:
            self._looked = True
            found = self._found(self._first, loss, chance if at_chance else None)
            if found:
                self.said.append(found)
                # At who called fit: _Run.epoch, fit and this are between.
                warnings.warn(f"fit: {found}", TrainingWarning, stacklevel=5)
        self._before = loss
        self._begin()

    def _found(self, few: Batch, loss: float, chance: float | None) -> str:
        """Return what is wrong, ``""`` if nothing is; `few` are some samples."""
        if few.samples < FEWEST_SAMPLES or not isinstance(few.inputs, np.ndarray):
            return ""
        try:
            # A copy: a model may count how often it runs.
            model = copy.deepcopy(self._model).eval()
            look = Look(model)
            with no_grad(), recording(look):
                outputs = run(look.begin(model), few.inputs)
            after = math.inf if chance is None else self._loss(outputs, few.targets).item()
        except Exception:
            # Whatever a user's model raises on a few samples in evaluation mode: it is no reason
            # to end its training.
            return ""
        if look.equal_codes:
            return look.equal_codes[0]
        if self._loss is ops.softmax_cross_entropy and outputs.shape[1] == 1:
            return (
                "softmax cross-entropy of one column is always 0, so nothing is learned: give the "
                "last layer a column for each class, or use binary_cross_entropy_with_logits"
            )
        if chance is None or after < CHANCE * chance:
            return ""
        return self._cause(few.inputs, look, loss, chance)

    def _chance(self) -> float | None:
        """Return the least loss that an answer which is always the same has; None if unknown."""
        measure = CONSTANT.get(self._loss) if isinstance(self._loss, Hashable) else None
        if measure is None or not self._targets:
            return None
        try:
            return measure(np.concatenate(self._targets))
        except ValueError:  # of several shapes
            return None

    def _cause(self, x: Array, look: "Look", loss: float, chance: float) -> str:
        told = f"the loss is {loss:.4g}, {chance:.4g} is chance: "
        if _alike(x):
            return f"{told}{len(x)} samples that were looked at have all the same inputs"
        if np.abs(x).max() >= GREAT_INPUT and x.std() >= GREAT_INPUT / 3:
            pixels = ", such as x / 255 for pixels" if x.min() >= 0 and x.max() <= 255 else ""
            return (
                f"{told}the inputs of {look.first or 'the model'} go from {x.min():.4g} to "
                f"{x.max():.4g}; bring them to about -1 to 1{pixels}"
            )
        grown = {name: _norm(p) / max(self._norms[name], 1e-3) for name, p in self._parameters()}
        name = max(grown, key=grown.__getitem__, default="")
        if name and grown[name] >= GROWTH:
            return (
                f"{told}{name} has grown {grown[name]:.3g} times since the start: the learning "
                f"rate of {self._optimizer.lr:g} is probably too great"
            )
        if look.alike:
            return (
                f"{told}{look.alike} gives the same for every sample; a lower learning rate, or "
                "batch normalization before it, may help"
            )
        if self._all_steps < PATIENT_STEPS or loss < SLOW * self._before:
            return ""
        return (
            f"{told}after {self._all_steps} steps the model answers no better than always the "
            f"same; is the learning rate of {self._optimizer.lr:g} right, and do targets belong to "
            "inputs?"
        )

    def _parameters(self) -> Iterator[tuple[str, Parameter]]:
        # Biases begin at 0, scales of quantizers move as they must: weights are what grows.
        return ((n, p) for n, p in self._model.named_parameters() if p.ndim > 1)


def _norm(parameter: Parameter) -> float:
    with np.errstate(over="ignore"):
        return float(np.linalg.norm(parameter.array))


class Look(Watcher):
    """A recorder of where the samples of a batch become alike.

    Attributes:
        equal_codes: what is wrong with each quantizer whose codes are all equal.
        first: the path of the first module that runs an operation.
        alike: what first gives the same for every sample of those that differed.
    """

    def __init__(self, model: Module) -> None:
        super().__init__(model)
        self.equal_codes: list[str] = []
        self.first = ""
        self.alike = ""
        # Tensors that depend on the samples; kept, so that no other gets the name of one.
        self._depends: dict[int, Tensor] = {}

    def begin(self, model: Module) -> Callable[[Tensor], Any]:
        """Return the model as a function that notes its input."""

        def noted(x: Tensor) -> Any:
            self._depends[id(x)] = x
            return model(x)

        return noted

    def record(
        self, op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Look at what an operation gives."""
        if isinstance(self.module, Quantize):
            self._look_at_codes(self.module, output)
        of_samples = [x for x in inputs if id(x) in self._depends]
        if not of_samples:
            return
        self._depends[id(output)] = output
        self.first = self.first or self.path
        if not self.alike and _alike(output.array) and not any(_alike(x.array) for x in of_samples):
            self.alike = self.place(op)

    def _look_at_codes(self, module: Quantize, output: Tensor) -> None:
        quantized = output.quantized
        if quantized is None or quantized.codes.size < 2:
            return
        codes = quantized.codes
        if codes.min() != codes.max():
            return
        weight = isinstance(module, QuantizeWeight)
        if weight and output.array.any():
            return  # the same weight everywhere still passes its inputs on
        path = self.path
        owner = path.rpartition(".")[0] or path or "the model"
        what = "weights" if weight else "inputs"
        self.equal_codes.append(
            f"all {codes.size:,} {what} of {owner} have the same code with {module.quantizer}, so "
            f"nothing passes through it: {_why(module, output, weight)}"
        )


def _why(module: Quantize, output: Tensor, weight: bool) -> str:
    if weight:
        return "its scale is too great for them; another calibration or learning rate may help"
    if module.quantizer.bits == 1:
        return (
            "zero counts as positive, so after ReLU all are; use hardtanh, or batch normalization "
            "directly before it"
        )
    return "its range does not fit them; a lower learning rate or another calibration may help"


def _alike(x: Array) -> bool:
    return x.ndim > 1 and len(x) > 1 and bool(np.all(x[1:] == x[:1]))


# What a constant answer gives


def _entropy(labels: Array) -> float:
    share = np.bincount(labels.ravel()) / labels.size
    share = share[share > 0]
    return float(-np.sum(share * np.log(share)))


def _hinge(labels: Array) -> float:
    # For a class with share p the best score is 2p - 1.
    share = np.bincount(labels.ravel()) / labels.size
    return float(np.mean(4 * share * (1 - share)))


def _binary_entropy(targets: Array) -> float:
    p = np.mean(targets.reshape(len(targets), -1), axis=0, dtype=np.float64)
    p = np.clip(p, 1e-12, 1 - 1e-12)
    return float(np.mean(-p * np.log(p) - (1 - p) * np.log1p(-p)))


def _variance(targets: Array) -> float:
    return float(np.mean(np.var(targets.reshape(len(targets), -1), axis=0, dtype=np.float64)))


def _deviation(targets: Array) -> float:
    columns = targets.reshape(len(targets), -1).astype(np.float64)
    return float(np.mean(np.abs(columns - np.median(columns, axis=0))))


CONSTANT: dict[Any, Callable[[Array], float]] = {
    ops.softmax_cross_entropy: _entropy,
    ops.squared_hinge: _hinge,
    ops.binary_cross_entropy_with_logits: _binary_entropy,
    ops.mean_squared_error: _variance,
    ops.mean_absolute_error: _deviation,
}
