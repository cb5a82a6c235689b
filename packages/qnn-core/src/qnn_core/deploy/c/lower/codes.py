"""What becomes codes: of pixels, of other codes, of sums, of two of these, or of floats."""

from dataclasses import replace

import numpy as np

from ...graph import Node
from ...graph.interpret import encoded
from ..plan import Decide, Decision, Join, Product, Recode, SumPool, Value
from .context import MOVING, Context
from .decision import decide
from .expression import Expression
from .floats import codes_of_floats
from .join import plane
from .movement import codes_in_memory, concatenated, moved
from .operands import turned_weights


def codes_of(net: Context, quantizer: Node, name: str) -> Value:
    """Return the codes that a quantizer makes of a value of the graph."""
    # One scheme has one table of thresholds, whatever the scale: the numbers tell them apart.
    parts = (quantizer.tables[part].tobytes() for part in ("thresholds", "scale", "shift"))
    key = b"".join(parts), name
    if key not in net.quantized:
        net.quantized[key] = _codes(net, quantizer, name)
    return net.quantized[key]


def _codes(net: Context, quantizer: Node, name: str) -> Value:
    if name == net.given:
        return _of_input(net, quantizer)
    if not quantizer.coding().per_tensor:
        return codes_of_floats(net, quantizer, name)
    maker = net.nodes.get(name)
    if maker is not None and name not in net.coded:
        # What only moves or chooses values does the same to their codes.
        if maker.op in MOVING:
            return moved(net, maker, codes_of(net, quantizer, maker.inputs[0]))
        if maker.op == "concatenate":
            parts = [codes_of(net, quantizer, part) for part in maker.inputs]
            return concatenated(net, maker, parts)
    expression = net.expression(name)
    made = None if expression is None else codes_of_integers(net, quantizer, expression)
    return codes_of_floats(net, quantizer, name) if made is None else made


def _of_input(net: Context, quantizer: Node) -> Value:
    if net.pixels is None:
        return codes_of_floats(net, quantizer, net.given)
    each = not quantizer.coding().per_tensor or net.pixels.ndim > 1
    if not each:
        return replace(net.input, coding=quantizer.coding(), table=encoded(net.pixels, quantizer))
    shape = net.shapes[net.given]
    axis = quantizer.attributes["axis"]
    if axis is not None and axis % (len(shape) + 1) != len(shape):
        return codes_of_floats(net, quantizer, net.given)
    pixels = net.pixels if net.pixels.ndim > 1 else net.pixels[:, None]
    grid = np.ascontiguousarray(np.broadcast_to(pixels, (256, shape[-1])))
    if quantizer.coding().per_tensor:
        target = net.value("codes", quantizer.output, shape, quantizer.coding())
        tables = np.ascontiguousarray(encoded(grid, quantizer).T)
        net.add(Recode, quantizer, (net.input,), target, tables=tables)
        return target
    last = replace(quantizer, attributes={**quantizer.attributes, "axis": -1})
    target = net.value("codes", quantizer.output, shape)
    tables = np.ascontiguousarray(encoded(grid, last).T)
    net.add(Recode, quantizer, (net.input,), target, tables=tables)
    return target


def codes_of_integers(net: Context, quantizer: Node, expression: Expression) -> Value | None:
    """Return the codes of a function of one or two integers; None if they cannot be said so."""
    if len(expression.sources) == 2:
        return _of_two(net, quantizer, expression)
    if len(expression.sources) > 2:
        return None
    if expression.sources[0].is_codes:
        return _of_codes(net, quantizer, expression)
    decision = decide(expression, quantizer)
    return None if decision is None else _of_sums(net, quantizer, expression, decision)


def _of_codes(net: Context, quantizer: Node, expression: Expression) -> Value:
    (source,) = expression.sources
    value = net.coded[source.name]
    count = int(source.high.max()) + 1
    grid = np.broadcast_to(np.arange(count)[:, None], (count, expression.columns))
    tables = expression.codes(quantizer, [grid]).T
    if np.all(tables == tables[:1]):
        tables = tables[:1]
    if value.table is not None:
        tables = tables[:, value.table]
        if len(tables) == 1:
            return replace(value, coding=quantizer.coding(), table=tables[0])
    target = net.value("codes", quantizer.output, value.shape, quantizer.coding())
    net.add(Recode, quantizer, (value,), target, tables=np.ascontiguousarray(tables))
    return target


def _of_sums(net: Context, quantizer: Node, expression: Expression, decision: Decision) -> Value:
    (source,) = expression.sources
    target = net.value("codes", quantizer.output, expression.shape, quantizer.coding())
    if source.name not in net.sums and net.wanted(source.name) == 1:
        # Nobody else asks for the sums: they become codes where they are made.
        net.integers[source.name].make()
        last = net.steps.pop()
        if isinstance(last, Product):
            net.steps.append(_deciding(last, decision, target))
        else:
            assert isinstance(last, SumPool)
            net.steps.append(replace(last, decision=decision, target=target))
        return target
    value = net.sums_of(source.name)
    net.add(Decide, quantizer, (value,), target, decision=decision)
    return target


def _deciding(product: Product, decision: Decision, target: Value) -> Product:
    """Return a product with its decision; where codes fall, the weights change their sign."""
    allowed = np.unique(product.weights)
    weights, left = turned_weights(product.weights, decision.turned, allowed)
    changed = decision.turned & ~left
    return replace(
        product,
        weights=weights,
        low=np.where(changed, -product.high, product.low),
        high=np.where(changed, -product.low, product.high),
        decision=replace(decision, turned=left),
        target=target,
    )


def _of_two(net: Context, quantizer: Node, expression: Expression) -> Value | None:
    found = plane(expression, quantizer)
    if found is None:
        return None
    sources = tuple(
        codes_in_memory(net, s.name) if s.is_codes else net.sums_of(s.name) for s in found.sources
    )
    target = net.value("codes", quantizer.output, expression.shape, quantizer.coding())
    net.add(
        Join,
        quantizer,
        sources,
        target,
        multiplier=found.multiplier,
        factor=found.factor,
        offset=found.offset,
        shift=found.shift,
        top=found.top,
        wide=found.wide,
        exceptions=found.exceptions,
        near=found.near,
        checked=found.pairs,
    )
    return target
