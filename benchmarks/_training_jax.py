"""The nets in JAX; quantized by hand with LSQ (arXiv:1902.08153)."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from _training_jax_step import float_product, training
from _training_layers import Conv, Dense
from _training_nets import Array, Net, Variant


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    return training(net, partial(_begin, variant), partial(_product, variant))


def _begin(variant: Variant, layer: Dense | Conv, w: Array, b: Array) -> dict[str, Any]:
    """Return the parameters: weight, bias, and the steps that are learned."""
    made = {"w": w} if isinstance(layer, Conv) and not layer.bias else {"w": w, "b": b}
    if layer.quantized and 1 < variant.bits < 32:
        high = 1 if variant.powers else 2 ** (variant.bits - 1) - 1
        made["sw"] = 2 * abs(w).mean() / high**0.5
        if not (layer.data and variant.first == "fixed"):
            most = 1 if variant.powers else 2**variant.bits - 1
            made["sx"] = made["sw"].dtype.type(1.0 / most)
    return made


def _product(variant: Variant, layer: Dense | Conv, given: dict[str, Any], x: Any) -> Any:
    w = given["w"]
    if layer.quantized:
        w = _quantized(w, given.get("sw"), variant, True)
        x = _quantized(x, given.get("sx"), variant, False)
    y = float_product(layer, x, w)
    return y + given["b"] if "b" in given else y


def _quantized(x: Any, step: Any, variant: Variant, signed: bool) -> Any:
    bits = variant.bits
    if bits == 32:
        return x
    if bits == 1:
        return _sign(x)
    if variant.powers:
        return _powers(x, step, 2 ** (bits - 1) - 1)
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


@partial(jax.custom_vjp, nondiff_argnums=(2,))
def _powers(x: Any, scale: Any, count: int) -> Any:
    """Fake quantization to zero and `count` powers of two down from a scale, with a sign."""
    return _power(x / scale, count) * scale


def _power(u: Any, count: int) -> Any:
    # Faster than logarithm, rounding and power: the levels whose lower bounds are reached.
    size, level = jnp.abs(u), jnp.zeros_like(u)
    for exponent in range(1 - count, 1):
        level = jnp.where(size >= 2 ** (exponent - 0.5), 2.0**exponent, level)
    return jnp.sign(u) * level


def _powers_forward(x: Any, scale: Any, count: int) -> Any:
    return _powers(x, scale, count), (x, scale)


def _powers_backward(count: int, kept: Any, gradient: Any) -> Any:
    x, scale = kept
    u = x / scale
    inside, level = jnp.abs(u) <= 1, _power(u, count)
    error = jnp.where(inside, level - u, level)
    return jnp.where(inside, gradient, 0), (gradient * error).sum() * x.size**-0.5


_powers.defvjp(_powers_forward, _powers_backward)


@jax.custom_vjp
def _sign(x: Any) -> Any:
    return jnp.where(x >= 0, 1.0, -1.0)


_sign.defvjp(
    lambda x: (_sign(x), x), lambda x, gradient: (jnp.where(jnp.abs(x) <= 1, gradient, 0),)
)
