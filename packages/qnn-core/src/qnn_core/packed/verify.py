"""A packed graph beside the model that it was made from: the same bits, or an error."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import autodiff
from ..autodiff import GraphNode, trace
from ..errors import PackError
from .compare import where
from .fuse import unfused
from .graph import Graph
from .interpret import interpret
from .program import Program


def verify(graph: Graph, program: Program, traced: autodiff.Graph) -> None:
    """Run a graph, fused and not, and its program on the traced inputs; compare with the trace.

    Raises:
        PackError: if a code, a value or an output differs; it names the first layer that does.
    """
    inputs = [value.data for value in traced.inputs]
    runs = [interpret(unfused(graph), inputs), interpret(graph, inputs), program.run(inputs)]
    for run in runs:
        for node in traced.nodes:
            name = node.output.name
            ours, theirs = run.quantized.get(name), node.output.quantized
            if ours is not None and theirs is not None:
                _compare(node, "codes", ours.codes, theirs.codes)
            made = name in run.values or name in run.quantized
            if made and name not in graph.constants:
                _compare(node, "values", run.values[name], node.output.data)
        for number, (name, value) in enumerate(zip(graph.outputs, traced.outputs, strict=True)):
            if not np.array_equal(run.values[name], value.data, equal_nan=True):
                raise PackError(f"pack: output {number} ({name}) differs from the model's")


def verify_alone(program: Program, model: Callable[..., Any], traced: autodiff.Graph) -> None:
    """Compare the answer to the first sample alone with the model's, and with that in the batch.

    Raises:
        PackError: if they differ: Python decided something by the values or the size of the batch,
            or a sample's answer depends on the others.
    """
    first = tuple(value.data[:1] for value in traced.inputs)
    ours = program(first)
    theirs = trace(model, first).outputs
    for number, (mine, alone, batch) in enumerate(zip(ours, theirs, traced.outputs, strict=True)):
        if not np.array_equal(mine, alone.data, equal_nan=True):
            raise PackError(
                f"pack: output {number} for the first sample alone differs from the model's: the "
                "model decides something in Python, by the values or by the size of the batch"
            )
        # Not to the bit: matmul, which is NumPy's, rounds one row in another way than many.
        if not np.allclose(mine, batch.data[: len(mine)], rtol=1e-3, atol=1e-5, equal_nan=True):
            raise PackError(
                f"pack: output {number} for the first sample depends on the other samples of its "
                "batch; what is deployed must answer each by itself"
            )


def _compare(
    node: GraphNode, what: str, ours: NDArray[np.generic], theirs: NDArray[np.generic]
) -> None:
    if np.array_equal(ours, theirs, equal_nan=ours.dtype.kind == "f"):
        return
    if ours.shape != theirs.shape:
        raise PackError(f"pack: {where(node)} has shape {ours.shape}, in the model {theirs.shape}")
    wrong = np.argwhere(ours != theirs)
    at = tuple(int(i) for i in wrong[0])
    raise PackError(
        f"pack: the {what} of {where(node)} differ from the model's in {len(wrong)} of {ours.size} "
        f"elements; at {at} the packed model has {ours[at]}, the model {theirs[at]}"
    )
