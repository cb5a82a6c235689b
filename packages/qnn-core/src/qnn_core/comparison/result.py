"""What became of one net: of an arm, trained from one seed."""

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .arms import one_line

# Why there is no result: training diverged, something raised an error, the process was ended.
Failure = Literal["diverged", "raised", "killed"]


@dataclass(frozen=True, eq=False)
class Result:
    """The measurements of one cell. Shares are 0..1, times are seconds.

    Attributes:
        arm: name of the arm.
        seed: of the initial weights and of the order of the batches.
        failure: None if it was trained to the end; else the kind of failure, and `reason` says it.
        accuracy, loss: of the model, on the test data, once, after the last epoch.
        correct: for each test sample, whether the answer was right; bool [n].
        unpacked: why the model cannot be packed, as with layers that quantize in a way of their
            own; ``""`` if it can, else what follows is 0 and empty.
        nbytes: size of the packed model's file.
        difference: greatest difference of the packed model's outputs from the model's, over all
            test samples; 0 by law.
        macs: multiply-accumulates for one sample, by "weight bits x input bits".
        latency: wall time of the packed model on one thread, by the size of the batch; the least
            of several.
        train_seconds, seconds: of training, and of all.
        history: of each epoch the loss and the accuracy in training, and on the test data.
    """

    arm: str
    seed: int
    failure: Failure | None = None
    reason: str = ""
    accuracy: float = math.nan
    loss: float = math.nan
    correct: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    unpacked: str = ""
    nbytes: int = 0
    difference: float = 0.0
    macs: Mapping[str, int] = field(default_factory=dict)
    latency: Mapping[str, float] = field(default_factory=dict)
    train_seconds: float = 0.0
    seconds: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether it was trained to the end."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it: what has no number is null, one bit for each sample."""
        bits = base64.b64encode(np.packbits(self.correct).tobytes()).decode()
        shown = {f.name: getattr(self, f.name) for f in fields(self)}
        shown |= {"correct": {"samples": len(self.correct), "bits": bits}}
        shown |= {key: _or_null(shown[key]) for key in ("accuracy", "loss")}
        shown["history"] = [{k: _or_null(v) for k, v in epoch.items()} for epoch in self.history]
        return shown

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Result":
        """Undo `to_json`.

        Raises:
            KeyError, TypeError, ValueError: if it is no result.
        """
        packed = content["correct"]
        samples, raw = packed["samples"], base64.b64decode(packed["bits"], validate=True)
        if len(raw) != -(-samples // 8):
            raise ValueError(f"{len(raw)} bytes of answers for {samples} samples")
        correct = np.unpackbits(np.frombuffer(raw, np.uint8), count=samples).astype(np.bool_)
        _check_types(content)
        numbers = {key: _or_nan(content[key]) for key in ("accuracy", "loss")}
        history = [{k: _or_nan(v) for k, v in epoch.items()} for epoch in content["history"]]
        return cls(**{**content, **numbers, "correct": correct, "history": history})


def _check_types(content: Mapping[str, Any]) -> None:
    """Raise a TypeError or ValueError if a field is of another kind than it should be."""
    if content.get("failure") not in (None, *get_args(Failure)):
        raise ValueError(f"failure is {content['failure']!r}")
    for name in ("seed", "nbytes", "difference", "train_seconds", "seconds"):
        if name in content and not isinstance(content[name], int | float):
            raise TypeError(f"{name} is {content[name]!r}")
    numbers = [content["accuracy"], content["loss"]]
    for table in (content["macs"], content["latency"], *content["history"]):
        numbers += dict(table).values()
    for number in numbers:
        if not isinstance(number, int | float | None):
            raise TypeError(f"{number!r} stands where a number should")


def _or_null(number: float) -> float | None:
    return number if math.isfinite(number) else None


def _or_nan(number: float | None) -> float:
    return math.nan if number is None else number


def failed(arm: str, seed: int, failure: Failure, reason: object, **more: Any) -> Result:
    """Return the result of a cell that has none."""
    return Result(arm, seed, failure, one_line(reason), **more)
