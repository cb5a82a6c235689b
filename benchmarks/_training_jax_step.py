"""What every JAX way shares: the net from its layers, in one jitted step that donates its arrays.

Parameters and running statistics are trees of the layers' shape.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _training_layers import Conv, Dense, Layer, Layers, Norm, Plain, Residual
from _training_nets import Array, Net, weights

# The parameters of a layer, from its first weight and bias.
Begin = Callable[[Any, Array, Array], dict[str, Any]]
# A layer's product with its bias: of the layer, its parameters, and its input.
Product = Callable[[Any, dict[str, Any], Any], Any]

LAYOUT = ("NHWC", "HWIO", "NHWC")
EPS, MOMENTUM = 1e-5, 0.1


def training(net: Net, begin: Begin, product: Product) -> tuple[Any, Any, str]:
    """Return how data enter, and the step."""
    rng = np.random.default_rng(0)
    params = jax.tree.map(jnp.asarray, [_parameters(layer, begin, rng) for layer in net.layers])
    running = [_statistics(layer) for layer in net.layers]
    memory, change = _adam(params) if net.optimizer == "Adam" else (None, _sgd)

    def loss_of(params: Any, running: Any, x: Any, labels: Any) -> Any:
        logits, running = _forward(net.layers, params, running, x, product)
        scores = jax.nn.log_softmax(logits)
        return -jnp.take_along_axis(scores, labels[:, None], 1).mean(), running

    @partial(jax.jit, donate_argnums=0)
    def update(kept: Any, x: Any, labels: Any) -> Any:
        params, running, memory = kept
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, running), gradients = gradient(params, running, x, labels)
        params, memory = change(net.lr, params, gradients, memory)
        return loss, (params, running, memory)

    kept = params, running, memory

    def step(x: Any, labels: Any) -> Any:
        nonlocal kept
        loss, kept = update(kept, x, labels)
        jax.block_until_ready(kept)
        return loss

    return _arrays, step, ""


def float_product(layer: Dense | Conv, x: Any, w: Any) -> Any:
    """Return the product itself, of what the layer's quantizers made."""
    if isinstance(layer, Dense):
        return x @ w.T
    return jax.lax.conv_general_dilated(x, w, *window(layer), dimension_numbers=LAYOUT)


def window(layer: Conv) -> tuple[tuple[int, int], list[tuple[int, int]]]:
    """Return strides and padding."""
    return (layer.stride, layer.stride), [(layer.padding, layer.padding)] * 2


def _arrays(x: Array, labels: Array) -> tuple[Any, Any]:
    return jnp.asarray(x), jnp.asarray(labels)


def _parameters(layer: Layer, begin: Begin, rng: np.random.Generator) -> Any:
    if isinstance(layer, Residual):
        return [[_parameters(one, begin, rng) for one in way] for way in _ways(layer)]
    if isinstance(layer, Norm):
        return {"gain": np.ones(layer.channels, "f"), "shift": np.zeros(layer.channels, "f")}
    return None if isinstance(layer, Plain) else begin(layer, *weights(layer, rng))


def _statistics(layer: Layer) -> Any:
    if isinstance(layer, Residual):
        return [[_statistics(one) for one in way] for way in _ways(layer)]
    if isinstance(layer, Norm):
        return {"mean": jnp.zeros(layer.channels), "variance": jnp.ones(layer.channels)}
    return None


def _ways(layer: Residual) -> tuple[Layers, Layers]:
    return layer.body, layer.shortcut


def _forward(layers: Layers, params: Any, running: Any, x: Any, product: Product) -> Any:
    """Return what leaves the layers, and the running statistics."""
    after = []
    for layer, given, kept in zip(layers, params, running, strict=True):
        if isinstance(layer, Residual):
            ways = zip(_ways(layer), given, kept, strict=True)
            (y, one), (z, two) = (_forward(*way, x, product) for way in ways)
            x, now = y + z, [one, two]
        elif isinstance(layer, Norm):
            x, now = _normalized(given, kept, x)
        else:
            now = None
            x = PLAIN[layer](x) if isinstance(layer, Plain) else product(layer, given, x)
        after.append(now)
    return x, after


def _normalized(given: Any, kept: Any, x: Any) -> Any:
    axes = tuple(range(x.ndim - 1))
    mean, variance = x.mean(axes), x.var(axes)
    y = (x - mean) * (given["gain"] * jax.lax.rsqrt(variance + EPS)) + given["shift"]
    count = x.size // x.shape[-1]
    now = {"mean": mean, "variance": variance * (count / (count - 1))}
    return y, jax.tree.map(lambda old, new: old + MOMENTUM * (new - old), kept, now)


def _maxima(x: Any) -> Any:
    # Its gradient is much faster on a CPU than that of lax.reduce_window.
    n, h, wide, c = x.shape
    return x.reshape(n, h // 2, 2, wide // 2, 2, c).max((2, 4))


PLAIN = {
    Plain.RELU: jax.nn.relu,
    Plain.MAX: _maxima,
    Plain.MEAN: lambda x: x.mean((1, 2)),
    Plain.FLATTEN: lambda x: x.reshape(len(x), -1),
}


def _sgd(lr: float, params: Any, gradients: Any, memory: Any) -> Any:
    return jax.tree.map(lambda p, g: p - lr * g, params, gradients), memory


def _adam(params: Any) -> Any:
    """Return what Adam (arXiv:1412.6980) begins with, and its step."""

    def change(lr: float, params: Any, gradients: Any, memory: Any) -> Any:
        count, mean, square = memory
        count = count + 1
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradients)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradients)
        rate, root = lr / (1 - 0.9**count), jnp.sqrt(1 - 0.999**count)

        def moved(p: Any, m: Any, s: Any) -> Any:
            return p - rate * m / (jnp.sqrt(s) / root + 1e-8)

        return jax.tree.map(moved, params, mean, square), (count, mean, square)

    zeros = partial(jax.tree.map, jnp.zeros_like)
    return (jnp.zeros((), "f"), zeros(params), zeros(params)), change
