"""Nets of ONNX become models of our layers."""

from .grid import IntegerGrid, SignGrid
from .translate import from_onnx

__all__ = ["IntegerGrid", "SignGrid", "from_onnx"]
