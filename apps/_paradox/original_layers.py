"""The quantized layer of QNN-Framework, with everything that is peculiar about it as a switch.

Its arithmetic, from https://github.com/yoshi-ki/QNN-Framework, is this. With h = 2**(bits-1), a
weight becomes the code clip(round(W * h / max|W|), -h, h-1), the product y = x @ codes becomes a
code in the same way, and that code goes into the sigmoid. At one bit, W and y become their signs.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core import Parameter, Tensor, ops
from qnn_core.autodiff import Buffer, op
from qnn_core.nn import Module

Array = NDArray[Any]
MOMENTUM = 0.1


@dataclass(frozen=True)
class Scheme:
    """How a layer is quantized; the defaults are the original's.

    Attributes:
        bits: of weights and of what the layer puts out; None for a float layer.
        grid: the codes: "twos-complement" (at two bits -2, -1, 0, 1), "odd" (-1, 0, 1), or "even"
            (-1.5, -0.5, 0.5, 1.5: what others call -3, -1, 1, 3). The step is the same for all.
        step: "batch maximum", max|x| / h; "running maximum", in evaluation a running average of
            that; "running deviation", the step with the least squared error on a normal
            distribution of the deviation of x (Max 1960, "Quantizing for minimum distortion").
        gradient: "times maximum", where the values were divided by it; or "straight-through", the
            slope of the line on which the codes lie.
        backward: what the input's gradient is multiplied by: "latent" weights, or their "codes".
        sign_of_zero: at one bit.
        output: "codes", whole numbers whatever the size of the data; or "values", codes * step.
        bias: whether there is one.
    """

    bits: int | None = 2
    grid: str = "twos-complement"
    step: str = "batch maximum"
    gradient: str = "times maximum"
    backward: str = "latent"
    sign_of_zero: int = 0
    output: str = "codes"
    bias: bool = False

    @property
    def half(self) -> int:
        """h: half the number of codes."""
        return int(2 ** ((self.bits or 1) - 1))

    @property
    def ends(self) -> tuple[float, float]:
        """The lowest and the highest code."""
        high = self.half - (0.5 if self.even else 1)
        return -self.half if self.grid == "twos-complement" and not self.even else -high, high

    @property
    def even(self) -> bool:
        """Whether no code is zero. One bit has no other grid."""
        return self.grid == "even" or self.bits == 1

    @property
    def signs(self) -> bool:
        """Whether the layer computes with bare signs: the original's other layer."""
        return self.bits == 1 and self.output == "codes"


def nearest(u: Array, even: bool) -> Array:
    """Return the nearest whole number, or the nearest half of an odd one; it may be u itself."""
    if not even:
        return np.rint(u, out=u)
    np.floor(u, out=u)
    u += 0.5
    return u


def _round(x: Array, *, step: float, even: bool, ends: tuple[float, float], slope: float) -> Array:
    codes = nearest(x * x.dtype.type(1 / step), even)
    return np.clip(codes, *ends, out=codes)


def _round_vjp(
    g: Tensor,
    y: Tensor,
    x: Tensor,
    *,
    step: float,
    even: bool,
    ends: tuple[float, float],
    slope: float,
) -> Tensor:
    """Pass the gradient on, times `slope`, where nothing is clipped."""
    # An even code covers one step, of which it is the middle; so does an odd one.
    margin = 0.5 * step
    inside = x.data >= ends[0] * step - margin
    inside &= x.data <= ends[1] * step + margin
    return g * np.multiply(inside, slope, dtype=x.dtype)


def _sign(x: Array, *, zero: int) -> Array:
    signs = np.sign(x)
    if zero:
        signs[signs == 0] = zero
    return signs


def _same(shape: tuple[int, ...], **_: Any) -> tuple[int, ...]:
    return shape


def _product(x: Array, codes: Array, weight: Array) -> Array:
    product: Array = x @ codes.T
    return product


def _product_shape(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    return (*shapes[0][:-1], shapes[1][0])


rounded = op("original_round", _round, shape=_same, vjps=[_round_vjp])
# The original's binary layer has no window: the gradient passes sign() as if it were not there.
sign = op("original_sign", _sign, shape=_same, vjps=[lambda g, y, x, zero: g])
latent_product = op(
    "original_product",
    _product,
    shape=_product_shape,
    vjps=[
        lambda g, y, x, codes, weight: ops.matmul(g, weight),
        lambda g, y, x, codes, weight: ops.matmul(ops.transpose(g), x),
        None,
    ],
)


@lru_cache
def normal_step(bits: int, even: bool, ends: tuple[float, float]) -> float:
    """Return the step with the least mean squared error on a standard normal distribution."""
    z = np.linspace(-6, 6, 6001)
    density = np.exp(-(z**2) / 2)
    steps = np.linspace(0.02, 3, 1491)
    errors = [(density * (z - s * np.clip(nearest(z / s, even), *ends)) ** 2).sum() for s in steps]
    return float(steps[int(np.argmin(errors))])


class OriginalLinear(Module):
    """A fully connected layer of which weights and output are quantized as `scheme` says.

    Args:
        in_features, out_features: lengths of the last axis.
        scheme: see there.
        seed: of the initial weights, which do not depend on the scheme.
    """

    def __init__(self, in_features: int, out_features: int, scheme: Scheme, seed: int) -> None:
        deviation = np.sqrt(1 / in_features)
        rng = np.random.default_rng(seed)
        self.weight = Parameter(rng.normal(0, deviation, (out_features, in_features)))
        self.bias = Parameter(np.zeros(out_features)) if scheme.bias else None
        self.scheme = scheme
        self.running = Buffer(np.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[batch, in_features]`` to ``[batch, out_features]``."""
        scheme = self.scheme
        if scheme.bits is None:
            return ops.linear(x, self.weight, self.bias)
        if scheme.signs:
            return self._sign(self._product(x, self._sign(self.weight)))
        values = scheme.output == "values"
        step = self._step(self.weight.data)
        y = self._product(x, self._round(self.weight, step), step if values else None)
        step = self._kept(self._step(y.data))
        y = self._round(y, step)
        return y * step if values else y

    def codes(self) -> Array:
        """Return the codes of the weights as they are now."""
        if self.scheme.signs:
            return self._sign(self.weight).data
        return self._round(self.weight, self._step(self.weight.data)).data

    def _product(self, x: Tensor, codes: Tensor, step: float | None = None) -> Tensor:
        # Without a gradient of x, as in a first layer, it does not matter which weights it takes.
        if self.scheme.backward == "latent" and x.requires_grad:
            y = latent_product(x, codes, self.weight.detach())
        else:
            y = ops.linear(x, codes)
        if step is not None:
            y = y * step
        return y if self.bias is None else y + self.bias

    def _sign(self, x: Tensor) -> Tensor:
        return sign(x, zero=self.scheme.sign_of_zero)

    def _round(self, x: Tensor, step: float) -> Tensor:
        scheme = self.scheme
        maximum = step * scheme.half
        slope = maximum if scheme.gradient == "times maximum" else 1 / step
        return rounded(x, step=step, even=scheme.even, ends=scheme.ends, slope=slope)

    def _step(self, x: Array) -> float:
        """Return the step for these data, which may be zero all over."""
        scheme = self.scheme
        if scheme.step.endswith("maximum"):
            return max(float(x.max()), -float(x.min())) / scheme.half or 1.0
        deviation = float(np.sqrt(np.vdot(x, x) / x.size))
        return normal_step(scheme.bits or 1, scheme.even, scheme.ends) * deviation or 1.0

    def _kept(self, step: float) -> float:
        """Return the step for the output: that of the batch, or in evaluation a running average."""
        if self.scheme.step == "batch maximum":
            return step
        running = float(self.running.data)
        if not self.training:
            return running
        self.running.data[...] = running + MOMENTUM * (step - running) if running else step
        return step
