"""From a file to a model: operator by operator, each value a constant or an activation."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...arguments import whole
from ...errors import ConversionError, ShapeError, SpecError, nearest
from ...nn.layers.graph_module import GraphModule
from .builder import Builder, Unsupported, Value, refused
from .call import Call
from .document import BATCH, OTHER, Array, Document, Node, needed
from .library import WHERE, evaluate, read
from .operators import TRANSLATORS, WITH_CONSTANTS
from .values import Activation, Constant, as_in_file, channels_last

BATCH_NORMS = ("keep", "fold")
LAYOUTS = ("channels_first", "channels_last")


def from_onnx(
    model: Any,
    *,
    batch_norm: str = "keep",
    layout: str = "channels_first",
    input_shape: Sequence[int] | Mapping[str, Sequence[int]] | None = None,
    outputs: Sequence[str] | None = None,
) -> GraphModule:
    """Return a net of ONNX as a model of our layers, with its weights, in evaluation mode.

    It computes what the file says, within the rounding of float32, and can be quantized, trained,
    compared, packed and exported like any other. Layers are called after their weights. Inside,
    channels are last; weights behind a flattened image are put into that order, so that nothing is
    moved there. Quantized files keep their codes: QuantizeLinear and DequantizeLinear, Quant and
    BipolarQuant of QONNX become quantizers with their scales, which can be trained on.

    Args:
        model: a path, the bytes of a file, or an ``onnx.ModelProto``.
        batch_norm: ``"keep"`` for layers of their own; ``"fold"`` into the linear or convolutional
            layer before, as one mostly wants it for post-training quantization.
        layout: of images and signals that are given and returned: ``"channels_first"``, as in the
            file, or ``"channels_last"``.
        input_shape: lengths after the batch, as the file has them, where it leaves some open; by
            the inputs' names if there are several.
        outputs: names of the values that are wanted, outputs of the file or others; left out: its
            outputs that are floats.

    Returns:
        A `GraphModule`. The first axis of each input is the batch, of any length, also where the
        file has a fixed one.

    Raises:
        ConversionError: if an operator, or a way of using it, has no form here: the message lists
            all of them.
        ShapeError: if lengths are open, or `input_shape` does not fit the file.
        SpecError: for an unknown output, or another `batch_norm` or `layout`.
        FileNotFoundError, FileError: if there is no such file, or it is damaged.
        ImportError: without onnx: ``pip install "qnn-core[onnx]"``.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> packed = qnn.pack(qnn.MLP([3, 4, 2], seed=0), np.zeros((1, 3), np.float32))
        >>> packed.export_onnx("net.onnx", form="integer")  # doctest: +SKIP
        >>> from_onnx("net.onnx")  # doctest: +SKIP
    """
    for name, value, known in (
        ("batch_norm", batch_norm, BATCH_NORMS),
        ("layout", layout, LAYOUTS),
    ):
        if value not in known:
            raise SpecError(f"{WHERE}: {name} must be one of {', '.join(known)}, got {value!r}")
    document = read(model)
    wanted = _wanted(document, outputs)
    nodes = needed(document, wanted)
    _check_operators(nodes, document.inputs)
    uses = Counter(name for node in nodes for name in node.inputs)
    uses.update(wanted)
    builder = Builder(uses, document.inputs)
    values = builder.values
    values |= {name: Constant(array, name=name) for name, array in document.constants.items()}
    given = _inputs(document, nodes, wanted, input_shape, layout)
    values |= given
    _run(nodes, values, builder, document, batch_norm == "fold")
    made = [_output(builder, name, values.get(name), layout) for name in wanted]
    return builder.module(given, made).eval()


def _wanted(document: Document, outputs: Sequence[str] | None) -> list[str]:
    if outputs is None:
        floats = [n for n, dtype in document.outputs.items() if dtype.kind == "f"]
        return floats or list(document.outputs)
    wanted = [outputs] if isinstance(outputs, str) else list(outputs)
    if not wanted:
        raise SpecError(f"{WHERE}: outputs names no value")
    known = {name for node in document.nodes for name in node.outputs if name}
    for name in wanted:
        if not isinstance(name, str) or name not in known:
            raise SpecError(
                f"{WHERE}: no value is called {name!r}{nearest(str(name), known)} "
                f"(outputs of the file: {', '.join(document.outputs)})"
            )
    return wanted


def _check_operators(nodes: Sequence[Node], inputs: Iterable[str]) -> None:
    """Refuse what no translator knows, unless it computes constants, or lengths."""
    moving = set(inputs)
    strange = []
    for node in nodes:
        # Of these, what is cast; of Shape, nothing.
        counted = {"CastLike": 1, "Shape": 0}.get(node.operator)
        if moving.intersection(node.inputs[:counted]):
            moving.update(node.outputs)
            if node.operator not in TRANSLATORS:
                strange.append(node)
    if strange:
        counts = Counter(node.operator for node in strange)
        first = {node.operator: node for node in reversed(strange)}
        raise refused(
            WHERE,
            [
                f"{operator} ({count} times, first as {first[operator].name or 'output'} "
                f"{first[operator].outputs[0]!r}){MADE_OF.get(operator, '')}"
                for operator, count in counts.items()
            ],
        )


# What people call what these are made of.
QDQ = ": of onnxruntime's quantizer take quantize_static with quant_format=QuantFormat.QDQ"
MADE_OF = {
    "ConvInteger": QDQ,
    "ConvTranspose": ": a transposed convolution",
    "Erf": ": GELU is made of it",
    "DynamicQuantizeLinear": QDQ,
    "GatherND": ": adaptive pooling may be made of it",
    "LayerNormalization": ": LayerNorm",
    "MatMulInteger": QDQ,
    "QLinearConv": QDQ,
    "QLinearMatMul": QDQ,
    "Resize": ": Upsample, or interpolate",
    "Upsample": ": Upsample, or interpolate",
}

# The codes of an input that is given as whole numbers.
WHOLE = "whole numbers"
# What makes an array as long as its inputs say.
FILLING = ("ConstantOfShape", "Expand", "Range", "Tile")
# What moves codes, or makes numbers of them.
MOVING = frozenset(
    {
        "Cast",
        "CastLike",
        "Concat",
        "DequantizeLinear",
        "Flatten",
        "Identity",
        "MaxPool",
        "Reshape",
        "Squeeze",
        "Transpose",
        "Unsqueeze",
    }
)


def _inputs(
    document: Document,
    nodes: Sequence[Node],
    wanted: Sequence[str],
    shapes: Any,
    layout: str,
) -> dict[str, Activation]:
    taken = {name for node in nodes for name in node.inputs} | set(wanted)
    given = {name: shape for name, shape in document.inputs.items() if name in taken}
    if shapes is not None and not isinstance(shapes, Mapping):
        if len(given) != 1:
            raise ShapeError(f"{WHERE}: input_shape by name is needed, of {', '.join(given)}")
        shapes = dict.fromkeys(given, shapes)
    for name, lengths in (shapes or {}).items():
        if name not in given:
            raise ShapeError(
                f"{WHERE}: input_shape names {name!r}, the inputs are {', '.join(given)}"
            )
        if isinstance(lengths, str) or not isinstance(lengths, Sequence):
            raise ShapeError(
                f"{WHERE}: input_shape needs lengths, such as (3, 32, 32), got {lengths!r}"
            )
    found = {}
    for name, shape in given.items():
        own = shapes.get(name) if shapes else None
        lengths = _lengths(name, shape, own)
        rank = len(lengths)
        order = channels_last(rank) if layout == "channels_last" else as_in_file(rank)
        codes = WHOLE if name in document.whole else ""  # numbers only once they are cast
        found[name] = Activation(f"input {name}", lengths, order, codes=codes)
    return found


def _lengths(name: str, shape: tuple[int | None, ...], own: Any) -> tuple[int, ...]:
    shown = "[batch" + "".join(f", {'?' if n is None else n}" for n in shape[1:]) + "]"
    if own is not None:
        given = (whole(WHERE, "a length of input_shape", n, least=1, error=ShapeError) for n in own)
        lengths = (BATCH, *given)
        fits = len(lengths) == len(shape) and all(
            n is None or n == m for n, m in zip(shape, lengths, strict=True)
        )
        if not fits:
            raise ShapeError(
                f"{WHERE}: input_shape {tuple(own)} does not fit the input {name!r} of shape "
                f"{shown}"
            )
        return lengths
    if None in shape[1:]:
        raise ShapeError(
            f"{WHERE}: the input {name!r} has shape {shown} in the file: give the lengths after "
            "the batch as input_shape="
        )
    return tuple(n for n in shape if n is not None)


def _run(
    nodes: Sequence[Node],
    values: dict[str, Value],
    builder: Builder,
    document: Document,
    fold: bool,
) -> None:
    """Translate the operators in turn; what has no form is listed, and what needs it left out."""
    problems: list[str] = []
    for node in nodes:
        missing = [name for name in node.inputs if name and name not in values]
        if missing:
            if not problems:
                problems.append(f"{node}: nothing before it makes {missing[0]!r}")
            continue  # of something that has no form
        inputs = tuple(values[name] if name else None for name in node.inputs)
        try:
            made = _translated(Call(node, inputs, builder, document.opset, document.batch, fold))
        except (Unsupported, ValueError) as error:
            # Of NumPy's messages too, which have the length that stands for the batch.
            problems.append(f"{node}: {error}".replace(str(BATCH), "batch"))
            continue
        except Exception as error:  # a file may be wrong in any way
            problems.append(f"{node}: no file should have it so ({type(error).__name__}: {error})")
            continue
        results = made if isinstance(made, tuple) else (made,)
        values.update(
            (name, value)
            for name, value in zip(node.outputs, results, strict=False)
            if name and value is not None
        )
    if problems:
        raise refused(WHERE, problems)


def _translated(call: Call) -> Any:
    node, inputs = call.node, call.inputs
    known = all(x is None or isinstance(x, Constant) for x in inputs)
    if node.type == "Shape" and not node.domain and isinstance(inputs[0], Activation):
        shape = np.array(inputs[0].shape, np.int64)
        shape = shape[call.attribute("start", 0) : call.attribute("end", len(shape))]
        return _constant(shape, np.where(shape == BATCH, OTHER, shape))
    if known and node.operator not in WITH_CONSTANTS:
        if len(inputs) == 1 and isinstance(inputs[0], Constant) and inputs[0].grid is not None:
            moved = _moved_grid(call, inputs[0])
            if moved is not None:
                return moved
        return _folded(call)
    if node.type not in (*MOVING, "Cast", "CastLike") and any(
        isinstance(x, Activation) and x.codes for x in inputs
    ):
        raise Unsupported("arithmetic with codes")
    return TRANSLATORS[node.operator](call)


def _folded(call: Call) -> tuple[Constant | None, ...]:
    """Return what an operator makes of constants."""
    node = call.node
    given = [x if isinstance(x, Constant) else None for x in call.inputs]
    known = [x for x in given if x is not None]
    decided = any(x.other is not None for x in known)
    if decided and node.type in FILLING:
        raise Unsupported("an array as long as the batch")
    arrays = evaluate(node, [None if x is None else x.values for x in given], call.opset)
    # Once more for a batch of another length: what differs depends on it.
    others = arrays
    if decided:
        others = evaluate(
            node,
            [x if x is None else x.values if x.other is None else x.other for x in given],
            call.opset,
        )
    named = next((x.name for x in known), "")
    made = (_constant(a, b, named) for a, b in zip(arrays, others, strict=True))
    return tuple(next(made) if name else None for name in node.outputs)


def _constant(array: Array, other: Array, name: str = "") -> Constant:
    """Return a constant that would be another in a batch of another length, or the same."""
    same = array.shape == other.shape and array.tobytes() == other.tobytes()
    return Constant(array, name=name, other=None if same else other)


def _moved_grid(call: Call, x: Constant) -> Constant | None:
    """Return a quantized weight that is transposed, still quantized."""
    grid = x.grid
    assert grid is not None
    if call.node.type == "Identity":
        return x
    if call.node.type != "Transpose":
        return None
    perm = call.attribute("perm", tuple(reversed(range(len(x.shape)))))
    return Constant(x.array.transpose(perm), grid.moved(perm), x.name)


def _output(builder: Builder, name: str, value: Value | None, layout: str) -> Activation:
    if value is None:
        raise ConversionError(f"{WHERE}: nothing makes the output {name!r}")
    if isinstance(value, Constant):
        raise ConversionError(f"{WHERE}: the output {name!r} does not depend on the input")
    if value.codes:
        raise ConversionError(f"{WHERE}: the output {name!r} is of codes, and no numbers")
    rank = len(value.shape)
    try:
        return builder.arranged(
            value, channels_last(rank) if layout == "channels_last" else as_in_file(rank)
        )
    except Unsupported as error:
        raise ConversionError(f"{WHERE}: the output {name!r} needs {error}") from error
