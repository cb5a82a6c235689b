"""Count the files and calls that a reader of a flow has to follow.

    python tools/flows.py

Flows: a batch to an updated weight, of a float and of a quantized layer; the same layer in
evaluation; a model to a packed file and back; one comparison to its verdicts. Counted are calls of
Python functions of our packages, once everything is imported and warm; compiled modules are named
by their file, but count only where Python sees a call of theirs.
"""

import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import qnn_core as qnn
from tabulate import tabulate

PACKAGES = ("qnn_core", "qnn_quantizers", "qnn_data", "qnn_compare")
X = np.random.default_rng(0).normal(size=(100, 8)).astype(np.float32)
Y = (X.sum(axis=1) > 0).astype(int)


def main() -> None:
    rows = []
    for name, flow in flows().items():
        flow()  # what happens once is not followed
        files = followed(flow)
        rows.append((name, len(files), sum(files.values()), *most(files)))
    print(tabulate(rows, headers=["flow", "files", "calls", "most calls in"]))


def flows() -> dict[str, Callable[[], Any]]:
    """Return the flows by name."""
    float_layer, layer = qnn.Linear(8, 4, seed=0), quantized()
    still = quantized()
    still(qnn.Tensor(X))
    still.eval()
    model = qnn.MLP([8, 16, 2], weight="symmetric:2", input="uniform:2", batch_norm=True, seed=0)
    model(qnn.Tensor(X))
    model.eval()
    return {
        "float layer, forward": partial(float_layer, qnn.Tensor(X)),
        "quantized layer, forward in training": partial(layer, qnn.Tensor(X)),
        "quantized layer, forward in evaluation": partial(still, qnn.Tensor(X)),
        "a batch to an updated weight": partial(step, quantized()),
        "a model to a file and back": partial(packed, model),
        "a comparison to its verdicts": compared,
    }


def quantized() -> qnn.Module:
    return qnn.QuantLinear(8, 4, weight="symmetric:2", input="uniform:2", seed=0)


def step(layer: qnn.Module) -> None:
    optimizer = qnn.optim.SGD(layer.parameters(), lr=1e-3)
    qnn.ops.softmax_cross_entropy(layer(qnn.Tensor(X)), Y).backward()
    optimizer.step()


def packed(model: qnn.Module) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.qnn"
        qnn.pack(model, X).save(path)
        qnn.load(path)(X)


def compared() -> None:
    build = partial(qnn.MLP, [8, 8, 2], batch_norm=True)
    with ThreadPoolExecutor(1) as executor:
        data = (X[:60], Y[:60]), (X[60:], Y[60:])
        found = qnn.compare(
            build, data, weights=["symmetric"], bits=[2, 32], seeds=2, epochs=1,
            batch_size=20, executor=executor, progress=False,
        )  # fmt: skip
        str(found)


def followed(flow: Callable[[], Any]) -> Counter[str]:
    """Return how often functions of each of our files are called."""
    calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, _: Any) -> None:
        if event == "call":
            parts = Path(frame.f_code.co_filename).parts
            ours = next((n for n, part in enumerate(parts) if part in PACKAGES), None)
            if ours is not None:
                calls["/".join(parts[ours:])] += 1

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        flow()
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
    return calls


def most(files: Counter[str]) -> list[str]:
    return [", ".join(f"{name} {count}" for name, count in files.most_common(3))]


if __name__ == "__main__":
    main()
