"""Nets of ONNX for tests: stored files, graphs of a few operators, and what others answer."""

import functools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

NETS = Path(__file__).parents[1] / "nets"
QONNX = "qonnx.custom_op.general"


def stored(pattern: str = "*") -> list[str]:
    """Return the names of stored nets."""
    return sorted(path.stem for path in NETS.glob(f"{pattern}.onnx"))


def path_of(name: str) -> Path:
    """Return the file of a stored net."""
    return NETS / f"{name}.onnx"


@functools.cache
def inputs_of(name: str) -> tuple[tuple[int, ...], int | None]:
    """Return the shape of the input after the batch, and the length of a fixed batch."""
    (item,) = onnx.load(path_of(name)).graph.input
    first, *rest = item.type.tensor_type.shape.dim
    return tuple(n.dim_value for n in rest), first.dim_value or None


def model(
    nodes: Sequence[Any],
    shape: Sequence[int | str | None],
    constants: dict[str, Any] | None = None,
    *,
    opset: int = 17,
    domains: Sequence[str] = (),
    output: str = "y",
) -> Any:
    """Return a net with the input ``x`` and one output."""
    graph = helper.make_graph(
        list(nodes),
        "net",
        [helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, list(shape))],
        [helper.make_tensor_value_info(output, onnx.TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(a), n) for n, a in (constants or {}).items()],
    )
    opsets = [helper.make_opsetid("", opset)]
    opsets += [helper.make_opsetid(name, 1) for name in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def floats(seed: int, *shape: int) -> Any:
    """Return float32 numbers, the same for a seed."""
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def answers(proto: Any, x: Any, *, outputs: list[str] | None = None) -> Any:
    """Return what onnxruntime answers, operator by operator as the file has them."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    content = proto.read_bytes() if isinstance(proto, Path) else proto.SerializeToString()
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    if outputs is None:
        outputs = [item.name for item in session.get_outputs() if "float" in item.type]
    return session.run(outputs, {given.name: x})


def answers_of_qonnx(path: Path, x: Any) -> Any:
    """Return what QONNX's executor answers to one sample."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages that it imports
        from qonnx.core.modelwrapper import ModelWrapper  # noqa: PLC0415 # where warnings are ignored
        from qonnx.core.onnx_exec import execute_onnx  # noqa: PLC0415 # likewise
        from qonnx.transformation.infer_shapes import InferShapes  # noqa: PLC0415 # likewise

        wrapper = ModelWrapper(str(path))
        name = wrapper.graph.input[0].name
        wrapper.set_tensor_shape(name, list(x.shape))
        (found,) = execute_onnx(wrapper.transform(InferShapes()), {name: x}).values()
    return found
