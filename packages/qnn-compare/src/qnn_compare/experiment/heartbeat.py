"""How far a run is: a small file that it rewrites after each epoch."""

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qnn_core.files import atomic_write
from qnn_core.training import Epoch

from .result import is_number, is_whole

# A run that has said nothing for so long was on a machine that is gone.
STALE_SECONDS = 3600.0


@dataclass(frozen=True)
class RunProgress:
    """How far a run is.

    Attributes:
        key: of the run.
        epoch, epochs: done, and in all.
        loss, accuracy: of the last epoch, in training; None before.
        began, updated: when it began, and when the last epoch ended, in seconds of the clock.
    """

    key: str
    epoch: int
    epochs: int
    loss: float | None
    accuracy: float | None
    began: float
    updated: float

    @property
    def seconds_left(self) -> float | None:
        """Estimate of the time that is left; None before the first epoch has ended."""
        if not self.epoch:
            return None
        each = (self.updated - self.began) / self.epoch
        left = each * (self.epochs - self.epoch) - (time.time() - self.updated)
        return min(max(0.0, left), 1e9)


class Heartbeat:
    """Writes how far a run is; does nothing where the folder is not to be seen."""

    def __init__(self, folder: Path, key: str, epochs: int) -> None:
        self._path, self._key, self._epochs = folder / f"{key}.json", key, epochs
        self._began = time.time()

    def __enter__(self) -> "Heartbeat":
        self._write(0, None, None)
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)

    def epoch(self, epoch: Epoch) -> None:
        """Say that an epoch has ended."""
        self._write(epoch.epoch, epoch.loss, epoch.accuracy)

    def _write(self, epoch: int, loss: float | None, accuracy: float | None) -> None:
        far = RunProgress(self._key, epoch, self._epochs, loss, accuracy, self._began, time.time())
        # Only news: no run fails for a note that cannot be written.
        with contextlib.suppress(OSError):
            atomic_write(self._path, json.dumps(vars(far)).encode())


def read_heartbeats(folder: Path) -> Iterator[RunProgress]:
    """Yield how far the runs that go on are, by their keys."""
    paths: list[Path] = []
    # The study may end, and take the folder away, while somebody looks.
    with contextlib.suppress(FileNotFoundError):
        paths = sorted(folder.glob("[!.]*.json"))
    for path in paths:
        with contextlib.suppress(OSError, ValueError, TypeError, RecursionError):
            if time.time() - path.stat().st_mtime < STALE_SECONDS:
                content: dict[str, Any] = json.loads(path.read_text("utf-8"))
                far = RunProgress(**content)
                if _is_right(far):
                    yield far


def _is_right(far: RunProgress) -> bool:
    """Whether all is of the kind that it should be: a damaged note must not end a study."""
    counts = is_whole(far.epoch) and is_whole(far.epochs)
    times = is_number(far.began) and is_number(far.updated)
    measured = all(value is None or is_number(value) for value in (far.loss, far.accuracy))
    return isinstance(far.key, str) and counts and times and measured
