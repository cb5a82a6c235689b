"""Packed models as files of ONNX: the same integers for onnxruntime, and forms for other tools."""

from .emission import listed
from .export import Exported, export
from .forms import FORMS, Form
from .transform import Function, Raw
from .translate import translate

__all__ = ["FORMS", "Exported", "Form", "Function", "Raw", "export", "listed", "translate"]
