"""The nets in this framework."""

from collections.abc import Callable
from typing import Any

import qnn_core as qnn
from _training_layers import Dense, Norm
from _training_nets import Array, Net, Variant


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    qnn.set_num_threads(threads)
    model = make(net, variant, scale="1" if way == "qnn-sign" else None).train()
    optimizer = OPTIMIZERS[net.optimizer](model.parameters(), lr=net.lr)

    step = step_of(model, optimizer)
    return _as_it_is, step if way == "qnn-tape" else qnn.compiled(step), ""


def step_of(model: Any, optimizer: Any) -> Callable[[Array, Array], Any]:
    """Return a step of training of a model."""

    def step(x: Array, labels: Array) -> Any:
        loss = qnn.ops.softmax_cross_entropy(model(x), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.data

    return step


OPTIMIZERS = {"SGD": qnn.optim.SGD, "Adam": qnn.optim.Adam}


def make(net: Net, variant: Variant, scale: str | None = None) -> Any:
    """Return the model, quantized where the net's layers are."""
    options = quantizers(variant, scale)
    if net.name == "resnet8":
        inner = options.get("weight"), options.get("input")
        return qnn.ResNet((32, 32, 3), weight=inner[0], input=inner[1], seed=0)
    if net.name == "lenet":
        return qnn.LeNet(**options, seed=0)
    products = [layer for layer in net.layers if isinstance(layer, Dense)]
    if not products[-1].quantized:
        options = {name: value for name, value in options.items() if not name.startswith("last")}
    sizes = [*net.inputs, *(layer.outputs for layer in products)]
    norm = any(isinstance(layer, Norm) for layer in net.layers)
    return qnn.MLP(sizes, **options, batch_norm=norm, seed=0)


def quantizers(variant: Variant, scale: str | None) -> dict[str, Any]:
    """Return the arguments of a model: weight, input, and those of the first and the last layer."""
    if variant.bits == 32:
        return {}
    weight, input = f"symmetric:{variant.bits}", f"uniform:{variant.bits}"
    if variant.powers:
        weight = input = f"logarithmic:{variant.bits}"
    if variant.bits == 1:
        weight = input = "binary" if scale is None else f"binary:scale={scale}"
    first = f"{input},scale=fixed" if variant.first == "fixed" else input
    return {
        "weight": weight,
        "input": input,
        "first_input": first,
        "first_weight": weight,
        "last_weight": weight,
        "last_input": input,
    }


def _as_it_is(x: Array, labels: Array) -> tuple[Array, Array]:
    return x, labels
