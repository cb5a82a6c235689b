"""What every way on TensorFlow shares: the net from its layers, and the fastest step of three."""

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from _training_layers import Conv, Dense, Layers, Norm, Plain, Residual
from _training_nets import Array, Net

# Makes a dense layer or a convolution, which is called with its input.
Product = Callable[[Any], Callable[[Any], Any]]

of = tf.keras.layers
PLAIN = {
    Plain.RELU: of.ReLU,
    Plain.MAX: lambda: of.MaxPool2D(2),
    Plain.MEAN: of.GlobalAveragePooling2D,
    Plain.FLATTEN: of.Flatten,
}


def float_product(layer: Dense | Conv) -> Any:
    """Return the layer of tf.keras."""
    if isinstance(layer, Dense):
        return of.Dense(layer.outputs)
    return of.Conv2D(layer.outputs, layer.size, **conv_options(layer))


def conv_options(layer: Conv) -> dict[str, Any]:
    """Return strides, padding and bias; where a stride leaves a choice, "same" pads one side."""
    padding = "same" if layer.padding else "valid"
    return {"strides": layer.stride, "padding": padding, "use_bias": layer.bias}


def training(net: Net, threads: int, product: Product) -> tuple[Any, Any, str]:
    """Return how data enter, the step, and which of the ways it is."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(0)
    images = of.Input(net.inputs)
    model = tf.keras.Model(images, _built(net.layers, images, product))
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = getattr(tf.keras.optimizers, net.optimizer)(net.lr)
    model.compile(optimizer, loss_of)

    def by_hand(x: Any, labels: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = loss_of(labels, model(x, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    steps: dict[str, Any] = {
        "train_on_batch": model.train_on_batch,
        "tf.function": tf.function(by_hand),
        "tf.function with XLA": tf.function(by_hand, jit_compile=True),
    }
    name = _fastest(steps, net)
    return _tensors, steps[name], name


def _built(layers: Layers, x: Any, product: Product) -> Any:
    """Return what leaves the layers."""
    for layer in layers:
        if isinstance(layer, Residual):
            x = _built(layer.body, x, product) + _built(layer.shortcut, x, product)
        elif isinstance(layer, Norm):
            x = of.BatchNormalization(momentum=0.9, epsilon=1e-5)(x)
        elif isinstance(layer, Plain):
            x = PLAIN[layer]()(x)
        else:
            x = product(layer)(x)
    return x


def _tensors(x: Array, labels: Array) -> tuple[Any, Any]:
    return tf.constant(x), tf.constant(labels)


def _fastest(steps: dict[str, Any], net: Net) -> str:
    """Return which step is fastest; one that does not work is left out."""
    x, labels = tf.zeros((net.batch, *net.inputs)), tf.zeros(net.batch, tf.int64)
    seconds: dict[str, float] = {}
    for name, step in steps.items():
        try:
            for _ in range(3):
                step(x, labels)
            times = []
            for _ in range(15):
                began = time.perf_counter()
                step(x, labels)
                times.append(time.perf_counter() - began)
            seconds[name] = min(times)
        except (tf.errors.OpError, ValueError):
            continue
    return min(seconds, key=seconds.__getitem__)
