"""Bits of each layer, measured or trained: python studies/learned_bits.py

Three nets on MNIST (20,000 training images), each trained in float and quantized. Then each layer's
weight gets bits under one budget, halfway between the files of 2 and of 3 bits everywhere: by
`qnn.allocate`, which measures what each layer loses, and by `qnn.learn_bits`, which trains the bits
for two epochs. What is measured trains for four epochs afterwards, what was trained for two, so
that both have seen as much. Inputs have 4 bits. Five seeds; the test images are looked at once.

What is measured spends the budget; what was trained is rounded to the nearest width, and leaves up
to a quarter of it: each net's bytes stand below.
"""

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from qnn_compare import Comparison
from qnn_core.files import atomic_write
from qnn_core.terminal import table

RESULTS = Path("docs/results/learned_bits")
SEEDS = range(5)
NETS: dict[str, Any] = {
    "784-128-64-10": partial(qnn.MLP, [784, 128, 64, 10], batch_norm=True),
    "LeNet 8, 16, 64": partial(qnn.LeNet, channels=(8, 16), hidden=64, batch_norm=True),
    "DS-CNN 16": partial(qnn.DSCNN, (28, 28, 1), channels=16, blocks=2),
}
EVERY: dict[str, Any] = {
    "weight": "symmetric:3",
    "first_weight": "symmetric:3",
    "last_weight": "symmetric:3",
}
QUANTIZED: dict[str, Any] = {
    **EVERY,
    "input": "uniform:4",
    "first_input": "uniform:8",
    "last_input": "uniform:4",
}
BITS = (2, 3, 4, 8)


def train(model: qnn.Module, data: Any, epochs: int, lr: float, seed: int) -> None:
    """Train with Adam and a rate that falls to 0."""
    schedule = qnn.optim.Cosine(steps=epochs * -(-len(data[0]) // 100))
    optimizer = qnn.optim.Adam(model.parameters(), lr=lr, schedule=schedule)
    qnn.fit(
        model, data, epochs=epochs, optimizer=optimizer, batch_size=100, seed=seed, progress=False
    )


def run(build: Any, train_data: Any, chosen_by: Any, seed: int) -> dict[str, qnn.Module]:
    """Return both nets of a seed, and the float one."""
    net = build(seed=seed)
    train(net, train_data, 6, 4e-3, seed)
    model = qnn.quantize(net, **QUANTIZED, calibration=chosen_by[0])
    alike = qnn.allocate(model, chosen_by, budget=10**7, bits=(2, 3)).uniform
    budget = sum(plan.nbytes for plan in alike) // 2
    measured = qnn.allocate(model, chosen_by, budget=budget, bits=BITS)
    learned = qnn.learn_bits(
        model, train_data, budget=budget, bits=BITS, epochs=2, batch_size=100, seed=seed,
        progress=False,
    )  # fmt: skip # one call
    print(seed, budget, [*measured.bits.values()], [*learned.bits.values()], file=sys.stderr)
    train(measured.model, train_data, 4, 1e-3, seed)
    train(learned.model, train_data, 2, 1e-3, seed)
    return {"float": net, "allocate": measured.model, "learn_bits": learned.model}


def main() -> None:
    """Train all, compare both ways for each net, and write the page."""
    full, test = qnn_data.load("mnist")
    images, labels = full[:20_000]
    some = images[:2000], labels[:2000]
    pictures, answers = test[:]
    parts = [f"# Bits that are measured, and bits that are learned\n\n{__doc__}"]
    for name, build in NETS.items():
        right: dict[str, dict[int, Any]] = {}
        rows = []
        for seed in SEEDS:
            print(name, end=": ", file=sys.stderr, flush=True)
            for way, model in run(build, (images, labels), some, seed).items():
                packed = qnn.pack(model, pictures[:100])
                right.setdefault(way, {})[seed] = packed.predict(pictures) == answers
                layers = [q for p, q in qnn.nn.surgery.quantizers(model).items() if "weight" in p]
                bits = " ".join(str(q.quantizer.bits) for q in layers)
                accuracy = f"{100 * np.mean(right[way][seed]):.2f}"
                rows.append([way, str(seed), bits, f"{packed.nbytes:,}", accuracy])
        found = Comparison.from_results(right, reference="allocate")
        print(found)
        nets = table(["way", "seed", "bits by layer", "bytes", "accuracy %"], rows, "markdown")
        parts.append(f"## {name}\n\n{found.table('markdown')}\n\n{nets}\n")
    RESULTS.mkdir(parents=True, exist_ok=True)
    atomic_write(RESULTS / "README.md", "\n\n".join(parts).encode())


if __name__ == "__main__":
    main()
