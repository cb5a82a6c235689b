"""Tutorial 1 of 3: train a float network on handwritten digits.

A multilayer perceptron, its training loop, and a look at what it learned. The next tutorial,
qmnist.py, quantizes this very net.
"""

import sys

import numpy as np
import qnn_core as qnn
from _tutorial import Tutorial
from qnn_core.terminal import command


@command
def main() -> None:
    tutorial = Tutorial("mnist", __doc__)

    # The data: images of 28 x 28 pixels. A loader hands them out in batches: float32 vectors of
    # 784 numbers, shifted and scaled to mean 0 and standard deviation 1, which suits the training.
    train, test = tutorial.loaders()
    images, labels = next(iter(test))
    print(f"{len(tutorial.train):,} training images, {len(tutorial.test):,} test images")
    print(f"a batch: {images.shape} {images.dtype}, labels {labels[:8]} ...\n")

    # The model: 784 pixels -> 128 -> 128 -> 10 scores, one for each digit. Between the layers,
    # batch normalization keeps the numbers at a sound size, and hardtanh (x limited to -1..1) makes
    # it more than one big matrix. The seed fixes the initial weights: every run is the same.
    model = qnn.MLP([784, 128, 128, 10], activation="hardtanh", batch_norm=True, seed=0)
    print(qnn.summary(model, images[:1]), "\n")

    # What a training step is, by hand. The loss says how wrong the scores are; its gradient says,
    # for each weight, which way is less wrong; an optimizer goes a small step that way.
    first_images, first_labels = next(iter(train))
    loss = qnn.ops.softmax_cross_entropy(model(first_images), first_labels)
    print(f"loss before training: {loss.item():.3f} (guessing has ln 10 = {np.log(10):.3f})")
    name, weight = next(model.named_parameters())
    gradient = qnn.grad(loss, [weight])[0]
    print(f"gradient of {name}: shape {gradient.shape}, as the weight itself\n")

    # The same, for every batch, `epochs` times through the data. The learning rate follows half a
    # cosine down to zero: large steps to get near, small ones to settle.
    steps = len(train) * tutorial.epochs
    schedule = qnn.optim.Cosine(steps)
    optimizer = qnn.optim.Adam(model.parameters(), lr=1e-3, schedule=schedule)
    history = qnn.fit(model, train, epochs=tutorial.epochs, optimizer=optimizer, validation=test)

    # The training figures are means over the epoch, while the net was still learning; those of the
    # test data were taken at its end.
    for epoch in history.epochs:
        print(
            f"epoch {epoch.epoch:2}: loss {epoch.loss:.4f}, accuracy {epoch.accuracy:6.2%}"
            f" | test: loss {epoch.val_loss:.4f}, accuracy {epoch.val_accuracy:6.2%}"
        )

    # Training accuracy above test accuracy: part of what the net learned is these very images.
    print(f"\ntest accuracy: {history.last.val_accuracy:.2%}")

    # Which classes does it take for which? A model is a function from a batch to scores.
    with qnn.no_grad():
        answers = model(images).data.argmax(axis=1)
    wrong = answers != labels
    names = tutorial.test.classes
    pairs, counts = np.unique(np.stack([labels, answers], 1)[wrong], axis=0, return_counts=True)
    for n in counts.argsort()[::-1][:3]:
        truth, answer = pairs[n]
        print(f"{counts[n]} times it took {names[truth]} for {names[answer]}")

    print(f"\ncurves: {tutorial.save_curves({'float': history})}")


if __name__ == "__main__":
    sys.exit(main())
