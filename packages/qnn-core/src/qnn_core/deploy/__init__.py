"""Packed models: a graph of integers and thresholds that needs neither the model nor plugins."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .browser import Page
from .graph import Graph, Input, Node
from .runtime import PackedModel, PackedRow, PackedSummary, load, pack, page

if TYPE_CHECKING:
    from .onnx import Exported

__all__ = [
    "Exported",
    "Graph",
    "Input",
    "Node",
    "PackedModel",
    "PackedRow",
    "PackedSummary",
    "Page",
    "load",
    "pack",
    "page",
]


def __getattr__(name: str) -> Any:
    # Imported on first use: they are half of all that importing this room takes.
    if name in ("c", "onnx"):
        return import_module(f".{name}", __name__)
    if name == "Exported":
        return import_module(".onnx", __name__).Exported
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
