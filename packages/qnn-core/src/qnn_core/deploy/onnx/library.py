"""The only module that needs the package onnx: a document becomes a checked model in bytes."""

from typing import Any

import numpy as np

from ...errors import GraphError
from .document import QONNX, Constant, Document, Port


def to_bytes(document: Document, name: str, version: str) -> bytes:
    """Return a model as the bytes of its file, the same for the same document.

    Args:
        document: complete.
        name: of the graph.
        version: of what made it.

    Raises:
        GraphError: if ``onnx.checker`` finds fault with it, or it is too large for such a file.
        ImportError: if onnx is not installed, or does not know that version of the operators.
    """
    onnx = _onnx()
    known = onnx.defs.onnx_opset_version()
    if document.opset > known:
        raise ImportError(
            f"export_onnx: opset {document.opset} is newer than {known}, which the installed onnx "
            f"{onnx.__version__} has"
        )
    opsets = [onnx.helper.make_opsetid("", document.opset)]
    if document.has_domain(QONNX):
        opsets.append(onnx.helper.make_opsetid(QONNX, 1))
    graph = _graph(onnx, document, name)
    model = onnx.helper.make_model(
        graph,
        opset_imports=opsets,
        producer_name="qnn-core",
        producer_version=version,
        ir_version=onnx.helper.find_min_ir_version_for(opsets[:1]),
    )
    onnx.helper.set_model_props(model, document.metadata)
    try:
        onnx.checker.check_model(model, full_check=True)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError, ValueError) as error:
        raise GraphError(f"export_onnx: onnx.checker refuses the model: {error}") from error
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _onnx() -> Any:
    try:
        import onnx  # noqa: PLC0415 # it is optional
        import onnx.checker  # noqa: PLC0415 # likewise
        import onnx.shape_inference  # noqa: PLC0415 # likewise
    except ImportError as error:
        raise ImportError("export_onnx: a file of ONNX needs onnx: pip install onnx") from error
    return onnx


def _graph(onnx: Any, document: Document, name: str, *, inner: bool = False) -> Any:
    return onnx.helper.make_graph(
        [_node(onnx, number, operator) for number, operator in enumerate(document.operators)],
        name,
        [_port(onnx, port, inner) for port in document.inputs],
        [_port(onnx, port, inner) for port in document.outputs],
        [_tensor(onnx, *item) for item in document.constants.items()],
    )


def _node(onnx: Any, number: int, operator: Any) -> Any:
    attributes = {name: _attribute(onnx, value) for name, value in operator.attributes.items()}
    return onnx.helper.make_node(
        operator.type,
        operator.inputs,
        [operator.output],
        name=f"{number}_{operator.type}",
        domain=operator.domain or None,
        **attributes,
    )


def _attribute(onnx: Any, value: Any) -> Any:
    if isinstance(value, Document):
        return _graph(onnx, value, "body", inner=True)
    # A cast names a dtype of NumPy's.
    return onnx.helper.np_dtype_to_tensor_dtype(value) if isinstance(value, np.dtype) else value


def _port(onnx: Any, port: Port, inner: bool) -> Any:
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(port.dtype))
    # Inside of a loop shapes follow from what it is given.
    shape = None if inner else ["batch", *port.shape]
    return onnx.helper.make_tensor_value_info(port.name, kind, shape)


def _tensor(onnx: Any, name: str, constant: Constant) -> Any:
    if constant.type in ("", "INT8", "UINT8"):
        return onnx.numpy_helper.from_array(constant.array, name)
    kind = getattr(onnx.TensorProto, constant.type)
    return onnx.helper.make_tensor(name, kind, constant.array.shape, constant.array.reshape(-1))
