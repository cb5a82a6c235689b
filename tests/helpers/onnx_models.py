"""Packed models in onnxruntime, and what is compared with them."""

from dataclasses import replace
from typing import Any

import numpy as np
import onnx
import onnxruntime
import qnn_core as qnn
from packed_models import fitted
from qnn_core.deploy.graph.interpret import interpret
from qnn_core.deploy.onnx import FORMS, translate
from qnn_core.deploy.onnx.emission import Inexact
from qnn_core.deploy.onnx.library import to_bytes


def session(content: Any, level: str = "ORT_ENABLE_ALL") -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, level)
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def answers(content: Any, *inputs: np.ndarray, **options: Any) -> list[np.ndarray]:
    """The outputs of a file for inputs in order."""
    running = session(content, **options)
    names = [given.name for given in running.get_inputs()]
    return running.run(None, dict(zip(names, inputs, strict=True)))


def check_integer(packed: qnn.PackedModel, *inputs: np.ndarray, **options: Any) -> list[Inexact]:
    """Compare outputs and all codes with those of the integer form; return its notes.

    Of the graph as packing leaves it, and as a file does that keeps thresholds without their chain.
    """
    graph, form = packed.graph, FORMS["integer"]
    bare = replace(graph, nodes=tuple(replace(node, chain=()) for node in graph.nodes))
    expected = interpret(graph, inputs)
    codes = [node.output for node in graph.nodes if node.output in expected.quantized]
    for one in (graph, bare):
        document, inexact = translate(one, form, form.opset, codes=codes, **options)
        found = answers(to_bytes(document, "net", "0"), *inputs)
        count = len(graph.outputs)
        for name, y in zip(graph.outputs, found[:count], strict=True):
            np.testing.assert_array_equal(y, expected.values[name])
        for name, y in zip(codes, found[count:], strict=True):
            np.testing.assert_array_equal(y, expected.quantized[name].codes, err_msg=name)
    return inexact


def check_exact(model: Any, *inputs: np.ndarray) -> qnn.PackedModel:
    """Fit and pack a model, and insist on the same bits without any exception."""
    packed = qnn.pack(fitted(model, *inputs).eval(), inputs[0][:5])
    assert check_integer(packed, *inputs) == []
    return packed


def operators(content: Any) -> list[str]:
    return [node.op_type for node in onnx.load_from_string(content).graph.node]
