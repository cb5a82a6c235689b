"""Helpers of these tests: schemes, and the comparison with the model itself."""

from collections.abc import Callable
from typing import Any

import numpy as np
import qnn_core as qnn

# Where the tests of schemes keep their list.
from every_scheme import specs_of
from qnn_core.deploy import Graph
from qnn_core.deploy.compile.fuse import unfused
from qnn_core.deploy.graph.interpret import interpret
from qnn_core.gemm import reference
from qnn_core.registry import registered

WIDTHS = (1, 2, 4, 8)


def specs() -> list[str]:
    """Every registered scheme at those of the widths that it has, as it is without options."""
    return [
        f"{entry.name}:bits={bits}"
        for entry in registered()
        for bits in WIDTHS
        if bits in entry.bits()
    ]


def variants() -> list[str]:
    """The same, in every variant of its codebook."""
    return [spec for entry in registered() for spec in specs_of(entry.name, entry.load(), WIDTHS)]


def fitted(model: qnn.Module, x: np.ndarray) -> qnn.Module:
    """Run a batch in training mode, so that qparams and running statistics are set."""
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
