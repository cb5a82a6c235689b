"""After deploy.py: to a microcontroller. Train a net of few bits, and get it as a C program.

Images of MNIST, or a sensor's values from a CSV file, become a net that computes with integers from
its input to its class; the net becomes C99 that needs no library; the C is compiled here, and says
of every test sample what Python says. The exit status is 1 if it does not.
"""

import sys
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from _arguments import results_folder
from _deploy_c import MODEL, NAME, QUICK_SAMPLES, arguments, classes_of, load_samples, on_board
from qnn_core.terminal import command, say

# Every layer is told its quantizers, the first and the last too: what is not told stays float, and
# `export_c` refuses it and names the argument.
BITS: dict[str, Any] = {
    "weight": "symmetric:4",
    "input": "uniform:4",
    "first_weight": "symmetric:4",
    "first_input": "uniform:8",
    "last_weight": "symmetric:4",
    "last_input": "uniform:4",
}


def network(data: qnn_data.ArrayDataset) -> qnn.Sequential:
    """Return a net for images, a small LeNet, or for the values of a sensor."""
    classes = len(data.classes)
    if data.images.ndim == 3:
        net: dict[str, Any] = {"shape": (*data.images.shape[1:], 1), "classes": classes}
        net |= {"channels": (8, 16), "hidden": 64}
        return qnn.LeNet(**net, **BITS, batch_norm=True, seed=0)
    values = data.images.shape[1]
    return qnn.MLP([values, 32, 32, classes], **BITS, batch_norm=True, seed=0)


def train(model: qnn.Sequential, data: qnn_data.ArrayDataset, epochs: int) -> None:
    """Train as in the tutorials."""
    batches = qnn_data.DataLoader(data, min(100, len(data)), shuffle=True, seed=0)
    schedule = qnn.optim.Cosine(len(batches) * epochs)
    optimizer = qnn.optim.Adam(model.parameters(), lr=2e-3, schedule=schedule)
    qnn.fit(model, batches, epochs=epochs, optimizer=optimizer)


@command
def main() -> int:
    parser = arguments(__doc__)
    given = parser.parse_args()
    training, test = load_samples(parser, given)
    folder = results_folder(
        parser, given.out, "deploy_c", [MODEL, f"{NAME}/{NAME}.c"], given.overwrite
    )
    epochs = given.epochs or (2 if given.quick else 10)
    if given.quick:
        training = training.subset(slice(QUICK_SAMPLES))
        print("--quick: a trial, its accuracy means nothing")
    model = network(training)
    train(model, training, epochs)
    print(f"trained: {epochs} epochs on {len(training):,} samples")

    # Pack: codes, weights of a few bits and thresholds. This file is what `qnn export-c` takes too.
    images, labels = test[:]
    packed = qnn.pack(model, images[:100])
    packed.save(folder / MODEL)

    # Export. The C takes bytes as they come, so it is told what was done to them before training:
    # the same function. Each sum of integers that can occur is tried, and must give the code that
    # the packed model's float32 expression gives; then the C is compiled and run on the samples.
    # Where one bit differs, nothing is written.
    pixels = test.images.reshape(len(test), -1)
    made = packed.export_c(
        folder / NAME,
        name=NAME,
        transform=training.transform,
        samples=pixels[:100],
        target=given.board or "any",
    )
    print(f"\n{made}\n")

    # Run it as a program of its own, on all test samples: see main.c, which calls it.
    found = classes_of(folder / NAME, pixels)
    wanted = packed.predict(images)
    for name, classes in (("Python", wanted), ("C", found)):
        print(f"{name:7} {np.mean(classes == labels):.2%} of {len(labels):,} test samples")
    others = np.count_nonzero(found != wanted)
    print(f"{others} of them differ")
    if others:
        say("deploy_c.py: the C gives other answers: a bug, report it", sys.stderr)
        return 1
    return on_board(folder / NAME, given.board) if given.board else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except qnn.QnnError as error:  # training went astray, or a tool is missing
        sys.exit(f"deploy_c.py: {' '.join(str(error).split())}")
