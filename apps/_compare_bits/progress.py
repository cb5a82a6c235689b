"""Progress on standard error: a bar on a terminal, else a line for each run."""

import sys

from tqdm import tqdm

from .cell import Result
from .plan import Arm


class Progress:
    """Shows how many runs are done, the time left, and the last result.

    Args:
        total: number of runs.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._done = 0
        # smoothing=0: the time left by the mean over all runs, since they differ.
        self._bar = tqdm(
            total=total,
            unit="run",
            desc="training",
            dynamic_ncols=True,
            smoothing=0,
            disable=not sys.stderr.isatty(),
        )

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def show(self, result: Result | None) -> None:
        """Count a result; None only lets the clock go on."""
        if result is None:
            self._bar.refresh()
            return
        self._done += 1
        line = f"{Arm(result.scheme, result.bits)}, seed {result.seed}: {_outcome(result)}"
        if self._bar.disable:
            print(f"{self._done}/{self._total}  {line}", file=sys.stderr, flush=True)
        elif result.status == "failed":
            self._bar.write(line, file=sys.stderr)
        else:
            self._bar.set_postfix_str(line, refresh=False)
        self._bar.update()

    def say(self, message: str) -> None:
        """Close the bar and print a message."""
        self._bar.close()
        print(f"compare_bits.py: {message}", file=sys.stderr, flush=True)


def _outcome(result: Result) -> str:
    if result.accuracy is None:
        return f"failed, {result.reason}"
    return f"{result.accuracy:.1%} in {result.seconds:.1f} s"
