"""What is said while something goes on: by one logger, ``qnn``, and those below it.

Its records of level INFO and above go to standard error, as they always did; a program that wants
them elsewhere, or not at all, says so to Python's `logging`::

    logging.getLogger("qnn").setLevel("WARNING")  # no news
    logging.getLogger("qnn").setLevel("DEBUG")  # each epoch of `fit`
    logging.basicConfig(level="INFO")  # in the program's own format
"""

import logging
import sys

from .streams import say


class _ToStandardError(logging.Handler):
    """Writes for whoever watches, unless the root logger's handlers write there already."""

    def emit(self, record: logging.LogRecord) -> None:
        shown = (sys.stderr, sys.stdout)
        if not any(getattr(h, "stream", None) in shown for h in logging.getLogger().handlers):
            say(self.format(record), sys.stderr)


LOGGER = logging.getLogger("qnn")
if LOGGER.level == logging.NOTSET:
    LOGGER.setLevel(logging.INFO)
if not LOGGER.handlers:
    LOGGER.addHandler(_ToStandardError())
