"""What a command found, as JSON on standard output and nothing else there."""

import argparse
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, redirect_stdout, suppress
from pathlib import PurePath
from typing import Any

import numpy as np


def add_json(parser: argparse._ActionsContainer) -> None:
    """Add the option ``--json`` to a command, which then sets `answer` of its parsed arguments.

    Example:
        >>> parser = argparse.ArgumentParser()
        >>> add_json(parser)
        >>> parser.parse_args(["--json"]).json
        True
    """
    parser.add_argument(
        "--json", action="store_true", help="print JSON, and nothing else, on standard output"
    )


def to_json(value: Any) -> str:
    """Return JSON of dictionaries, lists, numbers, arrays and paths; NaN and infinity are null.

    Example:
        >>> print(to_json({"a": np.float32(0.5), "b": (1, math.nan)}))
        {
         "a": 0.5,
         "b": [
          1,
          null
         ]
        }
    """
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, PurePath) else value


@contextmanager
def silenced() -> Iterator[None]:
    """Let what this process, and those that it starts, write to standard output go nowhere."""
    with ExitStack() as stack:
        nowhere = stack.enter_context(open(os.devnull, "w", encoding="utf-8"))
        with suppress(AttributeError, OSError, ValueError):  # a stream that is no file
            sys.stdout.flush()
            out = sys.stdout.fileno()
            before = os.dup(out)
            stack.callback(os.close, before)
            stack.callback(os.dup2, before, out)
            os.dup2(nowhere.fileno(), out)
        stack.enter_context(redirect_stdout(nowhere))
        yield
