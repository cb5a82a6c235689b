"""Elementwise nodes as links of the engine: an operation with a constant for each column."""

from collections.abc import Mapping

import numpy as np

from ...autodiff.packed import Link
from ...gemm.layouts import per_column
from ..graph import Constant, Node
from ..graph.columnwise import columnwise


def links_of(
    node: Node, columns: int, axes: int, constants: Mapping[str, Constant]
) -> list[Link] | None:
    """Return a node as links, their constants padded; None if it is none: see `columnwise`."""
    found = columnwise(node, columns, axes, constants)
    if found is None:
        return None
    return [
        (name, None if values is None else per_column(values, columns, np.float32))
        for name, values in found.links
    ]
