"""A browser without a screen: for tests, and for what is run in a page."""

import base64
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# No screen, no sandbox (root has none), and no conversations with its maker.
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = (
    f"there is no browser: install one of {', '.join(BROWSERS)} "
    "(Debian: apt-get install chromium), or name one in QNN_CHROMIUM"
)


def found() -> str | None:
    """Return the browser that QNN_CHROMIUM names, or the first that is installed."""
    return os.environ.get("QNN_CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def launched(path: str) -> Iterator[Any]:
    """Run a browser by playwright, which is wanted here and nowhere else."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 # it is optional

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


# What a net of a live page gives for samples in a row, as text that holds the bytes of float32.
RUN = """async ([number, text]) => {
  const { nets } = await qnn.ready;
  const x = new Float32Array(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
  const size = qnn.page.input.shape.reduce((product, n) => product * n, 1);
  const outputs = [];
  for (let at = 0; at < x.length; at += size) {
    outputs.push(...nets[number].engine.run(x.subarray(at, at + size))[0]);
  }
  const bytes = new Uint8Array(Float32Array.from(outputs).buffer);
  return btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), ""));
}"""


def answers(page: Any, number: int, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the first output of a net of a live page that is open, ``[samples, numbers]``."""
    text = base64.b64encode(np.ascontiguousarray(x, "<f4").tobytes()).decode()
    found = np.frombuffer(base64.b64decode(page.evaluate(RUN, [number, text])), "<f4")
    return found.reshape(len(x), -1)
