"""Puts this folder's helper modules within reach of its tests."""

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True, scope="module")
def little_garbage() -> Iterator[None]:
    """Keep what is there from being looked through: `multipletests` collects garbage each time."""
    gc.freeze()
    yield
    gc.unfreeze()
