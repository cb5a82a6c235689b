"""The training loop."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import numpy as np

from ..autodiff import Tensor
from ..errors import FileError, NonFiniteError, StateError
from ..nn import Module, Quantize
from ..ops import softmax_cross_entropy
from ..optim import Optimizer, clip_gradients
from .batches import Array, Batches, checked_batches
from .checkpoint import Checkpoint, only_writer
from .evaluate import Evaluation, Loss, Tally, evaluate
from .history import Epoch, History
from .progress import Progress


def fit(
    model: Module,
    data: Batches,
    *,
    epochs: int,
    optimizer: Optimizer,
    loss: Loss = softmax_cross_entropy,
    validation: Batches | None = None,
    clip_norm: float | None = None,
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

    Args:
        model: takes a batch of inputs, gives one row per sample.
        data: batches ``(inputs, targets)``, readable again for every epoch.
        epochs: how many in all, those before a resume included.
        optimizer: of the model's parameters.
        loss: ``loss(outputs, targets)``, a mean over the batch.
        validation: batches that are evaluated after each epoch.
        clip_norm: greatest norm of the gradients, see `clip_gradients`.
        patience: stop after so many epochs without a better one (see `History.best`).
        keep: which weights the model ends with.
        checkpoint: file that is written, atomically, at the start and after every epoch.
        resume: go on from `checkpoint` if it exists.
        progress: whether to show a bar; None means on a terminal only.
        on_epoch: called with each epoch's measurements.

    Raises:
        NonFiniteError: if the loss or an input is NaN or infinite; the message says at which step.
            The checkpoint of the epoch before stays.
        FileExistsError: if `checkpoint` exists and `resume` is not set: nothing is overwritten.
        FileError, StateError: if the checkpoint does not fit; FileError too if another `fit` is at
            work with it.

    Example:
        >>> import qnn_core as qnn
        >>> batches = [(np.eye(2), np.array([0, 1]))]
        >>> model = qnn.MLP([2, 2], seed=0)
        >>> optimizer = qnn.optim.SGD(model.parameters(), lr=1.0)
        >>> qnn.fit(model, batches, epochs=20, optimizer=optimizer).last.accuracy
        1.0
    """
    _check(epochs, patience, keep)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"fit: an optimizer is needed, such as qnn.optim.Adam(model.parameters()), got "
            f"{optimizer!r}"
        )
    run = _Run(model, optimizer, loss, clip_norm)
    path = None if checkpoint is None else Path(checkpoint)
    # In turn: how many epochs were done is known when the checkpoint was read.
    with run.kept(path, resume), Progress(data, epochs, len(run.history.epochs), progress) as bar:
        while len(run.history.epochs) < epochs and not run.history.stalled(patience):
            try:
                epoch = run.epoch(data, validation, bar)
            except NonFiniteError as error:
                saved = path if path is not None and path.exists() else None
                hint = f"; the last good checkpoint is {saved}" if saved else ""
                raise NonFiniteError(f"{error}{hint}") from error
            if path is not None:
                run.checkpoint().save(path)
            if on_epoch is not None:
                on_epoch(epoch)
    if keep == "best":
        model.load_state_dict(run.best)
    model.eval()
    return run.history


def _check(epochs: int, patience: int | None, keep: str) -> None:
    if not isinstance(epochs, int | np.integer) or epochs < 1:
        raise ValueError(f"fit: epochs must be a whole number >= 1, got {epochs!r}")
    if patience is not None and patience < 1:
        raise ValueError(f"fit: patience must be at least 1, got {patience!r}")
    if keep not in ("last", "best"):
        raise ValueError(f"fit: keep must be 'last' or 'best', got {keep!r}")


def _broken_frames(model: Module) -> str:
    """Return a sentence on the quantizers whose scale no number can be divided by, or nothing."""
    broken = []
    for path, module in model.named_modules():
        if isinstance(module, Quantize):
            scale = module.frame().scale
            if not np.all((scale > 0) & np.isfinite(scale)):
                broken.append(f"{path} ({module.quantizer})")
    if not broken:
        return ""
    return (
        f"; the scale of {', '.join(broken)} was trained until it is none: a lower learning rate, "
        "clip_norm or gradient_scale=lsq may help"
    )


class _Run:
    """A model, its optimizer, and what was measured so far."""

    def __init__(
        self, model: Module, optimizer: Optimizer, loss: Loss, clip_norm: float | None
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.clip_norm = clip_norm
        self.history = History()
        self.best = model.state_dict()

    def epoch(self, data: Batches, validation: Batches | None, bar: Progress) -> Epoch:
        """Train for one epoch, measure, and enter it into the history."""
        number = len(self.history.epochs) + 1
        set_epoch = getattr(data, "set_epoch", None)
        if set_epoch is not None:
            set_epoch(number - 1)
        began = time.perf_counter()
        trained = self._pass(data, number, bar)
        seconds = time.perf_counter() - began
        self._check_parameters(number)
        held_out = None
        if validation is not None:
            held_out = evaluate(self.model, validation, loss=self.loss)
        epoch = Epoch(
            epoch=number,
            loss=trained.loss,
            accuracy=trained.accuracy,
            val_loss=None if held_out is None else held_out.loss,
            val_accuracy=None if held_out is None else held_out.accuracy,
            lr=self.optimizer.lr * self.optimizer.schedule(self.optimizer.steps - 1),
            seconds=seconds,
            samples_per_second=trained.samples / seconds,
        )
        self.history.epochs.append(epoch)
        if self.history.best_epoch == number:
            self.best = self.model.state_dict()
        return epoch

    def _pass(self, data: Batches, number: int, bar: Progress) -> Evaluation:
        self.model.train()
        tally = Tally()
        where = f"fit, epoch {number}"
        for step, (x, targets) in enumerate(checked_batches(data, self.model.dtype, where)):
            try:
                loss, scores = self._step(x, targets)
            except NonFiniteError as error:
                at = f"{where}, batch {step} (step {self.optimizer.steps} of the run)"
                raise NonFiniteError(f"{at}: {error}{_broken_frames(self.model)}") from error
            tally.add(loss, scores, targets)
            bar.step(number, len(x), tally.result())
        return tally.result()

    def _check_parameters(self, number: int) -> None:
        """Raise a NonFiniteError if the last update broke the model: no loss has shown it yet."""
        for name, parameter in self.model.named_parameters():
            if not np.all(np.isfinite(parameter.data)):
                raise NonFiniteError(
                    f"fit, epoch {number} (step {self.optimizer.steps} of the run): {name} became "
                    "NaN or infinite; a lower learning rate or clip_norm may help"
                )

    def _step(self, x: Array, targets: Array) -> tuple[float, Array]:
        """Update the model by one batch; return its loss and the scores before the update."""
        # What overflows shows in the loss, which is checked: no warnings beside that error.
        with np.errstate(over="ignore", invalid="ignore"):
            scores = self.model(Tensor.of(x))
            loss = self.loss(scores, targets)
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
        return value, scores.data

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

    def restore(self, path: Path) -> None:
        saved = Checkpoint.load(path)
        for part, own in self._recipe().items():
            if (theirs := saved.recipe.get(part)) != own:
                raise FileError(
                    f"{path} is of another run, whose {part} is\n{theirs}\ninstead of\n{own}"
                )
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
