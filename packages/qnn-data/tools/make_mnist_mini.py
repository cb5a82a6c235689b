"""Draw mnist-mini from MNIST: make_mnist_mini.py [MNIST folder, else QNN_DATA] [--out FOLDER].

Prints the table of src/qnn_data/mnist_mini.py. The same seed draws the same images: the files'
content, and so their checksums, are the same on every machine.
"""

import argparse
import hashlib
from pathlib import Path

import numpy as np
from qnn_data import MNIST, encode_idx, write_idx
from qnn_data._order import random_order

SEED = 20260101
OUT = Path(__file__).parents[1] / "src/qnn_data/bundled/mnist-mini"


def draw(labels: np.ndarray, per_class: int) -> np.ndarray:
    """Return the sorted indices of `per_class` random samples of each class."""
    drawn = []
    for label in range(10):
        members = np.flatnonzero(labels == label)
        drawn.append(members[random_order(len(members), SEED, label)[:per_class]])
    return np.sort(np.concatenate(drawn))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", help="with MNIST's files; by default QNN_DATA's")
    parser.add_argument("--out", type=Path, default=OUT)
    arguments = parser.parse_args()
    for prefix, train, per_class in (("train", True, 600), ("t10k", False, 100)):
        mnist = MNIST(train, folder=arguments.folder, transform=None)
        indices = draw(mnist.labels, per_class)
        images, labels = mnist.images[indices], mnist.labels[indices].astype(np.uint8)
        for name, array in (
            (f"{prefix}-images-idx3-ubyte", images),
            (f"{prefix}-labels-idx1-ubyte", labels),
        ):
            write_idx(arguments.out / f"{name}.gz", array)
            print(name, hashlib.sha256(encode_idx(array)).hexdigest())
        if train:
            pixels = images / 255
            print(f"mean {pixels.mean()!r} std {pixels.std()!r}")


if __name__ == "__main__":
    main()
