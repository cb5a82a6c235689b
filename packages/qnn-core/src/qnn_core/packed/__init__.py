"""Packed models: a graph of integers and thresholds that needs neither the model nor plugins."""

from .graph import Graph, Input, Node
from .model import PackedModel, load, pack
from .table import PackedRow, PackedSummary

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
