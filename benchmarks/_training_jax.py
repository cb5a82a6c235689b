"""The nets in JAX: the whole step is one jitted function, its parameters are donated."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from _training_nets import LR, Array, Net, Variant, weights


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    params: Any = [_layer(w, b, variant, n) for n, (w, b) in enumerate(weights(net))]

    def loss_of(given: Any, x: Any, labels: Any) -> Any:
        scores = jax.nn.log_softmax(_forward(given, x, variant))
        return -jnp.take_along_axis(scores, labels[:, None], 1).mean()

    @partial(jax.jit, donate_argnums=0)
    def update(given: Any, x: Any, labels: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(given, x, labels)
        return loss, jax.tree.map(lambda p, g: p - LR * g, given, gradients)

    def step(x: Any, labels: Any) -> Any:
        nonlocal params
        loss, params = update(params, x, labels)
        jax.block_until_ready(params)
        return loss

    return _arrays, step, ""


def _arrays(x: Array, labels: Array) -> tuple[Any, Any]:
    return jnp.asarray(x), jnp.asarray(labels)


def _layer(w: Array, b: Array, variant: Variant, number: int) -> dict[str, Any]:
    """Return the parameters: weight, bias, and the steps that are learned."""
    layer = {"w": w, "b": b}
    if 1 < variant.bits < 32:
        high = 2 ** (variant.bits - 1) - 1
        layer["sw"] = 2 * abs(w).mean() / high**0.5
        if number or variant.first == "learned":
            layer["sx"] = layer["sw"].dtype.type(1.0 / (2**variant.bits - 1))
    return {name: jnp.asarray(value) for name, value in layer.items()}


def _forward(params: Any, x: Any, variant: Variant) -> Any:
    for number, layer in enumerate(params):
        w = _quantized(layer["w"], layer.get("sw"), variant.bits, True)
        if w.ndim == 2 and x.ndim == 4:
            x = x.reshape(len(x), -1)
        x = _quantized(x, layer.get("sx"), variant.bits, False)
        if w.ndim == 4:
            layout = ("NHWC", "HWIO", "NHWC")
            x = jax.lax.conv_general_dilated(x, w, (1, 1), "VALID", dimension_numbers=layout)
        else:
            x = x @ w.T
        x = x + layer["b"]
        if number < len(params) - 1:
            x = jax.nn.relu(x)
        if w.ndim == 4:
            # Its gradient is much faster on a CPU than that of lax.reduce_window.
            n, h, wide, c = x.shape
            x = x.reshape(n, h // 2, 2, wide // 2, 2, c).max((2, 4))
    return x


def _quantized(x: Any, step: Any, bits: int, signed: bool) -> Any:
    if bits == 32:
        return x
    if bits == 1:
        return _sign(x)
    low, high = (1 - 2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    if step is None:
        # Fixed, and x are data: nothing asks for a gradient.
        return jnp.clip(jnp.round(x * high), low, high) / high
    return _lsq(x, step, low, high)


@partial(jax.custom_vjp, nondiff_argnums=(2, 3))
def _lsq(x: Any, step: Any, low: int, high: int) -> Any:
    return jnp.clip(jnp.round(x / step), low, high) * step


def _lsq_forward(x: Any, step: Any, low: int, high: int) -> Any:
    return _lsq(x, step, low, high), (x, step)


def _lsq_backward(low: int, high: int, kept: Any, gradient: Any) -> Any:
    x, step = kept
    u = x / step
    inside = (u >= low) & (u <= high)
    error = jnp.where(inside, jnp.round(u) - u, jnp.clip(u, low, high))
    tame = (x.size * high) ** -0.5
    return jnp.where(inside, gradient, 0), (gradient * error).sum() * tame


_lsq.defvjp(_lsq_forward, _lsq_backward)


@jax.custom_vjp
def _sign(x: Any) -> Any:
    return jnp.where(x >= 0, 1.0, -1.0)


_sign.defvjp(
    lambda x: (_sign(x), x), lambda x, gradient: (jnp.where(jnp.abs(x) <= 1, gradient, 0),)
)
