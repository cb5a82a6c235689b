"""The report while a study runs: the page can be opened at any moment, and reads itself anew."""

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from qnn_core.errors import CompareError, SpecError
from qnn_core.files import atomic_write
from qnn_core.terminal import LOGGER

if TYPE_CHECKING:
    from ..comparison import Comparison

EVERY = 10.0  # seconds between two pages, at least
SHARE = 0.04  # of the time goes into pages, at most: they take a core from the runs
FIRST = 1.2  # seconds that the first one takes, with the import of Matplotlib


class LivePage:
    """A page of what is done so far.

    Args:
        path: an .html file; its folder is made when there is something to show.
        last: whether it writes the page that stays, too; False for who makes that one.

    Raises:
        SpecError: for another suffix.
    """

    def __init__(self, path: str | Path, *, last: bool = True) -> None:
        self.path, self._last = Path(path), last
        if self.path.suffix != ".html":
            raise SpecError(f"compare: page {self.path} must end in .html")
        self._next = time.monotonic() + max(EVERY, FIRST / SHARE)

    @property
    def is_due(self) -> bool:
        """Whether it is time for a new one."""
        return time.monotonic() >= self._next

    def show(self, comparison: "Comparison") -> None:
        """Write what is done; what cannot be written now may be later, and ends no study."""
        from .page.html import html  # noqa: PLC0415 - Matplotlib takes a second

        if not any(result.done for result in comparison.results.values()):
            return
        began = time.monotonic()
        with suppress(CompareError, OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(self.path, html(comparison, refresh=round(EVERY)).encode())
        ended = time.monotonic()
        self._next = ended + max(EVERY, (ended - began) / SHARE)

    def end(self, comparison: "Comparison") -> None:
        """Write the page that stays; where it cannot be written, say so: nothing else is lost."""
        if self._last and any(result.done for result in comparison.results.values()):
            try:
                comparison.report(self.path)
            except CompareError as error:
                LOGGER.warning("%s", error)
