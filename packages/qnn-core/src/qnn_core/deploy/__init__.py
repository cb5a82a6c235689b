"""Packed models: a graph of integers and thresholds that needs neither the model nor plugins."""

from .graph import Graph, Input, Node
from .runtime import PackedModel, PackedRow, PackedSummary, load, pack

__all__ = [
    "Graph",
    "Input",
    "Node",
    "PackedModel",
    "PackedRow",
    "PackedSummary",
    "load",
    "pack",
]
