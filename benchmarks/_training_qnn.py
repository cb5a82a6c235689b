"""The nets in this framework."""

from collections.abc import Callable
from typing import Any

import qnn_core as qnn
from _training_nets import LR, Array, Net, Variant


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    qnn.set_num_threads(threads)
    model = make(net, variant, scale="1" if way == "qnn-sign" else None)
    optimizer = qnn.optim.SGD(model.parameters(), lr=LR)

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


def make(net: Net, variant: Variant, scale: str | None = None) -> Any:
    """Return the model, every layer's weight and input quantized."""
    options = quantizers(variant, scale)
    if not net.channels:
        return qnn.MLP([*net.inputs, *net.dense], **options, seed=0)
    return qnn.LeNet(**options, seed=0)


def quantizers(variant: Variant, scale: str | None) -> dict[str, Any]:
    """Return the arguments of a model: weight, input, first_input, last_weight, last_input."""
    if variant.bits == 32:
        return {}
    weight, input = f"symmetric:{variant.bits}", f"uniform:{variant.bits}"
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
