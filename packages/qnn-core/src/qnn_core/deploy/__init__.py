"""Packed models: a graph of integers and thresholds that needs neither the model nor plugins."""

from .graph import Graph, Input, Node
from .onnx import Exported
from .runtime import PackedModel, PackedRow, PackedSummary, load, pack

__all__ = [
    "Exported",
    "Graph",
    "Input",
    "Node",
    "PackedModel",
    "PackedRow",
    "PackedSummary",
    "load",
    "pack",
]
