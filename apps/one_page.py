"""A 2-bit neural network on one page of NumPy: data, quantizers, gradients, training, integers.

Read it from top to bottom; nothing is hidden but the reading of the images. It gives the very
numbers that the library gives for this model, bit for bit, and a test holds it to that:

    model = qnn.Sequential(
        qnn.QuantLinear(784, 128, bias=False, seed=0,
                        weight="symmetric:2,scale=0.0625", input="symmetric:2,scale=1"),
        qnn.QuantLinear(128, 10, bias=False, seed=1,
                        weight="symmetric:2,scale=0.125", input="symmetric:2,scale=1"),
    )
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    qnn.fit(model, (x, y), epochs=10, batch_size=100, optimizer=optimizer, seed=0)
"""

import sys

import numpy as np
import qnn_data
from numpy.typing import NDArray

Floats = NDArray[np.float32]  # all that is trained and computed with
Whole = NDArray[np.int64]
Codes = NDArray[np.uint8]

EPOCHS, BATCH = 10, 100
RATE, MOMENTUM = np.float32(0.1), np.float32(0.9)

# --- 1. Quantization ------------------------------------------------------------------------------
# Two bits can name four levels; symmetric around zero there are three of them: -1, 0, 1. A scale
# says what they are worth: value = scale * level. To quantize a number x is to take the level that
# is nearest to u = x / scale. That is decided by two thresholds, -1/2 and 1/2: the *code* of x is
# how many of them it has passed, 0, 1 or 2.


def codes_of(x: Floats, scale: float) -> Codes:
    """Return the code of each number: 0, 1 or 2, for the levels -1, 0 and 1."""
    u = x / np.float32(scale)
    # Just on a threshold two levels are equally near, and the even code is taken: 0 or 2.
    return (u > -0.5).astype(np.uint8) + (u >= 0.5).astype(np.uint8)


def quantize(x: Floats, scale: float) -> Floats:
    """Return the nearest levels' values: *fake quantization*, floats of which there are three."""
    values: Floats = np.array([-scale, 0, scale], np.float32)[codes_of(x, scale)]
    return values


# A staircase has the slope 0 nearly everywhere: gradient descent would never move anything. The
# *straight-through estimator* (Bengio et al. 2013) looks away. On the way back the staircase counts
# as the line that it approximates, of slope 1, from the lowest level to the highest; beyond, flat.


def gradient_mask(x: Floats, scale: float) -> Floats:
    """Return the slope that stands for the staircase's: 1 between the outer levels, else 0."""
    inside: Floats = (np.abs(x / np.float32(scale)) <= 1).astype(np.float32)
    return inside


# --- 2. Sums --------------------------------------------------------------------------------------
# Each number in a product of matrices is a sum, and a sum of floats depends on its order, as each
# addition rounds. So the same numbers need the same order, which BLAS, behind NumPy's `a @ b`, does
# not promise. Here it is the simplest: one term after the other. In all products below one factor
# is a level times a power of two, so that the terms are exact, and only the additions round.


def product(a: Floats, b: Floats) -> Floats:
    """Return a @ b in float32, the terms of each sum added from the first to the last."""
    total = np.zeros((a.shape[0], b.shape[1]), np.float32)
    for k in range(a.shape[1]):
        total += a[:, k, None] * b[None, k, :]
    return total


# --- 3. The loss ----------------------------------------------------------------------------------
# Softmax makes probabilities of ten scores, and the loss is -log of the probability of the right
# digit. Even exp differs from library to library in the last bit. This is ours: exp(x) is
# 2**n * exp(r) with a whole n and |r| < 0.35, and there exp(r) is nearly a polynomial.


def exp(x: Floats) -> Floats:
    """Return exp of numbers <= 0 (Cody and Waite 1980; the coefficients are those of Cephes)."""
    f = np.float32
    x = np.maximum(x, f(-104))  # where exp is 0 in float32
    n = np.rint(x * f(1.44269504))  # x / log(2)
    r = (x - n * f(0.693359375)) + n * f(2.12194440e-4)  # x - n log(2), with log(2) in two parts
    p = f(1.9875691500e-4)
    for c in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1):
        p = p * r + f(c)
    raised: Floats = np.ldexp(p * (r * r) + r + f(1), n.astype(np.int32))
    return raised


def loss_and_gradient(scores: Floats, labels: Whole) -> tuple[float, Floats]:
    """Return the mean cross-entropy, and its gradient in the scores: (softmax - one-hot) / n."""
    n, rows = len(labels), np.arange(len(labels))
    top = scores.max(axis=1)
    raised = exp(scores - top[:, None])  # of numbers <= 0: nothing overflows
    total = np.zeros(n)  # in float64
    for column in raised.T:
        total += column
    losses = np.log(total) + top - scores[rows, labels]
    share = np.float32(1 / n)
    gradient = raised * (share / total).astype(np.float32)[:, None]
    gradient[rows, labels] -= share
    return float(np.float32(losses.sum() / n)), gradient


# --- 4. A layer -----------------------------------------------------------------------------------
# A layer quantizes its weight and its input, and multiplies. There is no bias, and no activation
# function: the staircase of the next layer's input is one. The weight that is trained is a float,
# called *latent*: steps that are too small to change a code are not lost, they add up until the
# weight passes a threshold. Scales are powers of two here; the library can also learn them.


class Layer:
    """y = quantize(x) @ quantize(weight).T, with a weight of shape [outputs, inputs]."""

    def __init__(
        self, inputs: int, outputs: int, w_scale: float, x_scale: float, seed: int
    ) -> None:
        bound = np.sqrt(6 / inputs)  # of He et al. 2015: signals neither grow nor fade
        uniform = np.random.default_rng(seed).uniform(-bound, bound, (outputs, inputs))
        self.weight: Floats = uniform.astype(np.float32)
        self.velocity = np.zeros_like(self.weight)
        self.w_scale, self.x_scale = w_scale, x_scale

    def forward(self, x: Floats) -> Floats:
        """Return the outputs [batch, outputs], and keep what the way back needs."""
        self.x = x
        return product(quantize(x, self.x_scale), quantize(self.weight, self.w_scale).T)

    def backward(self, gradient: Floats) -> Floats:
        """Take the gradient in y; keep that in the latent weight, and return that in x.

        For y = xq @ wq.T the chain rule gives g.T @ xq for wq, and g @ wq for xq. The masks take
        both through the staircases, to the weight and the input before they were quantized.
        """
        xq, wq = quantize(self.x, self.x_scale), quantize(self.weight, self.w_scale)
        self.gradient = product(gradient.T, xq) * gradient_mask(self.weight, self.w_scale)
        return product(gradient, wq) * gradient_mask(self.x, self.x_scale)

    def step(self) -> None:
        """Go along a running sum of the gradients: gradient descent with momentum."""
        self.velocity = MOMENTUM * self.velocity + self.gradient
        self.weight = self.weight - RATE * self.velocity

    def codes(self) -> Codes:
        """Return the codes of the weight: all that will be left of it."""
        return codes_of(self.weight, self.w_scale)


def make_layers() -> list[Layer]:
    """Return the network: 784 pixels, 128 units between, a score for each of ten digits."""
    return [Layer(784, 128, 0.0625, 1.0, seed=0), Layer(128, 10, 0.125, 1.0, seed=1)]


def forward(layers: list[Layer], x: Floats) -> Floats:
    """Return the scores [batch, 10] of images [batch, 784]."""
    for layer in layers:
        x = layer.forward(x)
    return x


# --- 5. Training ----------------------------------------------------------------------------------


def train(layers: list[Layer], x: Floats, y: Whole, epochs: int) -> list[tuple[float, float]]:
    """Train the layers; return the mean loss and the accuracy of each epoch."""
    history = []
    for epoch in range(epochs):
        before = [layer.codes() for layer in layers]
        order = np.random.default_rng([0, epoch]).permutation(len(x))  # another for each epoch
        losses, right = 0.0, 0
        for start in range(0, len(x), BATCH):
            batch = order[start : start + BATCH]
            scores = forward(layers, x[batch])
            loss, gradient = loss_and_gradient(scores, y[batch])
            for layer in reversed(layers):
                gradient = layer.backward(gradient)
            for layer in layers:
                layer.step()
            losses += loss * len(batch)
            right += int(np.sum(scores.argmax(axis=1) == y[batch]))
        history.append((losses / len(x), right / len(x)))
        # Watch the codes: of a hundred thousand, fewer and fewer still move.
        moved = sum(int(np.sum(a != b.codes())) for a, b in zip(before, layers, strict=True))
        told = f"loss {history[-1][0]:.4f}, accuracy {history[-1][1]:.2%}"
        print(f"epoch {epoch + 1:2}: {told}, {moved:,} codes changed")
    return history


# --- 6. Integers ----------------------------------------------------------------------------------
# Now the latent weights can go. What is left of each is its code, two bits, four to a byte. And no
# float is needed any more: a sum of values is w_scale * x_scale times a sum of levels, which are
# whole numbers, and where values were compared with a threshold, sums can be.


def pack(layer: Layer) -> Codes:
    """Return the codes of a weight as bytes, four to each; the first has the lowest bits."""
    fours = layer.codes().reshape(-1, 4)
    packed: Codes = (fours << np.array([0, 2, 4, 6], np.uint8)).sum(axis=1, dtype=np.uint8)
    return packed


def unpack(packed: Codes, outputs: int) -> Whole:
    """Return the levels [outputs, inputs] of packed codes."""
    codes = packed[:, None] >> np.array([0, 2, 4, 6], np.uint8) & 3
    return codes.reshape(outputs, -1).astype(np.int64) - 1


def predict(first: Codes, second: Codes, x: Floats) -> Whole:
    """Return the digit of each image from packed weights: integers only, once pixels have codes."""
    pixels = codes_of(x, 1.0).astype(np.int64) - 1
    sums = pixels @ unpack(first, 128).T
    # A sum is worth 0.0625 for each 1 in it: the thresholds -1/2 and 1/2 are -8 and 8 of them.
    hidden = (sums > -8).astype(np.int64) + (sums >= 8) - 1
    digits: Whole = (hidden @ unpack(second, 10).T).argmax(axis=1)
    return digits


def main() -> None:
    train_data, test_data = qnn_data.load("mnist-mini")
    (x, y), (x_test, y_test) = train_data[:], test_data[:]  # pixels of mean 0 and deviation 1
    layers = make_layers()
    train(layers, x, y, 1 if "--quick" in sys.argv else EPOCHS)

    first, second = (pack(layer) for layer in layers)
    digits = predict(first, second, x_test)
    size, floats = len(first) + len(second), sum(layer.weight.nbytes for layer in layers)
    same = np.array_equal(digits, forward(layers, x_test).argmax(axis=1))
    print(f"test accuracy {np.mean(digits == y_test):.2%} on {len(y_test):,} images")
    print(f"{size:,} bytes of codes in place of {floats:,} bytes of floats")
    print(f"the integers answer as the floats do: {same}")


if __name__ == "__main__":
    main()
