"""Nets of other frameworks, as models of our layers."""

from .onnx import from_onnx
from .state import load_torch_state
from .torch import from_torch

__all__ = ["from_onnx", "from_torch", "load_torch_state"]
