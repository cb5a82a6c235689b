"""The browser of these tests: one for all."""

from collections.abc import Iterator
from typing import Any

import chromium
import pytest


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    path = chromium.found()
    if path is None:
        pytest.fail(chromium.MISSING, pytrace=False)
    with chromium.launched(path) as launched:
        yield launched
