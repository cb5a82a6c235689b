"""What deploy.py runs in a process of its own: the device, which has NumPy and qnn-core only.

Usage: python apps/_device.py FOLDER. It reads model.qnn, images.npy and float.npz there, and writes
logits.npy and found.json.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import qnn_core as qnn

BATCHES = (1, 100)
ROUNDS, CALLS = 20, 20


def rates(models: dict[str, Callable[[Any], Any]], images: Any) -> dict[str, float]:
    """Return images per second of each model, from the median time of a call."""
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(ROUNDS):  # in turns: what slows the machine for a while slows them all
        for name, model in models.items():
            model(images)  # the caches are warm again
            for _ in range(CALLS):
                began = time.perf_counter()
                model(images)
                times[name].append(time.perf_counter() - began)
    return {name: len(images) / median(taken) for name, taken in times.items()}


def main() -> None:
    folder = Path(sys.argv[1])
    images = np.load(folder / "images.npy")
    packed = qnn.load(folder / "model.qnn")
    np.save(folder / "logits.npy", packed(images))

    # The float net by hand. Batch normalization is folded into the layer before it, as anybody
    # would do who deploys it: x @ W + b is left, and between the layers a clip, the hardtanh.
    stored = np.load(folder / "float.npz")
    *hidden, last = [(stored[f"weight{n}"], stored[f"bias{n}"]) for n in range(len(stored) // 2)]

    def by_hand(x: Any) -> Any:
        for weight, bias in hidden:
            x = (x @ weight + bias).clip(-1, 1)
        return x @ last[0] + last[1]

    qnn.set_num_threads(1)  # deploy.py sees to BLAS, which looks at the environment when it starts
    found = {
        "imported": sorted(
            {name.partition(".")[0] for name in sys.modules if name.startswith("qnn")}
        ),
        "rates": [rates({"packed": packed, "float32": by_hand}, images[:n]) for n in BATCHES],
    }
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
