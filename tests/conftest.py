"""What all tests share: the profiles of Hypothesis, and a look at what they run against."""

import os
import signal
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=50, print_blob=True)
settings.register_profile("explore", deadline=None, max_examples=2000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_configure() -> None:
    """Refuse to test compiled modules that were made from older sources."""
    # A shell's background jobs ignore Ctrl-C, and so would all processes that are to hear it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    installed = find_spec("qnn_core")
    if installed is None or installed.origin is None:
        return  # as where only the distributions are tested
    for types in Path(installed.origin).parent.glob(
        "autodiff/*.pxd"
    ):  # none in what is installed from a wheel
        compiled = [types.with_name(types.stem + suffix) for suffix in EXTENSION_SUFFIXES]
        made = [path.stat().st_mtime for path in compiled if path.exists()]
        newest = max(path.stat().st_mtime for path in (types, types.with_suffix(".py")))
        if not made or max(made) < newest:
            raise pytest.UsageError(
                f"{types.stem}.py is newer than what was compiled of it: run nox -s dev"
            )
