"""The laws of what is inside a layer: its values, and the gradients of its operations."""

import sys
from collections.abc import Callable, Iterator
from math import ceil, log, log2

import numpy as np

from ..autodiff import GraphNode, Op, Tensor, Value, trace
from ..errors import GraphError
from ..nn import Module
from ..quantizer import Quantizer
from . import codes
from .law import LawError, NotApplicable, Violation
from .layer_under_test import Made
from .op import check_op
from .samples import Array
from .steps import Climb, climbs, data_inputs, few_values

PACKAGE = __name__.partition(".")[0]

# A surrogate may end half a step beyond the levels, or at them: with one bit that is a factor of 2.
LEAST_RATIO, MOST_RATIO = 1 / 3, 3.0

# How much larger the data are made to see what depends on their size.
LARGER = 16


def levels_fit_the_bits(made: Made) -> Iterator[Violation]:
    """Something inside takes at most 2**bits values."""
    counts = {_place(made.nodes[n]): _count(made.nodes[n]) for n in made.quantizing}
    most = 256 if made.bits is None else 2**made.bits
    if not counts:
        names = ", ".join(node.op.name for node in made.nodes) or "none"
        wanted = f"one that turns many values into at most {most}"
        yield Violation("the operations inside", wanted, f"only {names}")
    elif min(counts.values()) > most:
        found = ", ".join(f"{count} values of {place}" for place, count in counts.items())
        yield Violation("the operations that quantize", f"at most {most} values", found)


def levels_reach_the_data(made: Made) -> Iterator[Violation]:
    """Of data of both signs, what quantizes leaves more than values <= 0.

    One bit of levels such as -1, 0 has nothing above zero: all that is positive becomes zero. A
    registered scheme, or another `Quantizer`, may take a side by the data: of it is asked what this
    law asks of quantizers.
    """
    for n in made.quantizing:
        node = made.nodes[n]
        values = np.unique(node.output.data)
        data = [node.inputs[k].data for k in data_inputs(node)]
        if values.max() <= 0 and all(x.max() > 0 for x in data) and not _takes_a_side(node, values):
            lows, highs = min(x.min() for x in data), max(x.max() for x in data)
            given = f"{_place(node)}, data from {lows:.3g} to {highs:.3g}"
            yield Violation(given, "a value above zero", f"only {_some(values)}")


def _takes_a_side(node: GraphNode, values: Array) -> bool:
    """Whether the values are those of a quantizer that reaches other data."""
    quantizer = node.attributes.get("quantizer")
    if not isinstance(quantizer, Quantizer) or values.min() == 0:
        return False
    return not any(codes.levels_reach_the_data(quantizer))


def weights_are_quantized_throughout(made: Made) -> Iterator[Violation]:
    """A weight that is quantized is not multiplied with the input as a float too.

    What is made of it alone, such as a scale, may be; transformed it is the same weight.
    """
    of_input = {id(v) for node in made.nodes for v in node.inputs if v.kind == "input"}
    for node in made.nodes:
        if any(id(v) in of_input for v in node.inputs):
            of_input.add(id(node.output))
    inputs = {id(v): v for node in made.nodes for v in node.inputs}
    for weight in inputs.values():
        if weight.kind == "parameter" and weight.data.ndim >= 2:
            quantized, multiplied = _uses(made, weight, of_input)
            if quantized and multiplied:
                where = " and ".join(_place(node) for node in quantized)
                yield Violation(
                    f"{weight.name}, quantized by {where}",
                    "no product of it as a float",
                    f"{_place(multiplied[0])} multiplies it too, not quantized",
                )


def _uses(made: Made, weight: Value, of_input: set[int]) -> tuple[list[GraphNode], list[GraphNode]]:
    """Return what quantizes a weight, and what takes it as a float together with the input."""
    floats = {id(weight)}
    quantized, multiplied = [], []
    for n, node in enumerate(made.nodes):
        if not any(id(v) in floats for v in node.inputs):
            continue
        if n in made.quantizing:
            quantized.append(node)
        elif any(id(v) in of_input for v in node.inputs):
            multiplied.append(node)
        elif node.output.data.size == weight.data.size:
            floats.add(id(node.output))
    return quantized, multiplied


def zeros_give_numbers(made: Made) -> Iterator[Violation]:
    """Weights or inputs that are all zero give finite numbers and gradients.

    NaN comes of a scale that is made of them, and is zero, too.
    """
    for what in ("weights", "inputs"):
        layer, x = made.fresh(), made.x
        if what == "weights":
            for weight in _weights(layer):
                weight[...] = 0
        else:
            x = np.zeros_like(x)
        y = layer.train()(Tensor(x))
        y.sum().backward()
        gradients = [p.grad.data for p in layer.parameters() if p.grad is not None]
        if not all(np.all(np.isfinite(array)) for array in (y.data, *gradients)):
            yield Violation(f"{what} that are all zero", "finite numbers", "NaN or infinity")


def zero_is_a_value_like_others(made: Made) -> Iterator[Violation]:
    """Zeros among the data add no further value.

    sign(0) = 0 gives one bit a third value, which the bit cannot hold.
    """
    layer, x = made.fitted(), made.x.copy()
    for weight in _weights(layer):
        weight.reshape(-1)[::7] = 0
    x[:, ::7] = 0
    x[::5] = 0
    nodes = trace(layer, x).nodes
    if [node.op for node in nodes] != [node.op for node in made.nodes]:
        raise NotApplicable("other operations run where there are zeros among the data")
    for n in made.quantizing:
        before, after = _count(made.nodes[n]), few_values(nodes[n].output.data)
        bits = ceil(log2(before)) if made.bits is None else made.bits
        if before <= 2**bits and (after is None or after > 2**bits):
            values = _some(np.unique(nodes[n].output.data))
            yield Violation(
                f"{_place(nodes[n])}, with zeros among the data",
                f"at most {2**bits} values, as without them",
                f"{values}: zero is a value of its own, as sign(0) = 0 makes it",
            )


def gradients_climb_with_the_values(made: Made) -> Iterator[Violation]:
    """Over the range of its levels, a quantizer's gradient sums to what its values climb.

    That holds for the straight-through estimator with any surrogate. It is tried with data of two
    sizes, since a factor that should divide and multiplies is right at one size.
    """
    tried = False
    for n in made.quantizing:
        node = made.nodes[n]
        for given in data_inputs(node):
            size = float(np.abs(node.inputs[given].data).max())
            found = [list(climbs(node, given, size * factor)) for factor in (1, LARGER)]
            tried = tried or any(found)
            wrong = [c for some in found for c in some if not _fits(c)]
            if wrong:
                yield _climb_violation(node, given, wrong[0], found)
    if not tried:
        raise NotApplicable("no operation inside has steps with a range to sum a gradient over")


def _fits(climb: Climb) -> bool:
    return LEAST_RATIO <= climb.ratio <= MOST_RATIO


def _climb_violation(
    node: GraphNode, given: int, wrong: Climb, found: list[list[Climb]]
) -> Violation:
    cause = "a wrong factor"
    if all(found) and found[0][0].ratio and found[1][0].ratio / found[0][0].ratio > 0:
        power = round(log(found[1][0].ratio / found[0][0].ratio) / log(LARGER))
        if power == 2:
            cause = "it multiplies by the size of the data where the values are divided by it"
        elif power:
            cause = f"a factor that grows with the size of the data to the power {power}"
    return Violation(
        f"{_place(node)}, an element of input {given} moved from {wrong.low:.3g} to "
        f"{wrong.high:.3g}, data up to {wrong.size:.3g}",
        f"gradients that sum to the climb of the value, {wrong.value:.4g}",
        f"{wrong.gradient:.4g}, {wrong.ratio:.3g} times as much: {cause}",
    )


def other_derivatives_are_right(made: Made) -> Iterator[Violation]:
    """The derivative of every further operation of the layer's own is the difference quotient.

    For example one that multiplies by quantized weights, and whose derivative uses the float ones.
    """
    nodes = [
        node for n, node in enumerate(made.nodes) if n not in made.quantizing and _foreign(node.op)
    ]
    if not nodes:
        raise NotApplicable("all operations but those that quantize are qnn_core's")
    for node in nodes:
        for given in range(len(node.inputs)):
            try:
                check_op(_alone(node, given), node.inputs[given].data, order=1)
            except GraphError:
                continue  # declared to have no derivative
            except LawError as error:
                for violation in error.violations:
                    if "does not depend" not in violation:
                        where = f"{_place(node)}, input {given}"
                        what = violation.partition(": ")[2]
                        yield Violation(where, "the derivative of what it computes", what)


def _alone(node: GraphNode, given: int) -> Callable[[Tensor], Tensor]:
    """Return an operation as a function of one of its inputs, the others as they were."""

    def function(moved: Tensor) -> Tensor:
        inputs = [Tensor(value.data, moved.dtype) for value in node.inputs]
        inputs[given] = moved
        return node.op.apply(tuple(inputs), node.attributes)

    return function


def _count(node: GraphNode) -> int:
    count = few_values(node.output.data)
    assert count is not None
    return count


def _weights(layer: Module) -> list[Array]:
    return [p.data for p in layer.parameters() if p.ndim >= 2]


def _place(node: GraphNode) -> str:
    return f"operation {node.op.name}" + (f" of {node.scope}" if node.scope else "")


def _some(values: Array) -> str:
    shown = ", ".join(f"{value:.4g}" for value in values[:8])
    return shown + (", ..." if values.size > 8 else "")


def _foreign(op: Op) -> bool:
    """Whether an operation is declared outside of qnn_core."""
    ours = [module for name, module in sys.modules.items() if name.startswith(f"{PACKAGE}.")]
    return not any(op is value for module in ours for value in vars(module).values())
