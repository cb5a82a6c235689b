"""Functions of single elements, and softmax."""

import math
from collections.abc import Callable

import numpy as np

from ....nn import (
    Clip,
    HardSigmoid,
    HardSwish,
    HardTanh,
    LeakyReLU,
    Module,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from ..builder import Unsupported
from ..call import Call
from ..document import BATCH
from ..values import Activation


def _each(make: Callable[[Call], Module]) -> Callable[[Call], Activation]:
    """Return the translator of a function that is the same for each element, wherever it lies."""

    def translate(call: Call) -> Activation:
        x = call.activation()
        return x.but(name=call.builder.add(make(call), [x], call.hint()), grid=None)

    return translate


relu = _each(lambda call: ReLU())
sigmoid = _each(lambda call: Sigmoid())
tanh = _each(lambda call: Tanh())
leaky_relu = _each(lambda call: LeakyReLU(call.attribute("alpha", 0.01)))
hard_sigmoid = _each(
    lambda call: HardSigmoid(call.attribute("alpha", 0.2), call.attribute("beta", 0.5))
)
hard_swish = _each(lambda call: HardSwish())


def _limits(call: Call) -> Module:
    # Attributes up to opset 10, inputs since.
    low = float(np.asarray(call.constant(1, call.attribute("min", -math.inf))).item())
    high = float(np.asarray(call.constant(2, call.attribute("max", math.inf))).item())
    largest = float(np.finfo(np.float32).max)
    low = -math.inf if low <= -largest else low
    high = math.inf if high >= largest else high
    if (low, high) == (0, math.inf):
        return ReLU()
    if (low, high) == (-1, 1):
        return HardTanh()
    if not low <= high:
        raise Unsupported(f"limits that cross, {low:g} and {high:g}")
    return Clip(low, high)


clip = _each(_limits)


def softmax(call: Call) -> Activation:
    """Softmax along one axis; up to opset 12 over all axes from one on."""
    x = call.activation()
    rank = len(x.shape)
    axis = call.axis(call.attribute("axis", -1 if call.opset >= 13 else 1), rank)
    if call.opset < 13 and axis != rank - 1 and any(n != 1 for n in x.shape[axis + 1 :]):
        raise Unsupported("a softmax over several axes")
    if x.shape[axis] == BATCH:
        raise Unsupported("a softmax over the batch")
    if axis not in x.order:
        x = call.builder.filed(x)
    made = Softmax(x.order.index(axis) - len(x.order))
    return x.but(name=call.builder.add(made, [x], call.hint()), grid=None)
