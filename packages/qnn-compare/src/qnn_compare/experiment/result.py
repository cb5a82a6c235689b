"""What became of one net: of a config, trained from one seed."""

import base64
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .configs import one_line

# Why there is no result: training diverged, the code of the run raised an error, something where it
# ran was not as it should be (memory, a file, a module, the data), the process was ended.
Failure = Literal["diverged", "raised", "environment", "killed"]
# What may be otherwise in the next call, which tries it again; the rest would fail again.
PASSING: tuple[Failure, ...] = ("environment", "killed")


@dataclass(frozen=True, eq=False)
class Result:
    """The measurements of one run. Shares are 0..1, times are seconds.

    Attributes:
        config: name of the config.
        seed: of the initial weights and of the order of the batches.
        failure: None if it was trained to the end; else the kind of failure, and `reason` says it.
        accuracy, loss: of the model, on the test data, once, after the last epoch; where the study
            has another metric, `accuracy` is its value.
        correct: for each test sample, whether the answer was right, bool [n], or the value of the
            metric, float64 [n]. Empty where only `accuracy` is known.
        unpacked: why the model cannot be packed, as with layers that quantize in a way of their
            own; ``""`` if it can, else what follows is 0 and empty.
        nbytes: size of the packed model's file.
        difference: greatest difference of the packed model's outputs from the model's, over all
            test samples; 0 by law.
        macs: multiply-accumulates for one sample, by "weight bits x input bits".
        latency: wall time of the packed model on one thread, by the size of the batch; the least
            of several.
        train_seconds, seconds: of training, and of all.
        measured: what a function of the user's measured, by name.
        history: of each epoch the loss and the accuracy in training, and on the test data.
        warnings: what `qnn.fit` has warned of: training that went nowhere, with the likely cause.
        skipped: of each layer that was left float the reason, by its path; see `qnn.skipped`. Empty
            for a float net.
        c: what it costs as C, ``c_flash``, ``c_ram`` and ``c_cycles``, where the study asks for it.
        no_c: why it has no form in C; ``""`` if it has one, or nobody asked.
        state: the net's parameters and buffers, where another config begins with it or learns from
            it; a store has a file of its own for them.
        packed: the bytes of the packed model's file, where they are to be kept; likewise.

    Example:
        >>> result = Result("symmetric:2", seed=0, accuracy=0.91, correct=np.array([True, False]))
        >>> result.failure is None, result.difference
        (True, 0.0)
    """

    config: str
    seed: int
    failure: Failure | None = None
    reason: str = ""
    accuracy: float = math.nan
    loss: float = math.nan
    correct: NDArray[Any] = field(default_factory=lambda: np.zeros(0, np.bool_))
    unpacked: str = ""
    nbytes: int = 0
    difference: float = 0.0
    macs: Mapping[str, int] = field(default_factory=dict)
    latency: Mapping[str, float] = field(default_factory=dict)
    train_seconds: float = 0.0
    seconds: float = 0.0
    measured: Mapping[str, float] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    skipped: Mapping[str, str] = field(default_factory=dict)
    c: Mapping[str, int] = field(default_factory=dict)
    no_c: str = ""
    state: Mapping[str, NDArray[Any]] | None = None
    packed: bytes | None = None

    @property
    def done(self) -> bool:
        """Whether it was trained to the end."""
        return self.failure is None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON can hold it: what has no number is null, one bit for each sample."""
        shown = {key: getattr(self, name) for name, key in KEYS.items()}
        shown |= {"correct": _packed(self.correct)}
        shown |= {key: _or_null(shown[key]) for key in ("accuracy", "loss", "difference")}
        shown["measured"] = {k: _or_null(value) for k, value in self.measured.items()}
        shown["history"] = [{k: _or_null(v) for k, v in epoch.items()} for epoch in self.history]
        return shown

    @classmethod
    def from_json(cls, content: Any) -> "Result":
        """Undo `to_json`.

        Raises:
            ValueError: if it is no result; the message says where.
        """
        known = {*KEYS.values()}
        wanted = f"an object with {', '.join(sorted(known))}"
        if isinstance(content, dict):
            # The first stores had no such fields.
            absent = {"unpacked": cls.unpacked, "measured": {}, "warnings": [], "skipped": {}}
            absent |= {"c": {}, "no_c": cls.no_c}
            content = absent | content
        check(isinstance(content, dict) and content.keys() == known, "it", wanted, content)
        for name, (what, is_right) in SHAPES.items():
            check(is_right(content[name]), name, what, content[name])
        numbers = {k: _or_nan(content[k]) for k in ("accuracy", "loss", "difference")}
        measured = {k: _or_nan(value) for k, value in content["measured"].items()}
        correct = _correct(content["correct"])
        if content["failure"] is None and len(correct):
            mean = float(np.mean(correct))
            whole = correct.dtype == np.bool_
            wanted = f"the {'share of right answers' if whole else 'mean of the samples'}, {mean}"
            near = abs(numbers["accuracy"] - mean) < 1e-6 * max(1.0, abs(mean))
            check(near, "accuracy", wanted, content["accuracy"])
        history = []
        for n, epoch in enumerate(content["history"]):
            where = f"history[{n}]"
            check(isinstance(epoch, dict) and epoch.keys() >= CURVES, where, "an epoch", epoch)
            for key, value in epoch.items():
                check(_number_or_null(value), f"{where}.{key}", "a number or null", value)
            history.append({k: _or_nan(v) for k, v in epoch.items()})
        content = {
            **content,
            **numbers,
            "correct": correct,
            "history": history,
            "measured": measured,
        }
        return cls(**{name: content[key] for name, key in KEYS.items()})


# The key in JSON of each field: the first stores call a config an arm.
KEYS = {
    f.name: "arm" if f.name == "config" else f.name
    for f in fields(Result)
    if f.name not in ("state", "packed")
}

CURVES = {"loss", "accuracy", "test_loss", "test_accuracy"}


def check(right: bool, where: str, wanted: str, value: object) -> None:
    """Raise a ValueError that says where something else stands than what should.

    Example:
        >>> check(False, "seed", "a whole number", "3")
        Traceback (most recent call last):
            ...
        ValueError: seed must be a whole number, got '3'
    """
    if not right:
        raise ValueError(f"{where} must be {wanted}, got {shortened(value)}")


def shortened(value: object) -> str:
    """Return a value of a file for a message: in one line, and no more than what is needed."""
    try:
        text = one_line(repr(value))
    except (RecursionError, ValueError):  # brackets in brackets, thousands of digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."


def is_whole(value: object, most: int = 2**63 - 1) -> bool:
    """Whether a value of JSON is a whole number from 0."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def is_number(value: object) -> bool:
    """Whether a value of JSON is a number that a float can hold; not NaN, which JSON has not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < 1e300


def _number_or_null(value: object) -> bool:
    return value is None or is_number(value)


def _table(value: object, key: str, is_right: Callable[[object], bool]) -> bool:
    return isinstance(value, dict) and all(
        re.fullmatch(key, name, re.ASCII) and is_right(entry) for name, entry in value.items()
    )


# Of each field of a file: what it must be, and whether it is.
SHAPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "arm": ("a name", lambda value: isinstance(value, str)),
    "seed": ("a whole number", is_whole),
    "failure": (
        f"null or one of {', '.join(get_args(Failure))}",
        lambda value: value is None or value in get_args(Failure),
    ),
    "reason": ("a text", lambda value: isinstance(value, str)),
    "accuracy": ("a number or null", _number_or_null),
    "loss": ("a number or null", _number_or_null),
    "correct": ("samples and bits or floats", lambda value: isinstance(value, dict)),
    "unpacked": ("a text", lambda value: isinstance(value, str)),
    "nbytes": ("a whole number", is_whole),
    "difference": ("a number or null", _number_or_null),
    "macs": ("numbers by width", lambda value: _table(value, r"\d{1,3}x\d{1,3}", is_whole)),
    "latency": ("seconds by batch", lambda value: _table(value, r"\d{1,9}", is_number)),
    "train_seconds": ("a number", is_number),
    "seconds": ("a number", is_number),
    "measured": ("numbers by name", lambda value: _table(value, r".+", _number_or_null)),
    "history": ("a list of epochs", lambda value: isinstance(value, list)),
    "skipped": (
        "reasons by layer",
        lambda value: _table(value, r".*", lambda reason: isinstance(reason, str)),
    ),
    "c": ("whole numbers by name", lambda value: _table(value, r"c_\w+", is_whole)),
    "no_c": ("a text", lambda value: isinstance(value, str)),
    "warnings": (
        "a list of texts",
        lambda value: isinstance(value, list) and all(isinstance(text, str) for text in value),
    ),
}


def _packed(correct: NDArray[Any]) -> dict[str, Any]:
    """Return what is known of each sample as JSON can hold it: a bit, or eight bytes."""
    if correct.dtype == np.bool_:
        kind, raw = "bits", np.packbits(correct).tobytes()
    else:
        kind, raw = "floats", correct.astype("<f8").tobytes()
    return {"samples": len(correct), kind: base64.b64encode(raw).decode()}


def _correct(packed: Mapping[str, Any]) -> NDArray[Any]:
    kind = "floats" if "floats" in packed else "bits"
    where = f"correct.{kind}"
    samples, text = packed.get("samples"), packed.get(kind)
    check(is_whole(samples), "correct.samples", "a whole number", samples)
    check(isinstance(text, str), where, "a text", text)
    assert isinstance(samples, int)
    assert isinstance(text, str)
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error
    size = 8 * samples if kind == "floats" else -(-samples // 8)
    check(len(raw) == size, where, f"{size} bytes for {samples} samples", len(raw))
    if kind == "bits":
        return np.unpackbits(np.frombuffer(raw, np.uint8), count=samples).astype(np.bool_)
    values = np.frombuffer(raw, "<f8").astype(np.float64)
    check(bool(np.isfinite(values).all()), where, "finite numbers", "NaN or infinity")
    return values


def _or_null(number: float) -> float | None:
    return float(number) if math.isfinite(number) else None


def _or_nan(number: float | None) -> float:
    return math.nan if number is None else number


def failed(config: str, seed: int, failure: Failure, reason: object, **more: Any) -> Result:
    """Return the result of a run that has none."""
    return Result(config, seed, failure, one_line(reason), **more)
