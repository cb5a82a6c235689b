"""This folder's helper modules within reach of its tests, and what these share."""

import gc
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True, scope="module")
def little_garbage() -> Iterator[None]:
    """Keep what is there from being looked through: `multipletests` collects garbage each time."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def thread() -> Iterator[Executor]:
    """One thread of this process."""
    with ThreadPoolExecutor(1) as executor:
        yield executor
