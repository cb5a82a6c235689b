"""Signals at 8, 4 and 2 bits: python studies/one_dimensional.py

MNIST-1D (Greydanus and Kobak 2020, arXiv:2011.14439): signals of 40 samples, each one of ten shapes
that stand for digits, padded, shifted, sheared, and noisy. They are made by the package `mnist1d`,
from a seed. The 4,000 for training are the published ones (seed 42); the test are 10,000 others
(seed 43), since 1,000 as published would tell two points apart, not one.

Three convolutions of 32 channels, each of half the length of the one before, and a linear layer;
batch normalization before each ReLU. Weights and inputs of all layers have the bits that are named,
but for the signal, which has 8. Of the published test, the authors' convolutional net, of 25
channels, has 94 % right and their fully connected one 68. Too small to matter is one point, a 26th
of what lies between.
"""

from typing import Any

import numpy as np
import qnn_core as qnn
from mnist1d.data import get_dataset_args, make_dataset
from qnn_compare import Config, compare


def net(*, weight: Any, input: Any, seed: int) -> qnn.Sequential:
    """Return the net; its signals are 40, 20, 10 and 5 samples long."""
    rng = np.random.default_rng(seed)
    layers: list[qnn.Module] = [qnn.nn.Reshape(40, 1)]
    for channels, kernel in ((1, 5), (32, 3), (32, 3)):
        options: dict[str, Any] = {"stride": 2, "padding": kernel // 2, "seed": rng}
        given = input if channels > 1 or input is None else "uniform:8"
        convolution = qnn.QuantConv1d(channels, 32, kernel, weight=weight, input=given, **options)
        layers += [convolution, qnn.nn.BatchNorm(32), qnn.ReLU()]
    last = qnn.QuantLinear(5 * 32, 10, weight=weight, input=input, seed=rng)
    return qnn.Sequential(*layers, qnn.nn.Flatten(), last)


def signals() -> Any:
    """Return training and test data, standardised as the package does it."""
    both = []
    for seed, count, share in ((42, 5_000, 0.8), (43, 10_000, 1.0)):
        args = get_dataset_args()
        args.seed, args.num_samples, args.train_split = seed, count, share
        made = make_dataset(args)
        both.append((made["x"].astype(np.float32), made["y"]))
    return tuple(both)


def config(bits: int) -> Config:
    return Config(f"{bits} bits", weight=f"symmetric:{bits}", input=f"uniform:{bits}")


if __name__ == "__main__":
    found = compare(
        net, signals,
        configs=[Config("float"), *map(config, (8, 4, 2))], seeds=5, epochs=30,
        margin=0.01, tune={"lr": [3e-3, 1e-2, 3e-2]}, executor=1,
        store="docs/results/one_dimensional",
    )  # fmt: skip # one call
    title = "MNIST-1D, convolutions of signals at 8, 4 and 2 bits"
    found.report("docs/results/one_dimensional/README.md", title=title, about=__doc__)
    print(found)
