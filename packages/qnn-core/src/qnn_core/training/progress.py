"""The progress bar of a training run."""

import sys
import time
from contextlib import suppress
from typing import Any

from ..terminal import bar, is_watched, is_writable
from .evaluate import Evaluation, told


class Progress:
    """A bar over all batches of a run: epoch, loss, metric, images per second, time left.

    Args:
        data: the training batches; without a number of ``steps`` the time left is not known.
        epochs: how many in all.
        done: how many were done before.
        show: True, False, or None for only on a terminal and in a notebook.
    """

    def __init__(self, data: Any, epochs: int, done: int, show: bool | None) -> None:
        self._epochs = epochs
        self._bar: Any = None
        # Even a tqdm that shows nothing holds a semaphore of the system.
        if is_watched() if show is None else show and is_writable(sys.stderr):
            steps = data.steps
            self._bar = bar(
                total=None if steps is None else steps * epochs,
                initial=0 if steps is None else steps * done,
                bar_format="{desc} {percentage:3.0f}%|{bar}| {elapsed}<{remaining}{postfix}",
                # Work that is done in a moment needs no bar.
                delay=0.5,
                leave=False,
            )
        self._samples = 0
        self._began = time.perf_counter()

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            with suppress(OSError, ValueError):
                self._bar.close()

    @property
    def shown(self) -> bool:
        """Whether there is a bar: what it would show need not be computed otherwise."""
        return self._bar is not None

    def step(self, epoch: int, batch: int, so_far: Evaluation) -> None:
        """Move on by one batch of so many samples; `so_far` is the epoch's measurement."""
        if self._bar is None:
            return
        self._bar.set_description_str(f"epoch {epoch}/{self._epochs}", refresh=False)
        self._samples += batch
        rate = self._samples / max(time.perf_counter() - self._began, 1e-9)
        self._bar.set_postfix_str(
            f"loss {so_far.loss:.4f}{told(so_far)}, {rate:,.0f} images/s", refresh=False
        )
        try:
            self._bar.update()
        except (OSError, ValueError):  # the terminal is gone: no reason to end the training
            self._bar = None
