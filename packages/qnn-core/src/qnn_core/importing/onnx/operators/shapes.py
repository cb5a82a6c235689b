"""Operators that move elements; most become no step, but another order of axes."""

from math import prod

import numpy as np

from ....nn import Dropout, Flatten, Reshape
from ..builder import Unsupported, Value, whole_batch
from ..call import Call
from ..document import BATCH
from ..geometry import LEAST, padded
from ..values import Activation, Constant, Shape, as_in_file, channels_last

# float, float16, double and bfloat16, as a file numbers them.
FLOATS = (1, 10, 11, 16)
# Their names in files up to opset 5.
NAMED = ("FLOAT", "FLOAT16", "DOUBLE")


def identity(call: Call) -> Value:
    """Identity."""
    x = call.inputs[0]
    assert x is not None
    return x


def cast(call: Call) -> Value:
    """Cast and CastLike: all is float32 here."""
    to = call.attribute("to", FLOATS[0])
    like = call.inputs[1] if len(call.inputs) > 1 else None
    whole = isinstance(like, Constant) and like.array.dtype.kind != "f"
    if to not in (*FLOATS, *NAMED) or whole or (isinstance(like, Activation) and like.codes):
        raise Unsupported("a cast to what is no float")
    x = identity(call)
    if not isinstance(x, Activation):
        return x
    if x.codes and x.grid is not None:
        raise Unsupported("codes as numbers")
    return x.but(codes="")


def dropout(call: Call) -> Activation:
    """Dropout: off in evaluation, and as it was when the net is trained on."""
    x = call.activation()
    rate = call.attribute("ratio", 0.5) if call.opset < 12 else call.constant(1, np.float32(0.5))
    if call.opset >= 12 and np.any(call.constant(2, False)):
        raise Unsupported("training_mode: export the net in evaluation")
    made = Dropout(float(rate), seed=0)
    # In training what it lets pass is scaled: on no grid any more.
    return x.but(name=call.builder.add(made, [x], call.hint()), grid=None)


def transpose(call: Call) -> Activation:
    """Transpose: our tensor stays, its axes have other places in the file."""
    x = call.activation()
    if x.columns is not None:
        x = call.builder.filed(x)
    perm = call.attribute("perm", tuple(reversed(range(len(x.shape)))))
    if sorted(perm) != list(range(len(x.shape))):
        raise Unsupported(f"perm {tuple(perm)} for {len(x.shape)} axes")
    shape = tuple(x.shape[axis] for axis in perm)
    order = tuple(perm.index(axis) for axis in x.order)
    return x.but(shape=shape, order=order, grid=x.grid and x.grid.moved(perm))


def flatten(call: Call) -> Activation:
    """Flatten to a matrix."""
    x = call.activation()
    axis = call.axis(call.attribute("axis", 1), len(x.shape) + 1)
    return reshaped(call, x, (prod(x.shape[:axis]), prod(x.shape[axis:])))


def reshape(call: Call) -> Activation:
    """Reshape, the batch staying in front."""
    x = call.activation()
    # An attribute up to opset 4, an input since.
    given = call.constant(1)
    given = call.required("shape") if given is None else given
    target = [int(n) for n in np.ravel(given)]
    if not call.attribute("allowzero", 0):
        target = [x.shape[at] if n == 0 else n for at, n in enumerate(target)]
    if target[0] == call.batch and prod(target[1:]) == prod(x.shape[1:]):
        target[0] = BATCH
    if -1 in target:
        known = -prod(target)
        if not known or prod(x.shape) % known:
            raise Unsupported(f"a shape {_shown(target)} for elements of shape {_shown(x.shape)}")
        target[target.index(-1)] = prod(x.shape) // known
    if target[0] == call.batch and sum(n % BATCH == 0 for n in target) == 1:
        # A file for batches of a fixed length, which has taken the rest as one length.
        target = [n // BATCH * call.batch if n % BATCH == 0 else n for n in target]
        target[0] = BATCH
    return reshaped(call, x, tuple(target))


def squeeze(call: Call) -> Activation:
    """Squeeze: axes of length 1 are left out."""
    x = call.activation()
    rank = len(x.shape)
    given = call.constant(1, call.attribute("axes"))
    if given is None:
        if call.batch == 1:
            raise Unsupported("no axes: the batch of 1 would go too")
        axes = {axis for axis, n in enumerate(x.shape) if n == 1}
    else:
        axes = {call.axis(int(axis), rank) for axis in np.ravel(given)}
    if any(x.shape[axis] != 1 for axis in axes):
        raise Unsupported(f"axes {sorted(axes)} of shape {_shown(x.shape)}, not all of length 1")
    return reshaped(call, x, tuple(n for axis, n in enumerate(x.shape) if axis not in axes))


def unsqueeze(call: Call) -> Activation:
    """Unsqueeze: new axes of length 1."""
    x = call.activation()
    given = np.ravel(call.constant(1, call.attribute("axes")))
    rank = len(x.shape) + len(given)
    axes = {call.axis(int(axis), rank) for axis in given}
    rest = iter(x.shape)
    return reshaped(call, x, tuple(1 if axis in axes else next(rest) for axis in range(rank)))


def reshaped(call: Call, x: Activation, shape: Shape) -> Activation:
    """Return an activation in another shape of the file."""
    if not whole_batch(shape):
        raise Unsupported(f"a shape {_shown(shape)}: the batch must stay in front, alone")
    if prod(shape) != prod(x.shape):
        raise Unsupported(f"a shape {_shown(shape)} for elements of shape {_shown(x.shape)}")
    if shape == x.shape:
        return x
    if x.grid is not None and x.grid.quantizer.axis is not None:
        if x.codes:
            raise Unsupported("another shape of codes with a scale for each channel")
        x = x.but(grid=None)
    if [n for n in x.shape if n != 1] == [n for n in shape if n != 1] and x.columns is None:
        return _other_ones(call, x, shape)
    rank = len(x.shape)
    images = x.columns is None and x.order == channels_last(rank) and rank in (3, 4)
    channels, pixels = (x.shape[1], prod(x.shape[2:])) if rank > 2 else (0, 0)
    if images and shape == (BATCH, channels * pixels):
        # Not the elements are moved, but what is known of them; a weight behind is moved once.
        place = np.arange(channels * pixels).reshape(channels, pixels).T.reshape(-1)
        name = call.builder.add(Flatten(), [x], "flatten")
        return Activation(name, shape, (0, 1), place, x.grid, x.codes)
    if images and shape == (BATCH, channels, pixels):
        name = call.builder.add(Reshape(pixels, channels), [x], "shape")
        return Activation(name, shape, (0, 2, 1), None, x.grid, x.codes)
    x = call.builder.filed(x)
    name = call.builder.add(Reshape(*shape[1:]), [x], "shape")
    return Activation(name, shape, as_in_file(len(shape)), None, x.grid, x.codes)


def _other_ones(call: Call, x: Activation, shape: Shape) -> Activation:
    """Return an activation whose shape in the file has other axes of length 1: no step."""
    order = tuple(axis for axis in x.order if x.shape[axis] != 1)
    x = call.builder.arranged(x, order)
    places = dict(
        zip(
            (axis for axis, n in enumerate(x.shape) if n != 1),
            (axis for axis, n in enumerate(shape) if n != 1),
            strict=True,
        )
    )
    return x.but(shape=shape, order=tuple(places[axis] for axis in order))


def pad(call: Call) -> Activation:
    """Pad with a constant, of signals and images, not of their channels."""
    x = call.activation()
    mode = call.attribute("mode", "constant")
    if mode != "constant":
        raise Unsupported(f"mode {mode!r}; constant only")
    rank = len(x.shape)
    given = call.constant(1)
    given = [int(n) for n in np.ravel(call.required("pads") if given is None else given)]
    value = float(np.ravel(call.constant(2, call.attribute("value", 0.0)))[0])
    axes = call.constant(3)
    axes = range(rank) if axes is None else [call.axis(int(axis), rank) for axis in axes]
    widths = dict(zip(axes, zip(given[: len(axes)], given[len(axes) :], strict=True), strict=True))
    if any(widths.get(axis, (0, 0)) != (0, 0) for axis in (0, 1)) or rank not in (3, 4):
        raise Unsupported(f"pads {given}: around signals and images only, not their channels")
    if min(given) < 0:
        raise Unsupported(f"negative pads {given}")
    before, after = zip(*(widths.get(axis, (0, 0)) for axis in range(2, rank)), strict=True)
    if not any(before) and not any(after):
        return x
    return padded(call, call.builder.last(x), before, after, max(value, LEAST))


def _shown(shape: Shape | list[int]) -> str:
    return f"[{', '.join(map(_length, shape))}]"


def _length(n: int) -> str:
    times, rest = divmod(n, BATCH)
    return str(n) if rest or not times else "batch" if times == 1 else f"batch * {times}"
