"""This folder's helper modules within reach of its tests, and what these share."""

import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def thread() -> Iterator[Executor]:
    """One thread of this process."""
    with ThreadPoolExecutor(1) as executor:
        yield executor
