"""The nets in tf.keras; of three ways to run a step the fastest is timed."""

import time
from collections.abc import Callable
from typing import Any

import tensorflow as tf
from _training_nets import LR, Array, Net, Variant

Layer = Callable[[int], Any]


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    return training(net, threads, tf.keras.layers.Dense, lambda n: tf.keras.layers.Conv2D(n, 5))


def training(net: Net, threads: int, dense: Layer, conv: Layer) -> tuple[Any, Any, str]:
    """Return how data enter, the step, and which of the ways it is."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.keras.utils.set_random_seed(0)
    model = _model(net, dense, conv)
    loss_of = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = tf.keras.optimizers.SGD(LR)
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


def _model(net: Net, dense: Layer, conv: Layer) -> Any:
    of = tf.keras.layers
    layers: list[Any] = [of.Input(net.inputs)]
    for channels in net.channels:
        layers += [conv(channels), of.ReLU(), of.MaxPool2D(2)]
    if net.channels:
        layers.append(of.Flatten())
    for width in net.dense:
        layers += [dense(width), of.ReLU()]
    return tf.keras.Sequential(layers[:-1])
