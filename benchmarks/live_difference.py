"""Compare nets in a live page with the packed models that are in it, in a browser.

    python benchmarks/live_difference.py [--images 10000] [--nets mlp lenet schemes] [--json FILE]

Each net is trained for a moment on the bundled digits, packed, written as a page and run there by
Chromium without a screen, on MNIST's test images: the folder that QNN_DATA names has them. Every
output is compared to the bit. Times are those that the page tells. The browser is the one that
tests take (`nox -s browser`); playwright drives it.
"""

import argparse
import json
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import qnn_core as qnn
import qnn_data
from qnn_core.registry import registered
from tabulate import tabulate

sys.path.append(str(Path(__file__).parents[1] / "tools"))
import chromium  # a tool of this repository, which is no package

BATCH = 1000
WIDTHS = (1, 2, 4, 8)
HEADS = ("net", "weights", "ends", "differ", "of", "an answer", "net bytes", "page bytes")
BUILDS: dict[str, Callable[..., Any]] = {
    "lenet": partial(qnn.LeNet, channels=(8, 16), hidden=128, batch_norm=True),
    "mlp": partial(qnn.MLP, [784, 128, 64, 10], batch_norm=True),
}


class Case(NamedTuple):
    """A net to compare: a builder, its quantizers, and those of its first and last layer."""

    net: str
    weight: str | None
    input: str | None
    ends: str

    def build(self) -> Any:
        """Return the untrained net."""
        given = {
            "8 bits": ("symmetric:8", "uniform:8"),
            "float": (None, None),
            "as inside": (self.weight, self.input),
        }[self.ends]
        both = dict(zip(("weight", "input"), given, strict=True))
        ends = {f"{end}_{side}": spec for end in ("first", "last") for side, spec in both.items()}
        return BUILDS[self.net](weight=self.weight, input=self.input, **ends, seed=0)


def cases(kind: str) -> Iterator[Case]:
    """Yield the nets of a kind."""
    if kind == "schemes":
        for entry in registered():
            for bits in sorted({*WIDTHS} & {*entry.bits()}):
                yield Case("mlp", f"{entry.name}:{bits}", f"{entry.name}:{bits}", "as inside")
        return
    yield Case(kind, None, None, "float")
    for bits in WIDTHS:
        weight = "binary" if bits == 1 else f"symmetric:{bits}"
        for ends in ("float", "8 bits", "as inside")[: 3 if kind == "mlp" else 2]:
            yield Case(kind, weight, f"uniform:{bits}", ends)
    if kind == "lenet":
        yield Case(kind, "nf4:4", "uniform:4", "float")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=10_000, help="how many are compared")
    kinds = ("mlp", "lenet", "schemes")
    parser.add_argument("--nets", nargs="+", choices=kinds, default=list(kinds))
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the rows go, added to it")
    options = parser.parse_args()
    path = chromium.found()
    if path is None:
        parser.error(chromium.MISSING)
    _, test = qnn_data.load("mnist")
    images = test[: options.images][0]
    rows = []
    with chromium.launched(path) as browser:
        for case in (case for kind in options.nets for case in cases(kind)):
            rows.append(dict(zip(HEADS, compared(case, images, browser), strict=True)))
            print(*rows[-1].values(), flush=True)
        version = f"Chromium {browser.version}"
    print(f"\n{len(images):,} images, {version}\n")
    print(tabulate(rows, headers="keys"))
    if options.json:
        known = json.loads(options.json.read_text())["rows"] if options.json.exists() else []
        about = {"browser": version, "machine": platform.machine(), "images": len(images)}
        told = json.dumps({**about, "rows": [*known, *rows]}, indent=1)
        options.json.write_text(f"{told}\n", encoding="utf-8")
    sys.exit(any(row["differ"] for row in rows))


def compared(case: Case, images: Any, browser: Any) -> tuple[Any, ...]:
    """Return what a net is, on how many images its page differs, its time, and bytes."""
    packed = trained(case)
    shape = packed.graph.inputs[0].shape
    with tempfile.TemporaryDirectory() as folder:
        made = packed.page(Path(folder, "net.html"))
        page = browser.new_page()
        page.set_default_timeout(0)
        page.goto(made.path.absolute().as_uri())
        page.evaluate("qnn.ready")
        differ = 0
        for start in range(0, len(images), BATCH):
            x = images[start : start + BATCH]
            found = chromium.answers(page, 0, x)
            wanted = np.asarray(packed(x.reshape(-1, *shape)))
            bits = found.view(np.uint32) != wanted.view(np.uint32)
            differ += int(np.any(bits, axis=1).sum())
        taken = page.evaluate("qnn.page.nets[0].card.time.textContent")
        page.close()
    about = case.net, f"{case.weight or 'float'}, {case.input or 'float'}", case.ends
    return *about, differ, len(images), taken, packed.nbytes, made.nbytes


def trained(case: Case) -> qnn.PackedModel:
    """Return a net after two epochs on a part of the bundled digits, packed."""
    model = case.build()
    train, _ = qnn_data.load("mnist-mini")
    images, labels = train[:1000]
    if case.net == "lenet":
        images = images.reshape(-1, 28, 28, 1)
    optimizer = qnn.optim.Adam(model.parameters(), 1e-3)
    qnn.fit(model, (images, labels), epochs=2, optimizer=optimizer)
    return qnn.pack(model.eval(), images[:50])


if __name__ == "__main__":
    main()
