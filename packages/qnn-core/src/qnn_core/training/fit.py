"""The training loop."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from ..arguments import whole
from ..data import (
    Batch,
    Given,
    Shuffled,
    Stream,
    arrays_of,
    checked_batches,
    run,
    training_batches,
)
from ..errors import FileError, NonFiniteError, StateError
from ..nn import Module, Quantize
from ..ops import softmax_cross_entropy
from ..optim import Optimizer, but_for_rates, clip_gradients
from ..program import Programs
from ..terminal import LOGGER
from .checkpoint import Checkpoint, only_writer
from .evaluate import Evaluation, Loss, Tally, WeighedLoss
from .history import Epoch, History
from .metrics import Meter, Metric, MetricLike, metric_of
from .non_finite import first_overflow
from .progress import Progress
from .single_samples import check_single_samples
from .stalled import Diagnosis
from .validation import Validation


def fit(
    model: Module,
    data: Given,
    *,
    epochs: int,
    optimizer: Optimizer,
    loss: Loss = softmax_cross_entropy,
    metric: MetricLike = "auto",
    validation: Given | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    clip_norm: float | None = None,
    compiled: bool = True,
    patience: int | None = None,
    keep: Literal["last", "best"] = "last",
    checkpoint: str | Path | None = None,
    resume: bool = False,
    progress: bool | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> History:
    """Train `model` and return what was measured. The model is left in evaluation mode.

    A run is a function of its seeds: if the order of the batches is one of the epoch (as with
    `qnn_data.DataLoader`, whose ``set_epoch`` is called), then a run that was killed at any moment
    and is resumed from its checkpoint ends with the very weights of one that was not.

    However it ends, by an error or Ctrl-C too, the model is left in evaluation mode, with the
    weights that were reached, or with ``keep="best"`` those of the best epoch that was finished;
    what was raised has the epochs that were as its attribute ``history``.

    Args:
        model: takes a batch of inputs, gives one row per sample, or a tuple or dictionary of such.
        data: inputs and targets: arrays ``(x, y)`` or ``(x, y, weights)``, a data set (what has a
            length and gives a sample for its number), or batches of these that can be read again
            for every epoch, such as a DataLoader or a list.
        epochs: how many in all, those before a resume included.
        optimizer: of the model's parameters.
        loss: ``loss(outputs, targets)``, a mean over the batch; it gets what `forward` returns and
            the targets as the data have them, ``sample_weight`` if there are weights, and
            ``inputs`` if it has such an argument; see `Distillation`.
        metric: a name (accuracy, binary_accuracy, mae, mse, r2, auc), a `Metric`, a function of
            outputs and targets that says which way is better, or None; "auto" is what the loss
            means: accuracy for classes, or for yes and no, and none for distances.
        validation: data, as for `data`, that are evaluated after each epoch.
        batch_size: of arrays and data sets, which are shuffled for each epoch; None is 100.
        seed: of these orders.
        clip_norm: greatest norm of the gradients, see `clip_gradients`.
        compiled: whether the model runs as a program where it can, see `qnn_core.compiled`: with
            the same bits, but without running `forward` at each step.
        patience: stop after so many epochs without a better one. Better goes by the metric if there
            is one, else by the loss; on the validation data if there are any (`History.criterion`).
        keep: which weights the model ends with; the best go by what `patience` goes by.
        checkpoint: file that is written, atomically, at the start and after every epoch.
        resume: go on from `checkpoint` if it exists, with the optimizer's learning rate as it is
            now: it need not be that of the epochs before.
        progress: whether to show a bar; None means on a terminal and in a notebook. The logger
            ``qnn`` is told of each epoch, at the level DEBUG.
        on_epoch: called with each epoch's measurements.

    Raises:
        NonFiniteError: if the loss or an input is NaN or infinite; the message says at which step.
            The checkpoint of the epoch before stays.
        FileExistsError: if `checkpoint` exists and `resume` is not set: nothing is overwritten.
        FileError, StateError: if the checkpoint does not fit; FileError too if another `fit` is at
            work with it.
        ShapeError: before training, if the data are none of these, or a batch of one sample meets
            batch normalization that has no variance of it.

    Warns:
        TrainingWarning: in one line, if the training has gone nowhere, with the likely cause.

    Example:
        >>> import qnn_core as qnn
        >>> x, y = np.eye(2), np.array([0, 1])
        >>> model = qnn.MLP([2, 2], seed=0)
        >>> optimizer = qnn.optim.SGD(model.parameters(), lr=1.0)
        >>> qnn.fit(model, (x, y), epochs=20, optimizer=optimizer).last.accuracy
        1.0
    """
    _check(epochs, patience, keep)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit: an optimizer is needed, such as qnn.optim.Adam(model.parameters()), got "
            f"{optimizer!r}"
        )
    if not callable(loss):
        raise TypeError(
            "fit: the loss is a function of outputs and targets, such as "
            f"qnn.ops.softmax_cross_entropy, got {loss!r}"
        )
    _check_parameters_of(model, optimizer)
    chosen = metric_of(metric, "fit", directed=True)
    batches = training_batches(data, "fit", batch_size, seed)
    run = _Run(model, optimizer, loss, chosen, clip_norm=clip_norm, compiled=compiled)
    path = None if checkpoint is None else Path(checkpoint)
    # In turn: how many epochs were done is known when the checkpoint was read.
    with run.kept(path, resume):
        check_single_samples(model, batches.smallest(), "fit")
        try:
            run.train(
                batches,
                validation,
                epochs=epochs,
                patience=patience,
                progress=progress,
                path=path,
                on_epoch=on_epoch,
            )
        except BaseException as error:
            # Also of Ctrl-C: what was measured would be lost otherwise.
            error.history = run.history  # type: ignore[attr-defined] # documented above
            raise
        finally:
            if keep == "best" and run.history.epochs:
                model.load_state_dict(run.best)
            model.eval()
    return run.history


def _check(epochs: int, patience: int | None, keep: str) -> None:
    whole("fit", "epochs", epochs, least=1)
    if patience is not None:
        whole("fit", "patience", patience, least=1)
    if keep not in ("last", "best"):
        raise ValueError(f"fit: keep must be 'last' or 'best', got {keep!r}")


def _check_parameters_of(model: Module, optimizer: Optimizer) -> None:
    """Refuse an optimizer of another model: it would find no gradients."""
    own = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
    if own and not any(id(parameter) in own for parameter in optimizer.parameters):
        raise StateError(
            f"fit: the optimizer has none of the parameters of this {type(model).__name__}: make "
            "it of model.parameters(), after the model"
        )


def _broken_all_qparams(model: Module) -> str:
    """Return a sentence on the quantizers whose scale no number can be divided by, or nothing."""
    broken = []
    for path, module in model.named_modules():
        if isinstance(module, Quantize):
            with np.errstate(over="ignore"):  # what overflows is told below
                scale = module.qparams().scale
            if not np.all((scale > 0) & np.isfinite(scale)):
                broken.append(f"{path} ({module.quantizer})")
    if not broken:
        return ""
    return (
        f"; the scale of {', '.join(broken)} was trained until it is none: a lower learning rate, "
        "clip_norm or gradient_scale=lsq may help"
    )


def _overflow(model: Module, batch: Batch) -> str:
    first = first_overflow(model, batch.inputs)
    return f"; numbers overflow first in {first}" if first else ""


class Told(NamedTuple):
    """An epoch as a line of a log, which is made if somebody reads it."""

    epoch: Epoch
    epochs: int

    def __str__(self) -> str:
        e = self.epoch
        parts = {"loss": e.loss, e.metric_name: e.metric, "val loss": e.val_loss}
        parts[f"val {e.metric_name}"] = e.val_metric
        told = [f"{name} {value:.4f}" for name, value in parts.items() if value is not None]
        return f"fit: epoch {e.epoch}/{self.epochs}, {', '.join(told)}, {e.seconds:.1f} s"


class _Run:
    """A model, its optimizer, and what was measured so far."""

    def __init__(
        self,
        model: Module,
        optimizer: Optimizer,
        loss: Loss,
        metric: Metric | Literal["auto"] | None,
        *,
        clip_norm: float | None,
        compiled: bool,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.metric = metric
        self.clip_norm = clip_norm
        self.programs = Programs() if compiled else None
        self.history = History()
        self.best = model.state_dict()
        self._mean_loss = WeighedLoss(loss, "fit")
        self._diagnosis = Diagnosis(model, optimizer, loss)
        self.history.warnings = self._diagnosis.said

    def epoch(self, data: Stream | Shuffled, validation: Validation | None, bar: Progress) -> Epoch:
        """Train for one epoch, measure, and enter it into the history."""
        number = len(self.history.epochs) + 1
        began = time.perf_counter()
        trained, metric = self._pass(data, number, bar)
        seconds = time.perf_counter() - began
        self._check_parameters(number)
        held_out = None
        if validation is not None:
            held_out = validation()
            self.history.validated = validation.how
        self._diagnosis.after_epoch(trained.loss)
        epoch = Epoch(
            epoch=number,
            loss=trained.loss,
            accuracy=trained.accuracy,
            val_loss=None if held_out is None else held_out.loss,
            val_accuracy=None if held_out is None else held_out.accuracy,
            lr=self.optimizer.lr_at(self.optimizer.steps - 1),
            seconds=seconds,
            samples_per_second=trained.samples / seconds,
            metric=trained.metric,
            val_metric=None if held_out is None else held_out.metric,
            metric_name=trained.metric_name or ("" if held_out is None else held_out.metric_name),
            greater_is_better=metric is None or metric.greater_is_better is not False,
        )
        self.history.epochs.append(epoch)
        if self.history.best_epoch == number:
            self.best = self.model.state_dict()
        return epoch

    def _pass(
        self, data: Stream | Shuffled, number: int, bar: Progress
    ) -> tuple[Evaluation, Metric | None]:
        self.model.train()
        tally = Tally(self.loss, self.metric)
        where = f"fit, epoch {number}"
        batches = checked_batches(data.epoch(number - 1, where), self.model.dtype, where)
        for step, batch in enumerate(batches):
            if batch.weights is not None and not batch.weights.any():
                continue  # nothing in it counts
            try:
                loss, outputs = self._step(batch)
            except NonFiniteError as error:
                at = f"{where}, batch {step} (step {self.optimizer.steps} of the run)"
                why = _broken_all_qparams(self.model) or _overflow(self.model, batch)
                raise NonFiniteError(f"{at}: {error}{why}") from error
            tally.add(loss, outputs, batch)
            self._diagnosis.saw(batch)
            if bar.shown:
                bar.step(number, batch.samples, tally.so_far())
        return tally.result(), tally.metric

    def _check_parameters(self, number: int) -> None:
        """Raise a NonFiniteError if the last update broke the model: no loss has shown it yet."""
        for name, parameter in self.model.named_parameters():
            if not np.all(np.isfinite(parameter.array)):
                raise NonFiniteError(
                    f"fit, epoch {number} (step {self.optimizer.steps} of the run): {name} became "
                    "NaN or infinite; a lower learning rate or clip_norm may help"
                )

    def _step(self, batch: Batch) -> tuple[float, Any]:
        """Update the model by one batch; return its loss and the outputs before the update."""
        # What overflows shows in the loss, which is checked: no warnings beside that error.
        with np.errstate(over="ignore", invalid="ignore"):
            outputs = self._outputs(batch)
            loss = self._mean_loss(outputs, batch)
            value = loss.item()
            if not np.isfinite(value):
                raise NonFiniteError(
                    f"the loss is {value}; a lower learning rate or clip_norm may help"
                )
            self.optimizer.zero_grad()
            loss.backward()
            if self.clip_norm is not None:
                clip_gradients(self.optimizer.parameters, self.clip_norm)
            self.optimizer.step()
        return value, arrays_of(outputs)

    def _outputs(self, batch: Batch) -> Any:
        if self.programs is None:
            return run(self.model, batch.inputs)
        before = self.programs.begin()
        try:
            return run(self.model, batch.inputs)
        finally:
            self.programs.end(before)

    def train(
        self,
        batches: Shuffled | Stream,
        validation: Given | None,
        *,
        epochs: int,
        patience: int | None,
        progress: bool | None,
        path: Path | None,
        on_epoch: Callable[[Epoch], None] | None,
    ) -> None:
        """Train until all epochs are done, or none got better for long enough."""
        held_out = None
        if validation is not None:
            packed = self.programs is not None
            held_out = Validation(self.model, validation, self.loss, self.metric, packed=packed)
        with Progress(batches, epochs, len(self.history.epochs), progress) as bar:
            while len(self.history.epochs) < epochs and not self.history.stalled(patience):
                try:
                    epoch = self.epoch(batches, held_out, bar)
                except NonFiniteError as error:
                    saved = path if path is not None and path.exists() else None
                    hint = f"; the last good checkpoint is {saved}" if saved else ""
                    raise NonFiniteError(f"{error}{hint}") from error
                LOGGER.debug("%s", Told(epoch, epochs))
                if path is not None:
                    self.checkpoint().save(path)
                if on_epoch is not None:
                    on_epoch(epoch)

    @contextmanager
    def kept(self, path: Path | None, resume: bool) -> Iterator[None]:
        """Hold the checkpoint against other runs, and begin with it if it is there."""
        if path is None:
            yield
            return
        with only_writer(path):
            if not path.exists():
                # Now, so that an interrupted first epoch can be resumed too, and a bad path shows
                # at once.
                self.checkpoint().save(path)
            elif resume:
                self.restore(path)
            else:
                raise FileExistsError(
                    f"fit: the checkpoint {path} exists; resume=True goes on from it, "
                    "or delete it to begin anew"
                )
            yield

    def checkpoint(self) -> Checkpoint:
        return Checkpoint(
            model=self.model.state_dict(),
            best=self.best,
            optimizer=self.optimizer.state_dict(),
            recipe=self._recipe(),
            history=self.history,
        )

    def _recipe(self) -> dict[str, str]:
        return {
            "model": repr(self.model),
            "optimizer": self.optimizer.describe(),
            "clip_norm": str(self.clip_norm),
        }

    def _check_metric(self, history: History, path: Path) -> None:
        """Refuse epochs that were judged by another metric: which is best could not be said."""
        metric = Meter(self.metric, self.loss).metric
        own = "" if metric is None else metric.name
        theirs = history.last.metric_name if history.epochs else own
        # What a loss may mean depends on the batches.
        if theirs != own and not (self.metric == "auto" and not theirs):
            raise FileError(
                f"{path} is of another run, whose metric is {theirs or None!r} instead of "
                f"{own or None!r}"
            )

    def restore(self, path: Path) -> None:
        saved = Checkpoint.load(path)
        for part, own in self._recipe().items():
            # A run may go on with another learning rate: the history says which one each epoch had.
            same = but_for_rates if part == "optimizer" else str
            if same(theirs := str(saved.recipe.get(part))) != same(own):
                raise FileError(
                    f"{path} is of another run, whose {part} is\n{theirs}\ninstead of\n{own}"
                )
        self._check_metric(saved.history, path)
        before = self.model.state_dict()
        try:
            for state in (saved.best, saved.model):
                self.model.load_state_dict(state)
            self.optimizer.load_state_dict(saved.optimizer)
        except StateError as error:
            self.model.load_state_dict(before)
            raise StateError(f"{path}: {error}") from error
        self.best = saved.best
        self.history = saved.history
        self.history.warnings = self._diagnosis.said
