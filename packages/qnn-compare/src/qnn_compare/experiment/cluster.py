"""A Dask cluster as an executor."""

import time
from collections.abc import Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from qnn_core.errors import CompareError
from qnn_core.terminal import LOGGER

TIMEOUT = "20s"
# For so long runs wait for a first worker, or for another one when all have gone.
NO_WORKER_SECONDS = 120.0
SAY_SECONDS = 5.0


class Workers:
    """Watches whether a Dask cluster has workers; of other executors nothing can be told.

    Args:
        executor: where runs were sent.
    """

    def __init__(self, executor: Executor) -> None:
        of_dask = type(executor).__module__.partition(".")[0] == "distributed"
        self._client = getattr(executor, "_client", None) if of_dask else None
        self._none_since: float | None = None
        self._said = 0.0

    def check(self) -> None:
        """Say now and then that there is no worker.

        Raises:
            CompareError: if there has been none for `NO_WORKER_SECONDS`.
        """
        if self._client is None:
            return
        now = time.monotonic()
        if self._client.scheduler_info()["workers"]:
            self._none_since = None
            return
        if self._none_since is None:
            self._none_since = self._said = now
        waited = now - self._none_since
        if waited >= NO_WORKER_SECONDS:
            raise CompareError(
                f"compare: the Dask scheduler has had no worker for {waited:.0f} seconds: start "
                "some (dask worker ADDRESS --nthreads 1), and wait for them with "
                "client.wait_for_workers(1) where that takes long; what is done is kept in the "
                "store"
            )
        if waited == 0 or now - self._said >= SAY_SECONDS:
            self._said = now
            left = NO_WORKER_SECONDS - waited
            LOGGER.info(
                "the Dask scheduler has no worker; waiting for one, %.0f seconds at most", left
            )


@contextmanager
def dask_executor(address: str) -> Generator[Executor]:
    """Connect to the scheduler of a Dask cluster, and execute runs there while the context lasts.

    Args:
        address: such as "tcp://host:8786".

    Raises:
        CompareError: if distributed is not installed, or no scheduler answers.
    """
    try:
        import distributed  # noqa: PLC0415 - it is optional
    except ImportError as error:
        raise CompareError("Dask is needed: pip install 'qnn-compare[dask]'") from error
    try:
        connect: Any = distributed.Client
        client = connect(address, timeout=TIMEOUT, set_as_default=False)
    except (OSError, ValueError) as error:
        raise CompareError(f"no Dask scheduler answers at {address}: {error}") from error
    with client:
        yield client.get_executor()
