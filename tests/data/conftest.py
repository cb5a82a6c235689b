"""A tiny archive, a real HTTP server, and the real MNIST where there is one."""

import contextlib
import gzip
import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from qnn_data import encode_idx
from qnn_data._sources.archive import Archive, IdxFile

FULL_MNIST = os.environ.get("QNN_DATA")  # before a test unsets it

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def tiny_contents() -> dict[str, bytes]:
    """Return four IDX files like MNIST's, with 20 and 10 images."""
    random = np.random.default_rng(0)
    arrays = []
    for count in (20, 10):
        arrays.append(random.integers(0, 256, (count, 28, 28), np.uint8))
        arrays.append((np.arange(count) % 10).astype(np.uint8))
    return {name: encode_idx(array) for name, array in zip(NAMES, arrays, strict=True)}


@pytest.fixture(scope="session")
def contents() -> dict[str, bytes]:
    return tiny_contents()


@pytest.fixture
def archive(contents: dict[str, bytes]) -> Archive:
    """Pinned as MNIST is: by SHA-256 of the content."""
    files = [
        IdxFile(name, len(data), sha256=hashlib.sha256(data).hexdigest())
        for name, data in contents.items()
    ]
    return Archive("Tiny", "tiny", (files[0], files[1]), (files[2], files[3]))


@pytest.fixture
def gz_archive(contents: dict[str, bytes]) -> Archive:
    """Pinned as Fashion-MNIST is: by MD5 of the gzipped file."""
    files = [
        IdxFile(name, len(data), gz_md5=hashlib.md5(gzip.compress(data, mtime=0)).hexdigest())
        for name, data in contents.items()
    ]
    return Archive("Tiny", "tiny", (files[0], files[1]), (files[2], files[3]))


class Handler(SimpleHTTPRequestHandler):
    """Serves a folder; misbehaves for files with certain names beside them."""

    def do_GET(self) -> None:
        self.server.requests.append(self.path)  # type: ignore[attr-defined] # of Server
        path = Path(self.translate_path(self.path))
        if path.with_name("HANG").exists():
            time.sleep(2)
        if path.with_name("CUT").exists():
            data = path.read_bytes()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data[: len(data) // 2])
            return
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def copyfile(self, source: object, outputfile: object) -> None:
        with contextlib.suppress(ConnectionError):  # the client hung up, as some tests want
            super().copyfile(source, outputfile)  # type: ignore[misc] # a file, as it was given


class Mirror:
    """A folder served over HTTP. `requests`: the paths asked for."""

    def __init__(self, folder: Path, server: ThreadingHTTPServer) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{server.server_port}/"
        self.requests: list[str] = server.requests  # type: ignore[attr-defined] # of Server

    def fill(self, contents: dict[str, bytes]) -> "Mirror":
        for name, data in contents.items():
            (self.folder / f"{name}.gz").write_bytes(gzip.compress(data, mtime=0))
        return self


class Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        pass  # a client that gave up is no news


@pytest.fixture
def new_mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Mirror]]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    servers: list[ThreadingHTTPServer] = []

    def make() -> Mirror:
        folder = tmp_path / f"mirror{len(servers)}"
        folder.mkdir()
        server = Server(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        server.requests = []  # type: ignore[attr-defined] # of Server
        servers.append(server)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        return Mirror(folder, server)

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def no_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """QNN_DATA is not set."""
    monkeypatch.delenv("QNN_DATA", raising=False)


@pytest.fixture
def mnist_folder() -> str:
    """The folder with the full MNIST."""
    if not FULL_MNIST:
        pytest.skip("QNN_DATA is not set: no full MNIST here")
    return FULL_MNIST
