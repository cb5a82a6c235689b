"""What the tests of comparisons share."""

from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor

import pytest


@pytest.fixture(scope="session")
def thread() -> Iterator[Executor]:
    """One thread of this process."""
    with ThreadPoolExecutor(1) as executor:
        yield executor
