"""After the three tutorials: deploy it. Pack a net, save it, and run the file without its maker.

A small quantized net is trained, or taken from the checkpoint of an earlier run, and packed: codes
of a few bits and thresholds take the place of floats. What it answers does not change by one bit;
the exit status is 1 if it does.
"""

import sys
from pathlib import Path

import numpy as np
import qnn_core as qnn
import qnn_data
from _arguments import load_data, results_folder
from _deploy import CHECKPOINT, MODEL, QUICK_SAMPLES, arguments, float_layers, run_alone
from qnn_core.terminal import command, say
from qnn_core.training import Checkpoint

SIZES = [784, 256, 256, 10]


def network(weight: str | None, input: str | None) -> qnn.MLP:
    """Return the net with these quantizers, None for float; here the last layer has them too."""
    return qnn.MLP(
        SIZES,
        weight=weight,
        input=input,
        last_weight=weight,
        last_input=input,
        activation="hardtanh",
        batch_norm=True,
        seed=0,
    )


def train(model: qnn.MLP, data: qnn_data.ArrayDataset, epochs: int, checkpoint: Path) -> None:
    """Train as in the tutorials; `checkpoint` is written after every epoch."""
    batches = qnn_data.DataLoader(data, 100, shuffle=True, seed=0)
    schedule = qnn.optim.Cosine(len(batches) * epochs)
    optimizer = qnn.optim.Adam(model.parameters(), lr=1e-3, schedule=schedule)
    qnn.fit(model, batches, epochs=epochs, optimizer=optimizer, checkpoint=checkpoint)


def load_weights(model: qnn.MLP, path: Path) -> None:
    """Give the model the weights of a checkpoint."""
    checkpoint = Checkpoint.load(path)
    # The arrays of two schemes may have the same names and shapes: only the recipe tells.
    if checkpoint.recipe.get("model") != repr(model):
        raise qnn.QnnError(f"{path} is of another net: give the --weight and --input of its run")
    model.load_state_dict(checkpoint.model)
    model.eval()


@command
def main() -> int:
    parser = arguments(__doc__)
    given = parser.parse_args()
    if given.load and given.epochs:
        parser.error("--epochs: with --load nothing is trained")
    training, test = load_data(parser, given.dataset)
    try:
        model = network(given.weight, given.input)
        if given.load:
            load_weights(model, given.load)
    except (qnn.QnnError, OSError) as error:
        parser.error(" ".join(str(error).split()))
    files = [MODEL] if given.load else [MODEL, CHECKPOINT]
    folder = results_folder(parser, given.out, "deploy", files, given.overwrite)
    if given.load:
        print(f"not trained: the weights are those of {given.load}")
    else:
        epochs = given.epochs or (2 if given.quick else 10)
        if given.quick:
            training = training.subset(slice(QUICK_SAMPLES))
            print("--quick: a trial, its accuracy means nothing")
        train(model, training, epochs, folder / CHECKPOINT)
        print(f"trained: {epochs} epochs on {len(training):,} images of {given.dataset}")
        specs = f"--weight {given.weight} --input {given.input}"
        print(f"again, without training: {specs} --load {folder / CHECKPOINT}")

    # Pack. The example says what a sample looks like. Operations that follow each other become one:
    # "requantize" is a product, batch norm, hardtanh and the next layer's quantizer, and none of
    # them is computed in floats: an integer sum is compared with thresholds, found beforehand.
    images, labels = test[:]
    packed = qnn.pack(model, images[:1])
    packed.save(folder / MODEL)
    print(f"\npacked: {folder / MODEL}\n\n{packed.summary()}\n")

    # Run the file where it was not made: in a fresh process, which needs neither the quantizers nor
    # the lines above, only qnn.load(path). And compare: not nearly the same, the same.
    with qnn.no_grad():
        logits = model(images).data
    alone, found = run_alone(folder / MODEL, images, float_layers(model))
    print(f"a fresh process loaded the file; of QNN it imported {', '.join(found['imported'])}")
    print(f"packed against model, logits of all {len(images):,} test images:")
    for where, answers in (("this process", np.asarray(packed(images))), ("fresh process", alone)):
        difference = abs(logits - answers).max()
        others = np.count_nonzero(logits.argmax(axis=1) != answers.argmax(axis=1))
        print(f"  {where:14} greatest difference {difference:g}, {others} other predictions")
        if not np.array_equal(logits, answers):
            say("deploy.py: packed, it gives other answers: a bug, report it", sys.stderr)
            return 1
    for name, scores in (("model", logits), ("packed", alone)):
        print(f"  {name:14} test accuracy {np.mean(scores.argmax(axis=1) == labels):.2%}")

    # What it is good for: a small file and quick answers. Beside it a float net of the same shape,
    # by hand in NumPy (see _device.py). One thread for each; the median of many calls.
    sizes = {
        "packed": (folder / MODEL).stat().st_size,
        "float32": qnn.summary(network(None, None), images[:1]).nbytes,
    }
    one, hundred = found["rates"]
    print("\n              bytes   images/s at batch 1   at batch 100")
    for name, nbytes in sizes.items():
        print(f"{name:8} {nbytes:10,} {one[name]:21,.0f} {hundred[name]:14,.0f}")
    smaller = sizes["float32"] / sizes["packed"]
    faster = [rate["packed"] / rate["float32"] for rate in found["rates"]]
    print(f"{'':8} {smaller:3.1f} x less {faster[0]:14.1f} x more {faster[1]:7.1f} x more")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except qnn.QnnError as error:  # training went astray, or this net cannot be packed
        sys.exit(f"deploy.py: {' '.join(str(error).split())}")
