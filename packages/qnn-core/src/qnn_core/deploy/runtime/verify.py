"""A packed graph beside the model that it was made from: the same bits, or an error."""

import numpy as np
from numpy.typing import NDArray

from ... import autodiff
from ...autodiff import GraphNode
from ...errors import PackError
from ..compile.fuse import unfused
from ..compile.program import Program
from ..graph import Graph
from ..graph.batch_axis import where
from ..graph.interpret import interpret


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
