"""The nets in PyTorch: eager, and compiled; quantized by hand with LSQ (arXiv:1902.08153)."""

from typing import Any

import torch
from _training_layers import Conv, Dense
from _training_nets import Net, Variant
from _training_torch_step import conv_sizes, float_product, training
from torch import nn
from torch.nn import functional


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    torch.set_num_threads(threads)

    def product(layer: Dense | Conv) -> list[Any]:
        if variant.bits == 32 or not layer.quantized:
            return [float_product(layer)]
        return [_Conv(layer, variant) if isinstance(layer, Conv) else _Dense(layer, variant)]

    return training(net, product, compiled=way != "torch")


class _Lsq(torch.autograd.Function):
    """Fake quantization with a learned step; 1 / sqrt(n * high) tames its gradient."""

    @staticmethod
    def forward(ctx: Any, x: Any, step: Any, low: int, high: int) -> Any:
        u = x / step
        ctx.save_for_backward(u)
        ctx.range = low, high
        return u.round().clamp_(low, high).mul_(step)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        (u,) = ctx.saved_tensors
        low, high = ctx.range
        inside = (u >= low) & (u <= high)
        dx = gradient * inside if ctx.needs_input_grad[0] else None
        dstep = None
        if ctx.needs_input_grad[1]:
            tame = (u.numel() * max(high, 1)) ** -0.5
            error = torch.where(inside, u.round() - u, u.clamp(low, high))
            dstep = (gradient * error).sum().mul_(tame)
        return dx, dstep, None, None


class _Powers(torch.autograd.Function):
    """Fake quantization to zero and powers of two down from a learned scale, with a sign."""

    @staticmethod
    def forward(ctx: Any, x: Any, scale: Any, bounds: Any, levels: Any) -> Any:
        u = x / scale
        level = levels[torch.bucketize(u, bounds, right=True)]
        ctx.save_for_backward(u, level)
        return level * scale

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        u, level = ctx.saved_tensors
        inside = u.abs() <= 1
        dx = gradient * inside if ctx.needs_input_grad[0] else None
        dscale = None
        if ctx.needs_input_grad[1]:
            error = torch.where(inside, level - u, level)
            dscale = (gradient * error).sum().mul_(u.numel() ** -0.5)
        return dx, dscale, None, None


class _Sign(torch.autograd.Function):
    """The sign, 0 counts as +1; gradient passes where |x| <= 1."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


class _Quantize(nn.Module):
    def __init__(self, variant: Variant, signed: bool, learned: bool = True) -> None:
        super().__init__()
        self.bits, self.powers = variant.bits, variant.powers
        self.high = 2 ** (self.bits - 1) - 1 if signed else 2**self.bits - 1
        self.low = -self.high if signed else 0
        if self.powers:
            levels = torch.exp2(torch.arange(1.0 - (2 ** (self.bits - 1) - 1), 1.0))
            # Half a step of the exponent below each.
            bounds = levels * 2**-0.5
            self.high = 1
            self.register_buffer("bounds", torch.cat([-bounds.flip(0), bounds]))
            self.register_buffer("levels", torch.cat([-levels.flip(0), torch.zeros(1), levels]))
        step = torch.tensor(1.0 / max(self.high, 1))
        if learned and self.bits > 1:
            self.step: Any = nn.Parameter(step)
        else:
            self.register_buffer("step", step)

    def forward(self, x: Any) -> Any:
        if self.bits == 1:
            return _Sign.apply(x)
        if self.powers:
            return _Powers.apply(x, self.step, self.bounds, self.levels)
        return _Lsq.apply(x, self.step, self.low, self.high)

    def fit(self, x: Any) -> "_Quantize":
        """Begin with the step of the paper: 2 E|x| / sqrt(high)."""
        with torch.no_grad():
            self.step.copy_(2 * x.abs().mean() / max(self.high, 1) ** 0.5)
        return self


def _quantizers(layer: Dense | Conv, variant: Variant, weight: Any) -> tuple[Any, Any]:
    """Return those of weight and input."""
    learned = not (layer.data and variant.first == "fixed")
    return _Quantize(variant, True).fit(weight), _Quantize(variant, False, learned)


class _Conv(nn.Conv2d):
    def __init__(self, layer: Conv, variant: Variant) -> None:
        super().__init__(*conv_sizes(layer), bias=layer.bias)
        self.q_weight, self.q_input = _quantizers(layer, variant, self.weight)

    def forward(self, x: Any) -> Any:
        weight = self.q_weight(self.weight)
        return functional.conv2d(self.q_input(x), weight, self.bias, self.stride, self.padding)


class _Dense(nn.Linear):
    def __init__(self, layer: Dense, variant: Variant) -> None:
        super().__init__(layer.inputs, layer.outputs)
        self.q_weight, self.q_input = _quantizers(layer, variant, self.weight)

    def forward(self, x: Any) -> Any:
        return functional.linear(self.q_input(x), self.q_weight(self.weight), self.bias)
