"""Add, Sub, Mul, Div: of activations, and of one and a constant."""

from collections.abc import Callable

import numpy as np

from ....nn import Concatenate, Elementwise, Mean
from ..builder import Unsupported
from ..call import Call
from ..document import BATCH, Array
from ..values import Activation, Constant, aligned, as_in_file, channels_last, long
from ..weights import finite
from .products import biased

# The first opset whose operators broadcast as NumPy does.
BROADCASTING = 7


def _operator(operation: str) -> Callable[[Call], Activation]:
    def translate(call: Call) -> Activation:
        a, b = call.inputs[:2]
        if isinstance(a, Activation) and isinstance(b, Activation):
            return _of_two(call, operation, a, b)
        return _with_constant(call, operation)

    return translate


def _with_constant(call: Call, operation: str) -> Activation:
    first = isinstance(call.inputs[0], Constant)
    x, constant = call.activation(int(first)), call.weight(int(not first))
    array = _old(call, finite("a constant", constant.values), len(x.shape))
    if operation == "add":
        done = biased(call, x, array)
        if done is not None:
            return done
    shape = np.broadcast_shapes(x.shape, array.shape)
    if len(shape) != len(x.shape):
        raise Unsupported(f"a constant of shape {array.shape} and an activation of fewer axes")
    if shape != x.shape:
        raise Unsupported(f"a constant of shape {array.shape} that stretches the activation")
    lacks = any(
        n != 1 and axis not in x.order
        for axis, n in enumerate((1,) * (len(shape) - array.ndim) + array.shape)
    )
    x = call.builder.filed(x) if lacks else x
    layer = Elementwise(operation, aligned(array, x), constant_first=first)
    return x.but(name=call.builder.add(layer, [x], call.hint()), grid=None)


def _of_two(call: Call, operation: str, a: Activation, b: Activation) -> Activation:
    rank = max(len(a.shape), len(b.shape))
    if len(a.shape) != len(b.shape):
        raise Unsupported(f"two activations with {len(a.shape)} and {len(b.shape)} axes")
    shape = np.broadcast_shapes(a.shape, b.shape)
    if call.opset < BROADCASTING and "axis" in call.node.attributes:
        raise Unsupported("two activations, of which one lies along an axis of the other")
    same = a.order == b.order and _alike(a.columns, b.columns)
    if not same or (a.columns is not None and a.shape != b.shape):
        wide = [
            x for x in (a, b) if long(x.shape, as_in_file(rank)) == long(shape, as_in_file(rank))
        ]
        full = [x.order for x in wide if len(x.order) == rank and x.columns is None]
        order = full[0] if full else channels_last(rank)
        a, b = (call.builder.arranged(x, order) for x in (a, b))
    name = call.builder.add(Elementwise(operation), [a, b], call.hint())
    return Activation(name, shape, a.order, a.columns)


def _old(call: Call, array: Array, rank: int) -> Array:
    """Return a constant that lay along some axes of the other, as files up to opset 6 have it."""
    axis = call.attribute("axis")
    if call.opset >= BROADCASTING or axis is None or not call.attribute("broadcast", 0):
        return array
    behind = rank - call.axis(axis, rank) - array.ndim
    if behind < 0:
        raise Unsupported(f"a constant of shape {array.shape} along axis {axis} of {rank}")
    return array.reshape(*array.shape, *(1,) * behind)


def _alike(a: Array | None, b: Array | None) -> bool:
    return a is b or (a is not None and b is not None and np.array_equal(a, b))


add = _operator("add")
subtract = _operator("subtract")
multiply = _operator("multiply")
divide = _operator("divide")


def concat(call: Call) -> Activation:
    """Concat of activations along any axis but the batch."""
    parts = [call.activation(at) for at in range(len(call.inputs))]
    rank = len(parts[0].shape)
    axis = call.attribute("axis", 1) if call.opset < 4 else call.required("axis")
    axis = call.axis(axis, rank)
    if parts[0].shape[axis] == BATCH:
        raise Unsupported("a concatenation along the batch")
    columns = None
    if rank == 2 and any(part.columns is not None for part in parts):
        ends = np.cumsum([0] + [part.shape[1] for part in parts])
        own = [np.arange(p.shape[1]) if p.columns is None else p.columns for p in parts]
        columns = np.concatenate([each + start for each, start in zip(own, ends, strict=False)])
        plain = [part.but(columns=None) for part in parts]
    else:
        order = parts[0].order
        if any(part.order != order or len(part.order) < rank for part in parts):
            order = channels_last(rank)
        plain = [call.builder.arranged(part, order) for part in parts]
    order = plain[0].order
    name = call.builder.add(Concatenate(order.index(axis) - rank), plain, call.hint())
    lengths = list(parts[0].shape)
    lengths[axis] = sum(part.shape[axis] for part in parts)
    made = Activation(name, tuple(lengths), order, columns)
    grid = parts[0].grid
    alike = grid is not None and all(part.grid and part.grid.same(grid) for part in parts)
    if not alike or grid is None or grid.quantizer.axis is not None:
        if any(part.codes for part in parts):
            raise Unsupported("codes of several scales side by side")
        return made
    return made.but(grid=grid, codes=parts[0].codes)


def reduce_mean(call: Call) -> Activation:
    """ReduceMean over any axes but the batch; the axes are an attribute up to opset 17."""
    x = call.activation()
    rank = len(x.shape)
    given = call.constant(1, call.attribute("axes"))
    axes = [] if given is None else [call.axis(int(a), rank) for a in np.ravel(given)]
    if not axes:
        if call.attribute("noop_with_empty_axes", 0):
            return x
        axes = list(range(rank))
    keep = bool(call.attribute("keepdims", 1))
    if any(x.shape[axis] == BATCH for axis in axes):
        raise Unsupported("a mean over the batch")
    return averaged(call, x, set(axes), keep)


def averaged(call: Call, x: Activation, axes: set[int], keep: bool) -> Activation:
    """Return the mean over some axes of the file."""
    if x.columns is not None:
        # The mean of all features is the same in any order.
        x = x.but(columns=None) if axes == {1} else call.builder.filed(x)
    ours = [at for at, axis in enumerate(x.order) if axis in axes]
    name = call.builder.add(Mean(*ours), [x], call.hint()) if ours else x.name
    order = tuple(axis for axis in x.order if axis not in axes)
    shape = tuple(1 if axis in axes else n for axis, n in enumerate(x.shape))
    if not keep:
        kept = [axis for axis in range(len(x.shape)) if axis not in axes]
        shape = tuple(x.shape[axis] for axis in kept)
        order = tuple(kept.index(axis) for axis in order)
    return Activation(name, shape, order)
