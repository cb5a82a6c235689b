"""Public mirrors, over HTTP."""

import io
import logging
import threading
import time
from collections.abc import Sequence
from typing import Any, BinaryIO

import pooch  # type: ignore[import-untyped]  # it has no stubs

from ..errors import ChecksumError
from .archive import Archive, Arrays, IdxFile
from .cache import Cache

_CHUNK = 1 << 16
_SLACK = 1 << 16  # a compressed file can be this much larger than its content, no more

logger = logging.getLogger("qnn.data")


class _Stopped(Exception):
    """A download that shall not go on."""


class _Sink:
    """Takes a download: notes when bytes last came; stops it when told to, or when too long."""

    def __init__(self, file: BinaryIO, most: int) -> None:
        self.file = file
        self.most = most
        self.last = time.monotonic()
        self.stopped = False

    def write(self, data: bytes) -> int:
        self.last = time.monotonic()
        if self.stopped or self.file.tell() + len(data) > self.most:
            raise _Stopped(f"sent more than {self.most:,} bytes")
        return self.file.write(data)

    def flush(self) -> None:
        self.file.flush()


def chosen(known: tuple[str, ...], given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the base URLs that were given, or else those that are known.

    Raises:
        TypeError: one string was given.
    """
    if isinstance(given, str):
        raise TypeError(f"mirrors is a list of base URLs, not one string, {given!r}")
    return known if given is None else tuple(given)


def fetch_from_mirror(
    archive: Archive, files: list[IdxFile], mirror: str, cache: Cache, timeout: float
) -> tuple[Arrays, str]:
    """Download files into the cache.

    Args:
        archive: whose files they are.
        files: which to download.
        mirror: the URL of the folder with the gzipped files.
        cache: where to keep them.
        timeout: give up after so many seconds in which nothing comes.

    Returns:
        The arrays of those that came and are verified, and what went wrong with the others.
    """
    logger.warning("downloading %s from %s to %s", archive.title, mirror, cache.folder)
    arrays: Arrays = {}
    reasons = []
    for file in files:
        url = f"{mirror.rstrip('/')}/{file.name}.gz"
        try:
            arrays |= cache.store(file, download(url, file.size + _SLACK, timeout), url)
        except ChecksumError as error:
            reasons.append(str(error))
        except OSError as error:
            reasons.append(f"{url}: {innermost(error)}")
            if not _is_about_one_file(error):
                break
    return arrays, "; ".join(reasons)


def download(url: str, most: int, timeout: float) -> bytes:
    """Return what a URL gives; see `download_to`."""
    file = io.BytesIO()
    download_to(file, url, most, timeout)
    return file.getvalue()


def download_to(file: BinaryIO, url: str, most: int, timeout: float) -> None:
    """Write what a URL gives to a file.

    Raises:
        OSError: it is not there, or not reachable, or nothing came for `timeout` seconds, or the
            transfer was cut, or is longer than `most` bytes.
    """
    sink = _Sink(file, most)
    failures: list[Exception] = []
    responses: list[Any] = []

    def note(response: Any, **_: Any) -> None:
        responses.append(response)

    def run() -> None:
        options = {"timeout": timeout, "hooks": {"response": note}}
        try:
            pooch.HTTPDownloader(chunk_size=_CHUNK, **options)(url, sink, None)
        except Exception as error:
            failures.append(error)
        finally:
            for response in responses:  # pooch leaves them open when something goes wrong
                response.close()

    # A thread of its own, for no timeout of a socket bounds the look-up of the name, and a name
    # with eight addresses takes eight of them. A daemon, so that a hanging one is left behind.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while thread.is_alive():
        wait = sink.last + timeout - time.monotonic()
        if wait <= 0:
            sink.stopped = True
            raise TimeoutError(f"nothing came for {timeout:g} s")
        thread.join(wait)
    if failures:
        if isinstance(failures[0], OSError):
            raise failures[0]
        raise OSError(str(failures[0])) from failures[0]


def _is_about_one_file(error: OSError) -> bool:
    """Tell an answer of the server, such as 404 Not Found, from a server that cannot be reached."""
    return getattr(error, "response", None) is not None


def innermost(error: BaseException) -> str:
    """Say what was wrong without the exceptions that requests and urllib3 wrap around it."""
    inner = getattr(error.args[0], "reason", error.args[0]) if error.args else error
    return str(inner) or type(error).__name__
