"""The nets in PyTorch: eager, and compiled; quantized by hand with LSQ (arXiv:1902.08153)."""

from typing import Any

import torch
import torch._dynamo  # the first optimizer imports it anyway: it is not the model's memory
from _training_nets import LR, Array, Net, Variant
from torch import nn
from torch.nn import functional


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    return training(make(net, variant), compiled=way != "torch")


def training(model: Any, compiled: bool = False) -> tuple[Any, Any, str]:
    """Return what every PyTorch way shares: how data enter, and the step."""
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    forward = torch.compile(model) if compiled else model

    def step(x: Any, labels: Any) -> Any:
        loss = functional.cross_entropy(forward(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return tensors, step, ""


def tensors(x: Array, labels: Array) -> tuple[Any, Any]:
    """Return a batch as PyTorch takes it: images are NCHW."""
    given = torch.from_numpy(x)
    given = given.permute(0, 3, 1, 2).contiguous() if x.ndim == 4 else given
    return given, torch.from_numpy(labels)


def make(net: Net, variant: Variant) -> Any:
    layers: list[Any] = []
    before, side = net.inputs[-1], net.inputs[0]
    for channels in net.channels:
        layers += [_Conv(before, channels, variant, not layers), nn.ReLU(), nn.MaxPool2d(2)]
        before, side = channels, (side - 4) // 2
    if net.channels:
        layers.append(nn.Flatten())
        before *= side * side
    for width in net.dense:
        layers += [_Dense(before, width, variant, not layers), nn.ReLU()]
        before = width
    return nn.Sequential(*layers[:-1])


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
    def __init__(self, bits: int, signed: bool, learned: bool = True) -> None:
        super().__init__()
        self.bits = bits
        self.low, self.high = (-(2 ** (bits - 1) - 1), 2 ** (bits - 1) - 1)
        if not signed:
            self.low, self.high = 0, 2**bits - 1
        step = torch.tensor(1.0 / max(self.high, 1))
        if learned and 1 < bits < 32:
            self.step: Any = nn.Parameter(step)
        else:
            self.register_buffer("step", step)

    def forward(self, x: Any) -> Any:
        if self.bits == 32:
            return x
        if self.bits == 1:
            return _Sign.apply(x)
        return _Lsq.apply(x, self.step, self.low, self.high)

    def fit(self, x: Any) -> "_Quantize":
        """Begin with the step of the paper: 2 E|x| / sqrt(high)."""
        with torch.no_grad():
            self.step.copy_(2 * x.abs().mean() / max(self.high, 1) ** 0.5)
        return self


class _Conv(nn.Conv2d):
    def __init__(self, inputs: int, outputs: int, variant: Variant, first: bool) -> None:
        super().__init__(inputs, outputs, 5)
        self.q_weight = _Quantize(variant.bits, True).fit(self.weight)
        self.q_input = _Quantize(variant.bits, False, not (first and variant.first == "fixed"))

    def forward(self, x: Any) -> Any:
        return functional.conv2d(self.q_input(x), self.q_weight(self.weight), self.bias)


class _Dense(nn.Linear):
    def __init__(self, inputs: int, outputs: int, variant: Variant, first: bool) -> None:
        super().__init__(inputs, outputs)
        self.q_weight = _Quantize(variant.bits, True).fit(self.weight)
        self.q_input = _Quantize(variant.bits, False, not (first and variant.first == "fixed"))

    def forward(self, x: Any) -> Any:
        return functional.linear(self.q_input(x), self.q_weight(self.weight), self.bias)
