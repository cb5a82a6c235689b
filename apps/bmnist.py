"""Tutorial 3 of 3: one bit. Every weight, and every input of a layer, is -1 or +1.

A product of two such numbers is an exclusive or of their bits, and a sum of products a count of
bits: no multiplication is left (Hubara et al. 2016, "Binarized neural networks").
"""

import sys

import numpy as np
import qnn_core as qnn
from _tutorial import Tutorial
from qnn_core.terminal import command

# One bit has nothing but a sign: sign(x), with sign(0) = +1, and here with the fixed scale 1.
# Its derivative is zero wherever it exists, so nothing could be learned through it. The
# straight-through estimator (ste) puts another in its place: "clip" passes the gradient on where
# |x| <= 1, "identity" everywhere.
INPUT = "binary:scale=1"
WEIGHT = "binary:scale=1,ste=identity"


@command
def main() -> None:
    tutorial = Tutorial("bmnist", __doc__)
    train, test = tutorial.loaders()
    example = tutorial.test[:1][0]

    # The net of the other two tutorials, with three choices that one bit needs:
    # weight_bounds  A float weight, the latent one, collects the small steps of training until its
    #                sign flips. Far from zero it could hardly come back: it is kept in -1..1.
    # hardtanh       After ReLU nothing is negative: the sign of every input would be +1.
    # batch_norm     A sum of 784 terms of size 1 is of size 28; this brings it back to where sign
    #                and its estimator see something, and centres it, so that both signs occur.
    model = qnn.MLP(
        [784, 128, 128, 10],
        weight=WEIGHT,
        input=INPUT,
        activation="hardtanh",
        batch_norm=True,
        weight_bounds=(-1.0, 1.0),
        seed=0,
    )
    layer = model[0]
    assert isinstance(layer, qnn.QuantLinear)
    assert layer.input_quantizer is not None
    assert layer.bias is not None
    signs_before = layer.codes()
    schedule = qnn.optim.Cosine(len(train) * tutorial.epochs)
    optimizer = qnn.optim.Adam(model.parameters(), lr=1e-3, schedule=schedule)
    history = qnn.fit(model, train, epochs=tutorial.epochs, optimizer=optimizer, validation=test)

    # What was trained, and what is used: the latent weights, and their signs.
    latent, signs = layer.weight.data, layer.codes()
    flipped = (signs != signs_before).mean()
    print(f"latent weights {latent[0, 300:304].round(3)}, all within {abs(latent).max():.3f}")
    print(
        f"signs          {signs[0, 300:304]} (0 is -1, 1 is +1); {flipped:.1%} flipped in training"
    )

    # Eight signs fit into a byte.
    coded = layer.coded()
    print(f"packed         {coded.packed[:8]} ...: {latent.size:,} weights, {coded.nbytes:,} bytes")
    print(f"as float32     {latent.nbytes:,} bytes\n")

    # A dot product without a multiplication. Of K products, those of unlike signs are -1 and the
    # others +1, so the sum is K - 2 * (number of unlike signs).
    pixels = layer.input_quantizer.encode(example)
    unlike = np.bitwise_count(pixels.codes ^ signs).sum(axis=1, dtype=np.int64)
    by_counting = latent.shape[1] - 2 * unlike
    by_layer = layer(example).data[0] - layer.bias.data
    print(f"by counting bits  {by_counting[:6]}")
    print(f"by the layer      {by_layer[:6].round(3)}")
    print(f"equal for all {len(by_counting)} outputs: {np.allclose(by_counting, by_layer)}\n")

    # The last layer is still float: it is small, and the scores profit from its fineness.
    summary = qnn.summary(model, example)
    print(summary)
    print(f"\ntest accuracy: {history.last.val_accuracy:.2%}")
    print(f"curves: {tutorial.save_curves({'binary': history})}")


if __name__ == "__main__":
    sys.exit(main())
