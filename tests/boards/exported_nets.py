"""Small packed nets as C: what the tests of boards share.

    python tests/boards/exported_nets.py

trains the four that lie in ``nets`` anew, for seconds, on the bundled digits; no test does: other
weights take other cycles.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from numpy.typing import NDArray

ALL_BINARY = dict.fromkeys(("weight", "input", "last_weight", "last_input"), "binary")


def everywhere(weight: str, inner: str) -> dict[str, str]:
    """Return the options of a net whose first and last layer are quantized like the others."""
    weights = dict.fromkeys(("weight", "first_weight", "last_weight"), weight)
    return weights | dict.fromkeys(("input", "first_input", "last_input"), inner)


def separable() -> qnn.nn.Module:
    """Return a depthwise-separable net of 8-bit activations."""
    pair: dict[str, Any] = {"weight": "symmetric:4", "input": "uniform:8"}
    return qnn.Sequential(
        qnn.nn.Reshape(28, 28, 1),
        qnn.QuantConv2d(1, 8, 3, stride=2, padding=1, seed=0, **pair),
        qnn.nn.BatchNorm(8),
        qnn.nn.ReLU(),
        qnn.QuantConv2d(8, 8, 3, padding=1, groups=8, seed=1, **pair),
        qnn.nn.BatchNorm(8),
        qnn.nn.ReLU(),
        qnn.QuantConv2d(8, 8, 1, seed=2, **pair),
        qnn.nn.BatchNorm(8),
        qnn.nn.ReLU(),
        qnn.nn.MaxPool2d(2),
        qnn.nn.Flatten(),
        qnn.QuantLinear(392, 10, seed=3, **pair),
    )


# What is trained, by the name of the net in C.
MODELS: dict[str, Callable[[], qnn.nn.Module]] = {
    "w1a1": partial(
        qnn.MLP, [784, 64, 10], **ALL_BINARY, activation="hardtanh", batch_norm=True, seed=0
    ),
    "w4a4": partial(
        qnn.MLP, [784, 32, 10], **everywhere("symmetric:4", "uniform:4"), batch_norm=True, seed=0
    ),
    "conv": partial(
        qnn.LeNet,
        **everywhere("symmetric:2", "uniform:4"),
        channels=(4, 8),
        hidden=16,
        batch_norm=True,
        seed=0,
    ),
    "separable": separable,
}


@dataclass(frozen=True, eq=False)
class Exported:
    """A net as C, and what the packed model that it is of says of the test images.

    Attributes:
        name: of the net.
        folder: with its C.
        pixels: [images, 784] uint8: all 10,000 of MNIST where QNN_DATA has them, else 1,000.
        classes: [images].
        logits: [images, 10] float32.
    """

    name: str
    folder: Path
    pixels: NDArray[np.uint8]
    classes: NDArray[Any]
    logits: NDArray[np.float32]


def as_shares(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return what the nets of ``benchmarks/nets`` take."""
    shares: NDArray[np.float32] = pixels.astype(np.float32) / np.float32(255)
    return shares


HERE = Path(__file__).parent
DIGITS = HERE.parents[1] / "benchmarks" / "nets"

# Packed files, and what was done to their pixels.
NETS: dict[str, tuple[Path, Callable[[Any], Any]]] = {
    **{name: (HERE / "nets" / f"{name}.qnn", qnn_data.MNISTMini().transform) for name in MODELS},
    "digits_cnn": (DIGITS / "digits-cnn.qnn", as_shares),
    "digits_fc": (DIGITS / "digits-fc.qnn", as_shares),
}


def export(name: str, folder: Path) -> Exported:
    """Write a packed net as C."""
    file, transform = NETS[name]
    packed = qnn.load(file)
    pixels = images_of_test()
    images = transform(pixels)
    packed.export_c(folder, name=name, transform=transform, samples=pixels[:50], vectors=1)
    return Exported(name, folder, pixels, packed.predict(images), packed(images))


def images_of_test() -> NDArray[np.uint8]:
    """Return the test images of MNIST, or of the small set that is bundled."""
    folder = os.environ.get("QNN_DATA")
    if folder and Path(folder).is_dir():
        try:
            return qnn_data.MNIST(train=False, transform=None).x.reshape(-1, 784)
        except OSError:
            pass  # the folder holds others
    return qnn_data.MNISTMini(train=False, transform=None).x.reshape(-1, 784)


def main() -> None:
    train, test = qnn_data.load("mnist-mini")
    for name, build in MODELS.items():
        model = build()
        optimizer = qnn.optim.Adam(model.parameters(), lr=2e-3)
        qnn.fit(model, train, epochs=1, optimizer=optimizer)
        qnn.pack(model.eval(), test[:100][0]).save(HERE / "nets" / f"{name}.qnn")


if __name__ == "__main__":
    main()
