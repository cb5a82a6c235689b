"""Codes and floats that only go elsewhere: reshaped, transposed, side by side, the greatest."""

from dataclasses import replace

import numpy as np

from ....gemm import Window
from ...graph import Node
from ...graph.attributes import resolved
from ...graph.operations import OPERATIONS
from ..plan import Concatenate, Gather, MaxPool, Recode, Value
from .context import Context
from .moves import is_identity, moved_indices, strided


def moved(net: Context, node: Node, value: Value) -> Value:
    """Return a value moved as a node does; one that is only reshaped lies where it lay."""
    if node.op == "max_pool2d":
        return _greatest(net, node, value)
    forward = OPERATIONS[node.op].forward
    assert forward is not None
    given = {name: resolved(a, 1) for name, a in node.attributes.items()}
    indices = moved_indices(value.shape, lambda x: forward(x, **given))
    shape = net.shapes[node.output]
    how = strided(indices)
    if how is not None and is_identity(*how, value.size):
        return replace(value, shape=shape, storage=value.place)
    target = _alike(net.value(value.kind, node.output, shape), value)
    lengths, strides, start = how if how is not None else ((), (), 0)
    table = None if how is not None else indices.reshape(-1)
    net.add(
        Gather, node, (value,), target, lengths=lengths, strides=strides, start=start, indices=table
    )
    return target


def concatenated(net: Context, node: Node, parts: list[Value]) -> Value:
    """Return values side by side, as a node has them."""
    plain = [through_table(net, node, p) if p.kind == "pixels" else p for p in parts]
    shape = net.shapes[node.output]
    axis = node.attributes["axis"] % (len(shape) + 1) - 1
    target = _alike(net.value(plain[0].kind, node.output, shape), plain[0])
    outer = int(np.prod(shape[:axis]))
    inner = tuple(int(np.prod(p.shape[axis:])) for p in plain)
    net.add(Concatenate, node, tuple(plain), target, outer=outer, inner=inner)
    return target


def through_table(net: Context, node: Node, value: Value) -> Value:
    """Return the codes that pixels stand for, in memory."""
    assert value.table is not None
    target = net.value("codes", node.output, value.shape, value.coding)
    net.add(Recode, node, (value,), target, tables=value.table[None])
    return target


def codes_in_memory(net: Context, name: str) -> Value:
    """Return a coded value of the graph as codes: pixels are put through their table once."""
    value = net.coded[name]
    if value.kind == "pixels":
        value = net.coded[name] = through_table(net, net.nodes[name], value)
    return value


def _greatest(net: Context, node: Node, value: Value) -> Value:
    if value.table is not None and np.any(np.diff(value.table.astype(int)) < 0):
        value = through_table(net, node, value)
    target = _alike(net.value(value.kind, node.output, net.shapes[node.output]), value)
    window = Window(*(node.attributes[name] for name in ("kernel", "stride", "padding")))
    net.add(MaxPool, node, (value,), target, window=window)
    return target


def _alike(target: Value, value: Value) -> Value:
    return replace(target, coding=value.coding, table=value.table)
