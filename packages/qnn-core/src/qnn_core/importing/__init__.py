"""Nets of other frameworks, as models of our layers."""

from .onnx import from_onnx

__all__ = ["from_onnx"]
