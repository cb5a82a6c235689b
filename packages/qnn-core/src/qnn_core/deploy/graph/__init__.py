"""The graph of a packed model: plain data, its operations, where it comes from, and its meaning."""

from .graph import Constant, Graph, Input, Node, Shape

__all__ = ["Constant", "Graph", "Input", "Node", "Shape"]
