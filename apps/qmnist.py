"""Tutorial 2 of 3: quantize it, and look at the integers.

The net of mnist.py, trained twice from the same initial weights on the same batches: once float,
once with 2-bit weights and 4-bit inputs. The next tutorial, bmnist.py, takes it down to one bit.
"""

import sys

import numpy as np
import qnn_core as qnn
from _tutorial import Tutorial
from qnn_core.terminal import command

# A quantizer is named by a spec string: scheme, bits, options. `qnn schemes` lists the installed.
# Weights lie around zero, so their levels do too: -1, 0, 1 (times a scale). Inputs get 15 levels.
WEIGHT = "symmetric:2"
INPUT = "symmetric:4"


@command
def main() -> None:
    tutorial = Tutorial("qmnist", __doc__)
    example = tutorial.test[:1][0]

    # Train both. For a seed, the initial weights do not depend on the quantizers, and the loader's
    # order is its own: what differs between the two runs is the quantization, nothing else.
    models, histories = {}, {}
    for name, weight, input in (("float", None, None), ("quantized", WEIGHT, INPUT)):
        train, test = tutorial.loaders()
        model = qnn.MLP(
            [784, 128, 128, 10],
            weight=weight,
            input=input,
            activation="hardtanh",
            batch_norm=True,
            seed=0,
        )
        schedule = qnn.optim.Cosine(len(train) * tutorial.epochs)
        optimizer = qnn.optim.Adam(model.parameters(), lr=1e-3, schedule=schedule)
        models[name] = model
        histories[name] = qnn.fit(
            model, train, epochs=tutorial.epochs, optimizer=optimizer, validation=test
        )

    # Every layer but the last is quantized: it holds most of the weights and does most of the work.
    model = models["quantized"]
    print(model, "\n")
    print(qnn.summary(model, example), "\n")

    # What is trained is a float weight, the "latent" one. What the layer computes with are integers
    # in its place: codes. A code stands for a level, and value = scale * level.
    layer = model[0]
    assert isinstance(layer, qnn.QuantLinear)
    assert layer.weight_quantizer is not None
    assert layer.input_quantizer is not None
    codes = layer.codes()
    coded = layer.coded()
    print(f"latent weights  {layer.weight.data[0, 300:304].round(4)}")
    print(f"codes           {codes[0, 300:304]}, of {codes.dtype}, {codes.shape}")
    print(f"levels          {coded.levels}, scale {layer.scale:.4f}")
    print(f"values          {coded.decode()[0, 300:304].round(4)}")

    # The scale is learned like a weight. How many weights went to each level?
    counts = np.bincount(codes.ravel(), minlength=len(coded.levels))
    shares = ", ".join(
        f"{n / codes.size:.0%} at {level:g}" for n, level in zip(counts, coded.levels, strict=True)
    )
    print(f"weights         {shares}")

    # Training computed with exactly these values, not with something near them.
    trained_with = layer.weight_quantizer(layer.weight).data
    print(
        f"equal to what training used, bit for bit: {np.array_equal(coded.decode(), trained_with)}"
    )

    # The inputs are codes too. Their scale was learned in training and is frozen now, so an answer
    # never depends on the other images of its batch.
    pixels = layer.input_quantizer.encode(example)
    levels = pixels.levels[pixels.codes].astype(int).reshape(28, 28)
    print("\nthe middle of the first test image, as the net's first layer sees it:")
    print("\n".join("".join(f"{level:3}" for level in row) for row in levels[8:20, 6:22]), "\n")

    # Integers make it small: two bits a weight, packed four to a byte, and one scale for all.
    dense = layer.weight.data.nbytes
    print(f"first layer's weights: {dense:,} bytes float, {coded.nbytes:,} bytes packed")
    for name, trained in models.items():
        nbytes = qnn.summary(trained, example).nbytes
        accuracy = histories[name].last.val_accuracy
        print(f"{name:10} test accuracy {accuracy:.2%}, {nbytes:>8,} bytes of parameters")

    # One seed each: a difference of a point may be chance. compare_bits.py trains several.
    print(f"\ncurves: {tutorial.save_curves(histories)}")


if __name__ == "__main__":
    sys.exit(main())
