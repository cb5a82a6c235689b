"""After deploy_c.py: a net that was trained in PyTorch, at fewer bits, as a C program.

A float CNN comes from PyTorch. Nets like it, of 8 to 1 bits, begin with its weights, are trained
on, and are compared. The smallest that costs nothing that matters becomes C, which is compiled here
and says of the test images what Python says; the exit status is 1 if it does not. The CNN is that
of from_torch.onnx, to which this program has exported it; --train trains it anew, in PyTorch.
"""

import sys
from typing import Any

import numpy as np
import qnn_core as qnn
import qnn_data
from _arguments import load_data, results_folder
from _deploy_c import classes_of
from _from_torch import NAME, REPORT, arguments, float_net
from qnn_compare import Comparison, Config, compare
from qnn_core.terminal import command, say

# Weights and inputs of all layers; only the image keeps 8 bits, and is what a camera gives.
BITS: dict[str, Any] = {
    "8 bits": ("symmetric:8", "uniform:8"),
    "4 bits": ("symmetric:4", "uniform:4"),
    "3 bits": ("symmetric:3", "uniform:3"),
    "2 bits": ("symmetric:2", "uniform:2"),
    "1 bit": ("binary", "uniform:1"),
}
ENDS: dict[str, Any] = {"first_input": "uniform:8", "last_weight": "same", "last_input": "same"}
# Points of accuracy that do not matter: a net that is proved to cost less is as good.
MARGIN = 0.01


def pixels(data: qnn_data.ArrayDataset) -> tuple[np.ndarray, np.ndarray]:
    """Return images as PyTorch has them, ``[n, 1, 28, 28]`` of 0..1, and labels."""
    images = data.images.reshape(-1, 1, 28, 28).astype(np.float32) / 255
    return images, np.asarray(data.labels)


def configs(net: qnn.Module) -> list[Config]:
    """Return each width, and float as a fair rival: all begin with the net and are trained on."""
    given = [Config("float", start=net), Config("as it came", start=net, recipe={"epochs": 0})]
    pairs = [(name, *pair) for name, pair in BITS.items()]
    return given + [Config(name, weight=w, input=i, start=net) for name, w, i in pairs]


def smallest_equivalent(comparison: Comparison) -> str:
    """Return the config of fewest bytes that is proved to be as good as float, or the largest."""
    good = [
        config.name
        for config in comparison.configs
        if comparison.verdicts.get((config.name, "float")) in ("equivalent", "better")
    ]
    named = [name for name in good if name in BITS] or ["8 bits"]
    return min(named, key=lambda name: comparison.nbytes(name) or 0)


@command
def main() -> int:
    parser = arguments(__doc__)
    given = parser.parse_args()
    training, test = load_data(parser, given.dataset)
    if given.quick:
        training = training.subset(slice(1000))
        print("--quick: a trial, its accuracy means nothing")
    folder = results_folder(
        parser, given.out, "from_torch", [REPORT, f"{NAME}/{NAME}.c"], given.overwrite
    )
    data = (pixels(training), pixels(test))
    net = float_net(data[0], given)
    print(net)

    # Nets of this shape with any quantizers, and what they begin with: the weights that came.
    build = qnn.as_builder(net, **ENDS)
    found = compare(
        build,
        data,
        configs=configs(net),
        seeds=given.seeds or (1 if given.quick else 5),
        epochs=given.epochs or (1 if given.quick else 3),
        margin=MARGIN,
        store=folder / "store",
    )
    print(found)
    found.report(folder / REPORT)

    # One more net of the winner, trained as those were; integers from the pixels to the class.
    name = smallest_equivalent(found)
    weight, input = BITS[name]
    x, y = data[0]
    model = qnn.warm_start(build(weight=weight, input=input, seed=0), net, calibration=x[:500])
    optimizer = qnn.optim.Adam(model.parameters(), lr=1e-3)
    qnn.fit(model, (x, y), epochs=1 if given.quick else 3, optimizer=optimizer)
    packed = qnn.pack(model, x[:100])
    packed.save(folder / "model.qnn")
    images = test.images.reshape(-1, 1, 28, 28)
    made = packed.export_c(folder / NAME, name=NAME, transform=(0, 1), samples=images[:100])
    print(f"\n{name}:\n{made}\n")

    classes = classes_of(folder / NAME, images.reshape(len(images), -1))
    wanted = packed.predict(data[1][0])
    print(f"{np.mean(classes == data[1][1]):.2%} of {len(wanted):,} test samples, in C")
    others = np.count_nonzero(classes != wanted)
    print(f"{others} of them differ")
    if others:
        say("from_torch.py: the C gives other answers: a bug, report it", sys.stderr)
    return int(others > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except qnn.QnnError as error:
        sys.exit(f"from_torch.py: {' '.join(str(error).split())}")
