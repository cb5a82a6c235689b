"""The only module here that needs the package onnx: a file becomes a `Document`."""

import os
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ConversionError, FileError
from .document import BATCH, Array, Document, Node

WHERE = "from_onnx"


def read(model: Any) -> Document:
    """Return what a file, its bytes, or a ``ModelProto`` holds.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is none of ONNX, or is damaged.
        ConversionError: if what it holds is no graph of tensors.
        ImportError: if onnx is not installed.
    """
    onnx = _onnx()
    proto = _proto(onnx, model)
    try:
        return _document(onnx, proto, _named(model))
    except (ConversionError, FileError):
        raise
    except Exception as error:  # what is damaged inside has no common class
        raise FileError(f"{WHERE}: {_named(model)} is damaged: {error}") from error


def _document(onnx: Any, proto: Any, named: str) -> Document:
    if proto.functions:
        proto = onnx.inliner.inline_local_functions(proto)
    graph = proto.graph
    if not graph.output:
        raise FileError(f"{WHERE}: {named} has no graph of ONNX with outputs")
    own = [item.version for item in proto.opset_import if item.domain in ("", "ai.onnx")]
    if graph.sparse_initializer:
        raise ConversionError(f"{WHERE}: sparse constants have no form here")
    constants = {item.name: _floats(_array(onnx, item)) for item in graph.initializer}
    given = [item for item in graph.input if item.name not in constants]
    batches = {_fixed(item) for item in given}
    return Document(
        tuple(_node(onnx, node) for node in graph.node),
        constants,
        {item.name: _shape(item) for item in given},
        {item.name: _dtype(item) for item in graph.output},
        own[0] if own else 1,
        batches.pop() if len(batches) == 1 else None,
        frozenset(item.name for item in given if _dtype(item).kind in "iub"),
    )


def evaluate(node: Node, inputs: list[Array | None], opset: int) -> list[Array]:
    """Return what an operator makes of constants, by ONNX's own reference.

    Args:
        node: its attributes are numbers, texts, tuples and arrays.
        inputs: None for one that is left out.
        opset: of ONNX's own operators.
    """
    onnx = _onnx()
    from onnx.reference import ReferenceEvaluator  # noqa: PLC0415 # it is optional

    helper = onnx.helper
    given = {n: a for n, a in zip(node.inputs, inputs, strict=True) if a is not None}
    attributes = {
        n: onnx.numpy_helper.from_array(a) if isinstance(a, np.ndarray) else a
        for n, a in node.attributes.items()
    }
    made = helper.make_node(node.type, node.inputs, node.outputs, domain=node.domain, **attributes)
    ports = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in given.items()
    ]
    outputs = [helper.make_value_info(n, onnx.TypeProto()) for n in node.outputs if n]
    graph = helper.make_graph([made], "one", ports, outputs)
    imports = [helper.make_opsetid("", opset)]
    if node.domain:
        imports.append(helper.make_opsetid(node.domain, 1))
    model = helper.make_model(graph, opset_imports=imports)
    return [_floats(np.asarray(array)) for array in ReferenceEvaluator(model).run(None, given)]


def _onnx() -> Any:
    try:
        import onnx  # noqa: PLC0415 # it is optional
        import onnx.inliner  # noqa: PLC0415 # likewise
    except ImportError as error:
        raise ImportError(
            f'{WHERE}: files of ONNX are read by onnx: pip install "qnn-core[onnx]"'
        ) from error
    return onnx


def _proto(onnx: Any, model: Any) -> Any:
    if isinstance(model, onnx.ModelProto):
        return model
    if not isinstance(model, str | os.PathLike | bytes):
        raise TypeError(f"{WHERE}: a path, bytes or a ModelProto is needed, got {model!r}")
    try:
        if isinstance(model, bytes):
            return onnx.load_model_from_string(model)
        with Path(model).open("rb"):  # constants in files of their own may be missing too
            pass
        return onnx.load(Path(model))
    except OSError as error:
        if error.filename == str(model):
            raise
        raise FileError(f"{WHERE}: {_named(model)} needs more: {error}") from error
    except Exception as error:  # protobuf's own errors have no common class
        raise FileError(
            f"{WHERE}: {_named(model)} is no file of ONNX, or damaged: {error}"
        ) from error


def _named(model: Any) -> str:
    return str(Path(model)) if isinstance(model, str | os.PathLike) else "what was given"


def _node(onnx: Any, node: Any) -> Node:
    attributes = {item.name: _attribute(onnx, node, item) for item in node.attribute}
    domain = "" if node.domain == "ai.onnx" else node.domain
    return Node(node.op_type, domain, node.name, tuple(node.input), tuple(node.output), attributes)


def _attribute(onnx: Any, node: Any, item: Any) -> Any:
    value = onnx.helper.get_attribute_value(item)
    if isinstance(value, onnx.TensorProto):
        return _floats(_array(onnx, value))
    if isinstance(value, onnx.GraphProto):
        named = node.name or "".join(node.output[:1])
        raise ConversionError(
            f"{WHERE}: {node.op_type} {named!r} holds a graph of its own: "
            "nets whose operators depend on their data have no form here"
        )
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, list):
        return tuple(part.decode() if isinstance(part, bytes) else part for part in value)
    return value


def dtype_of(kind: int) -> np.dtype[Any]:
    """Return the dtype that files have a number for.

    Raises:
        ValueError: if there is none.
    """
    try:
        dtype: np.dtype[Any] = _onnx().helper.tensor_dtype_to_np_dtype(kind)
        return dtype
    except KeyError:
        raise ValueError(f"a dtype of number {kind}, which ONNX does not know") from None


def _array(onnx: Any, item: Any) -> Array:
    try:
        array: Array = onnx.numpy_helper.to_array(item)
    except Exception as error:  # data that lie elsewhere, or are cut
        raise FileError(f"{WHERE}: the constant {item.name!r} cannot be read: {error}") from error
    return array


def _floats(array: Array) -> Array:
    """Return floats as float32, in which all is computed here."""
    if array.dtype.kind != "f" and array.dtype.name != "bfloat16":
        return array
    with np.errstate(over="ignore"):  # refused where it is a weight
        return array.astype(np.float32)


def _shape(item: Any) -> tuple[int | None, ...]:
    if not item.type.HasField("tensor_type") or not item.type.tensor_type.HasField("shape"):
        raise ConversionError(f"{WHERE}: the input {item.name!r} is no tensor of a known rank")
    lengths = item.type.tensor_type.shape.dim
    if not lengths:
        raise ConversionError(f"{WHERE}: the input {item.name!r} is one number: no axis is a batch")
    rest = [n.dim_value if n.HasField("dim_value") and n.dim_value > 0 else None for n in lengths]
    return (BATCH, *rest[1:])


def _fixed(item: Any) -> int | None:
    """Return the length of the first axis, if it is given."""
    lengths = item.type.tensor_type.shape.dim
    return lengths[0].dim_value or None if lengths else None


def _dtype(item: Any) -> np.dtype[Any]:
    kind = item.type.tensor_type.elem_type
    return dtype_of(kind) if kind else np.dtype(np.float32)
