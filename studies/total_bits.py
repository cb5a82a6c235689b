"""Does only the total number of bits matter? python studies/total_bits.py weights (or: files)

BitNetMCU says so of nets of 1 to 4 bits (docs/documentation.md, "Model Capacity vs Quantization
scaling"), from training losses of single runs over the bits of all weights. Here the nets are
256-n-n-n-10 on MNIST at 16 x 16 pixels, all inputs of 8 bits, trained alike at a rate that was
chosen for each alike. With `weights`, each has as many hidden channels as bring its weights to
100,864 bits, those of 64 channels at 4 bits, a ternary weight counted as log2(3). With `files`, as
many as bring the file that `qnn.pack` writes to 12,000 bytes: found by training some widths from
seed 99; the rates are those of `weights`.

A file holds more than weights: five floats of each hidden channel, bias and batch normalization,
which are half of the file at 1 bit and an eighth at 8 (255 thresholds would take more). Ternary
codes are packed at 2 bits and then deflated, to 1.61 a weight; other codes shrink by 0 to 3 %.
"""

import sys
from functools import partial
from typing import Any

import qnn_core as qnn
from _study.images import shrunk
from deep import ONE_BIT
from qnn_compare import Comparison, Config, compare

WEIGHTS: dict[str, dict[str, Any]] = {
    "1 bit": {"weight": ONE_BIT, "weight_bounds": (-0.2, 0.2)},
    "ternary": {"weight": "symmetric:2"},
    "2 bits": {"weight": "symmetric:2,grid=even"},
    "3 bits": {"weight": "symmetric:3,grid=even"},
    "4 bits": {"weight": "symmetric:4,grid=even"},
    "8 bits": {"weight": "symmetric:8"},
}
WIDTHS = {"weights": (168, 124, 106, 79, 64, 37), "files": (100, 79, 70, 55, 46, 28)}


def net(*, width: int, weight: Any, input: Any, **options: Any) -> qnn.Sequential:
    """Return 256-width-width-width-10, all four layers quantized alike."""
    last: dict[str, Any] = {"last_weight": weight, "last_input": input, "batch_norm": True}
    return qnn.MLP([256, *3 * [width], 10], weight=weight, input=input, **last, **options)


if __name__ == "__main__":
    equal = sys.argv[1]
    results = "docs/results/total_bits"
    tune: Any = {"lr": [2e-3, 4e-3, 8e-3, 1.6e-2]}
    rates: list[Any] = [None] * len(WEIGHTS)
    if equal == "files":  # rates that were chosen for the same quantizers
        tune, rates = None, [one.recipe for one in Comparison.load(f"{results}/weights").configs]
    found = compare(
        net, partial(shrunk, "mnist", side=16),
        configs=[
            Config(f"{name} x {n}", input="uniform:8", width=n, recipe=rate, **options)
            for (name, options), n, rate in zip(WEIGHTS.items(), WIDTHS[equal], rates, strict=True)
        ],
        reference=f"4 bits x {WIDTHS[equal][4]}",
        seeds=5, epochs=15, batch_size=200, optimizer="adamw", warm_up=1,
        tune=tune, store=f"{results}/{equal}", executor=1,
    )  # fmt: skip # one call
    title = f"MNIST, nets whose {equal} have the same size"
    found.report(f"{results}/{equal}/README.md", title=title, about=__doc__)
    print(found)
