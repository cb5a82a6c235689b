"""Evaluation after each epoch: by the packed model, where that has the same bits in less time."""

import time
from types import FunctionType
from typing import Any

import numpy as np

from ..autodiff import Tensor
from ..data import Given, run
from ..deploy import PackedModel, pack
from ..errors import QnnError
from ..nn import Module, Quantize
from .evaluate import Evaluation, Loss, evaluated
from .metrics import Metric

# To pack a net takes from 0.02 to 0.4 s: no shorter pass can gain by it.
LEAST_SECONDS = 0.05
# As many samples are what a model is packed with, and compared on inside.
EXAMPLES = 32

PACKED = "as a packed model"


class Validation:
    """Evaluates a model on the same data, again and again while it is trained.

    The first pass runs the model. If that took so long that packing can pay, the second packs it,
    and compares on the first batch: where both give the same bits, and packing and all took less
    time, the later passes do so too, each with a model that is packed anew. A model that cannot be
    packed, or whose Python nobody here knows, is run as ever.

    Args:
        model: as it is trained.
        data: inputs and targets; they are read once for each pass.
        loss, metric: see `evaluate`.
        packed: whether packing may be tried.
        least: seconds of a pass, below which it is not.

    Attributes:
        how: what ran the last pass, and why.

    Example:
        >>> import qnn_core as qnn
        >>> data = np.eye(4, dtype=np.float32), np.arange(4)
        >>> model = qnn.MLP([4, 3, 4], weight="binary", input="symmetric:2,scale=1", seed=0)
        >>> validation = Validation(model, data, qnn.ops.softmax_cross_entropy, None, least=0.0)
        >>> first, second = validation(), validation()
        >>> first == second
        True
    """

    def __init__(
        self,
        model: Module,
        data: Given,
        loss: Loss,
        metric: Metric | Any,
        *,
        packed: bool = True,
        least: float = LEAST_SECONDS,
    ) -> None:
        self._model, self._data, self._loss, self._metric = model, data, loss, metric
        self._least = least
        self._seconds: float | None = None  # of a pass that ran the model
        self._why = _unsuited(model) if packed else "compiled=False"
        self.how = ""

    def __call__(self) -> Evaluation:
        """Return loss and metric of the model as it is now."""
        trial = None
        if not self._why and self._seconds is not None:
            trial = _Packed(self._model)
        began = time.perf_counter()
        found = evaluated(
            self._model, self._data, trial or self._run, loss=self._loss, metric=self._metric
        )
        self._learn(time.perf_counter() - began, trial)
        return found

    def _run(self, inputs: Any) -> Any:
        return run(self._model, inputs)

    def _learn(self, seconds: float, trial: "_Packed | None") -> None:
        """Decide, by what a pass took, how the next one runs."""
        if trial is None:
            self._seconds = seconds
            if not self._why and seconds < self._least:
                self._why = f"{seconds:.2g} s a pass is less than packing takes"
        elif trial.refused:
            self._why = trial.refused
        elif seconds >= (self._seconds or 0.0):
            self._why = f"packed it takes longer, {seconds:.2g} s in place of {self._seconds:.2g} s"
        by_packing = trial is not None and not trial.refused
        self.how = PACKED if by_packing else f"as the model: {self._why or 'to know its time'}"


class _Packed:
    """A model's outputs by its packed model, made and compared with the model on the first batch.

    Attributes:
        refused: why the model runs in its place, ``""`` if it does not.
    """

    def __init__(self, model: Module) -> None:
        self._model = model
        self._packed: PackedModel | None = None
        self.refused = ""

    def __call__(self, inputs: Any) -> Any:
        if self._packed is not None:
            try:
                return Tensor(self._packed(inputs))
            except QnnError as error:
                # Images of another size, or numbers that overflow: the model knows what to say.
                self._packed, self.refused = None, f"packed it refuses a batch: {error}"
        outputs = run(self._model, inputs)
        if not self.refused:
            self.refused = self._pack(inputs, outputs)
        return outputs

    def _pack(self, inputs: Any, outputs: Any) -> str:
        """Pack the model; return why it is not to be used, if so."""
        if isinstance(inputs, tuple) or not isinstance(outputs, Tensor):
            return "it has several inputs or outputs"
        try:
            packed = pack(self._model, inputs[:EXAMPLES])
        except Exception as error:  # a quantizer of somebody else's may raise what it likes
            return f"it cannot be packed: {error}"
        if not np.array_equal(packed(inputs), outputs.array, equal_nan=True):
            return "its packed model gives other bits"
        self._packed = packed
        return ""


def _unsuited(model: Module) -> str:
    """Return why a model is not to be packed without anybody asking, ``""`` if it may be."""
    modules = [module for _, module in model.named_modules()]
    if not any(isinstance(module, Quantize) for module in modules):
        return "it is float, which takes as long packed"
    for module in modules:
        own = type(module).__module__.partition(".")[0] == __package__.partition(".")[0]
        if not own or any(isinstance(value, FunctionType) for value in vars(module).values()):
            # A branch on values would be packed as the first batch took it.
            return f"{type(module).__name__} may do in Python what packing does not see"
    return ""
