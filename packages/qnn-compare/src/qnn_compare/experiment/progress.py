"""Progress on standard error: an overall bar and a line for each run that goes on; or lines."""

import sys
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from qnn_core.terminal import LOGGER, bar, in_notebook, is_watched

from ..formatting import counted
from ..metric import ACCURACY, Metric
from .heartbeat import RunProgress
from .result import Result

# More of them than this are only counted: a cluster has more than a terminal has lines.
MOST_LINES = 12
# What a terminal that has gone raises; no study ends for that.
UNSEEN = (AttributeError, OSError, ValueError)


class Progress:
    """Shows how many runs are done, the time left, and how far the running ones are.

    Args:
        total: number of runs.
        done: how many were done before.
        show: True, or False for nothing at all; None for nothing but where there is work to do.
        kept_failed: how many of those that were done before failed, and are not tried again.
        metric: what nets are judged by.
    """

    def __init__(
        self,
        total: int,
        done: int,
        show: bool | None,
        kept_failed: int = 0,
        metric: Metric = ACCURACY,
    ) -> None:
        self._metric = metric
        self._total, self._done = total, done
        self._quiet = show is False or total == done
        # Even a tqdm that shows nothing holds a semaphore of the system.
        self._bar: Any = None
        self._lines: list[Any] = []
        if kept_failed and show is not False:
            LOGGER.info(
                "%s failed before, and would again; retry=True (qnn compare --retry) tries all "
                "the same",
                counted(kept_failed, "run"),
            )
        if not self._quiet and is_watched():
            # smoothing=0: the time left by the mean over all runs, since they differ.
            options: dict[str, Any] = {"unit": "run", "desc": "training", "smoothing": 0}
            self._bar = bar(total=total, initial=done, **options)
        elif not self._quiet and done:
            LOGGER.info("%d of %d runs were done before", done, total)

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        for line in (*self._lines, self._bar):
            if line is not None:
                with suppress(*UNSEEN):
                    line.close()

    def show(self, result: Result) -> None:
        """Count a run that has ended."""
        self._done += 1
        told = f"{result.config}, seed {result.seed}: {_outcome(result, self._metric)}"
        if self._bar is not None:
            with suppress(*UNSEEN):
                if not result.done:
                    self._bar.write(told, file=sys.stderr)
                self._bar.set_postfix_str(told, refresh=False)
                self._bar.update()
        elif not self._quiet:
            LOGGER.info("%d/%d  %s", self._done, self._total, told)

    def tick(self, running: Iterable[tuple[str, RunProgress]]) -> None:
        """Show how far the runs that go on are, by their names."""
        if self._bar is None or in_notebook():  # a widget for each run would be in the way
            return
        with suppress(*UNSEEN):
            self._show(running)

    def _show(self, running: Iterable[tuple[str, RunProgress]]) -> None:
        self._bar.refresh()
        told = [_far(name, far) for name, far in running]
        if len(told) > MOST_LINES:
            told[MOST_LINES - 1 :] = [f"  and {len(told) - MOST_LINES + 1} more"]
        while len(self._lines) < len(told):
            place = len(self._lines) + 1
            self._lines.append(bar(total=0, position=place, bar_format="{desc}", leave=False))
        for n, line in enumerate(self._lines):
            line.set_description_str(told[n] if n < len(told) else "")


def _outcome(result: Result, metric: Metric) -> str:
    if not result.done:
        return f"{result.failure}: {result.reason}"
    size = "not packed" if result.unpacked else f"{result.nbytes:,} bytes"
    value = f"{result.accuracy:.2%}" if metric.shares else metric.value(result.accuracy)
    told = value if metric == ACCURACY else f"{metric.name} {value}"
    return f"{told}, {size}, {result.seconds:.1f} s"


def _far(name: str, far: RunProgress) -> str:
    told = f"  {name}: epoch {far.epoch}/{far.epochs}"
    if far.loss is not None:
        told += f", loss {far.loss:.4f}"
    if far.accuracy is not None:
        told += f", accuracy {far.accuracy:.2%}"
    left = far.seconds_left
    return told if left is None else f"{told}, {timedelta(seconds=round(left))} left"
