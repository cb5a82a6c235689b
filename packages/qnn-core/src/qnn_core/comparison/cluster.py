"""A Dask cluster as an executor."""

from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from ..errors import CompareError

TIMEOUT = "20s"


@contextmanager
def dask_executor(address: str) -> Generator[Executor]:
    """Connect to the scheduler of a Dask cluster, and run cells there while the context lasts.

    Args:
        address: such as "tcp://host:8786".

    Raises:
        CompareError: if distributed is not installed, or no scheduler answers.
    """
    try:
        import distributed  # noqa: PLC0415 - it is optional
    except ImportError as error:
        raise CompareError("Dask is needed: pip install 'qnn-core[dask]'") from error
    try:
        connect: Any = distributed.Client
        client = connect(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CompareError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        yield client.get_executor()
