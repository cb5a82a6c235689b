"""What the packed model gives, and the integers behind its outputs: the oracle of the C."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...gemm import Window, operand_of
from ...gemm.operand import channels_of
from ...gemm.reference import convolution_sums, sums
from ..compile.fuse import unfused
from ..graph import Graph, Node
from ..graph.interpret import Run, interpret
from ..graph.operations import window_of
from .host import Ran
from .plan import Output, Plan

Array = NDArray[Any]


def expected(graph: Graph, plan: Plan, inputs: Array, pixels: Array | None) -> Ran:
    """Return classes, sums and numbers of inputs as the C takes them, ``[n, elements]``.

    Args:
        graph: of the packed model.
        plan: its outputs.
        inputs: uint8 or float32.
        pixels: what each value of uint8 is in the model.
    """
    plain = unfused(graph)
    x = inputs.reshape(len(inputs), *graph.inputs[0].shape)
    if pixels is not None:
        x = pixels[x] if pixels.ndim == 1 else pixels[x, np.arange(x.shape[-1])]
    x = x.astype(np.float32)
    run = interpret(plain, [x])
    nodes = {node.output: node for node in plain.nodes}
    numbers = [run.values[output.name].reshape(len(x), -1) for output in plan.outputs]
    integers = [_integers(run, nodes, output, len(x)) for output in plan.outputs]
    first = run.values[plan.outputs[0].name]
    classes = None
    if first.ndim == 2:
        one = first.shape[1] == 1
        classes = (first[:, 0] > 0).astype(np.int64) if one else np.argmax(first, axis=1)
    known = [i for i in integers if i is not None]
    return Ran(
        classes,
        np.concatenate(known, axis=1) if len(known) == len(integers) else None,
        np.concatenate(numbers, axis=1),
    )


def _integers(run: Run, nodes: dict[str, Node], output: Output, count: int) -> Array | None:
    if output.origin:
        return _sums(run, nodes[output.origin]).reshape(count, -1)
    coded = run.quantized.get(output.name)
    if coded is not None and output.value.kind == "codes":
        return coded.codes.reshape(count, -1).astype(np.int64)
    return None


def _sums(run: Run, node: Node) -> Array:
    """Return the integer sums of a product, or of a mean of codes."""
    x = run.quantized[node.inputs[0]]
    operand = operand_of(x, None)
    if node.op == "integer_avg_pool2d":
        assert operand.integer_levels is not None
        window = Window(*(node.attributes[n] for n in ("kernel", "stride", "padding")))
        total: Array = window.patches(operand.integer_levels.centred[x.codes]).sum(axis=(3, 4))
        return total
    w = run.quantized[node.inputs[1]]
    w_operand = operand_of(w, 0)
    if node.op == "linear":
        rows = x.codes.reshape(-1, x.codes.shape[-1])
        return np.asarray(sums(rows, w.codes, operand, w_operand))
    groups = node.attributes["groups"]
    each, channels = len(w.codes) // groups, w.codes.shape[-1]
    made = [
        convolution_sums(
            x.codes[..., g * channels : (g + 1) * channels],
            w.codes[g * each : (g + 1) * each],
            operand,
            channels_of(w_operand, slice(g * each, (g + 1) * each)),
            window_of(node, w.codes.shape),
        )
        for g in range(groups)
    ]
    return np.concatenate(made, axis=-1)
