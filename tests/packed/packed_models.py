"""Helpers of these tests: schemes, and the comparison with the model itself."""

from collections.abc import Callable
from typing import Any

import numpy as np
import qnn_core as qnn
from qnn_core.errors import SpecError
from qnn_core.packed import Graph
from qnn_core.packed.fuse import unfused
from qnn_core.packed.interpret import interpret
from qnn_core.products import reference
from qnn_core.registry import registered


def specs(widths: tuple[int, ...] = (1, 2, 4, 8)) -> list[str]:
    """Every registered scheme at those of the widths that it has."""
    found = []
    for entry in registered():
        for bits in widths:
            try:
                qnn.get_quantizer(f"{entry.name}:bits={bits}")
            except SpecError:
                continue
            found.append(f"{entry.name}:bits={bits}")
    return found


def fitted(model: qnn.Module, x: np.ndarray) -> qnn.Module:
    """Run a batch in training mode, so that frames and running statistics are set."""
    model.train()
    model(qnn.Tensor(x))
    return model


def expected(model: Callable[..., Any], *inputs: np.ndarray) -> list[np.ndarray]:
    return [value.data for value in qnn.trace(model, inputs).outputs]


def forms(graph: Graph, x: np.ndarray) -> list[np.ndarray]:
    """The first output of a graph fused and plain, on kernels and on the reference."""
    outputs = []
    for form in (graph, unfused(graph)):
        for run in (interpret(form, [x]), interpret(form, [x], by=reference)):
            outputs.append(run.values[form.outputs[0]])
    return outputs


def check_packed(model: Any, x: np.ndarray) -> qnn.PackedModel:
    """Pack on a part of the data, and compare all of it with the model."""
    packed = qnn.pack(model, x[:3])
    (y,) = expected(model, x)
    np.testing.assert_array_equal(packed(x), y)
    for form in forms(packed.graph, x):
        np.testing.assert_array_equal(form, y)
    return packed


def operations(packed: qnn.PackedModel) -> list[str]:
    return [node.op for node in packed.graph.nodes]
