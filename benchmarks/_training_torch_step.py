"""What every PyTorch way shares: the net from its layers, how data enter, and the step."""

from collections.abc import Callable
from typing import Any

import torch
import torch._dynamo  # the first optimizer imports it anyway: it is not the model's memory
from _training_layers import Conv, Dense, Layers, Norm, Plain, Residual
from _training_nets import Array, Net
from torch import nn
from torch.nn import functional

# Makes the modules of a dense layer, or of a convolution.
Product = Callable[[Any], list[Any]]


class _Residual(nn.Module):
    def __init__(self, body: Any, shortcut: Any) -> None:
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x: Any) -> Any:
        return self.body(x) + self.shortcut(x)


class _Mean(nn.Module):
    def forward(self, x: Any) -> Any:
        return x.mean((2, 3))


PLAIN = {
    Plain.RELU: nn.ReLU,
    Plain.MAX: lambda: nn.MaxPool2d(2),
    Plain.MEAN: _Mean,
    Plain.FLATTEN: nn.Flatten,
}


def modules(layers: Layers, product: Product) -> Any:
    """Return the layers one after the other."""
    made: list[Any] = []
    spatial = False
    for layer in layers:
        if isinstance(layer, Plain):
            made.append(PLAIN[layer]())
        elif isinstance(layer, Residual):
            made.append(_Residual(modules(layer.body, product), modules(layer.shortcut, product)))
        elif isinstance(layer, Norm):
            made.append((nn.BatchNorm2d if spatial else nn.BatchNorm1d)(layer.channels))
        else:
            made += product(layer)
            spatial = isinstance(layer, Conv)
    return nn.Sequential(*made)


def float_product(layer: Dense | Conv) -> Any:
    """Return PyTorch's own layer."""
    if isinstance(layer, Dense):
        return nn.Linear(layer.inputs, layer.outputs)
    return nn.Conv2d(*conv_sizes(layer), bias=layer.bias)


def conv_sizes(layer: Conv) -> tuple[int, int, int, int, int]:
    """Return the first arguments of a Conv2d."""
    return layer.inputs, layer.outputs, layer.size, layer.stride, layer.padding


def training(net: Net, product: Product, compiled: bool = False) -> tuple[Any, Any, str]:
    """Return how data enter, and the step.

    Images are NHWC in memory, and optimizers those of one kernel: the faster of the choices.
    """
    torch.manual_seed(0)
    model = modules(net.layers, product).to(memory_format=torch.channels_last)
    optimizer = getattr(torch.optim, net.optimizer)(model.parameters(), lr=net.lr, fused=True)
    forward = torch.compile(model) if compiled else model

    def step(x: Any, labels: Any) -> Any:
        loss = functional.cross_entropy(forward(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.detach()

    return tensors, step, ""


def tensors(x: Array, labels: Array) -> tuple[Any, Any]:
    """Return a batch as PyTorch takes it: the axes of images are NCHW."""
    given = torch.from_numpy(x)
    return given.permute(0, 3, 1, 2) if x.ndim == 4 else given, torch.from_numpy(labels)
