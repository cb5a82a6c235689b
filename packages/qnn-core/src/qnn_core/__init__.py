"""QNN: low-bit neural networks that are easy to compare.

``import qnn_core as qnn`` gives the names of this module; `ops`, `nn`, `optim` and `testing` hold
the operations, layers, optimizers and checks, `errors` the errors.
"""

from importlib import import_module
from importlib.metadata import version as _version
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import errors, nn, ops, optim
from .analysis import (
    Allocation,
    Anatomy,
    WeightHistory,
    allocate,
    anatomy,
    apply_rules,
    as_builder,
    calibrate,
    correct_biases,
    draw,
    learn_bits,
    quantize,
    show,
    skipped,
    summary,
    to_dot,
    warm_start,
)
from .autodiff import Buffer, Parameter, Tensor, from_dlpack, grad, no_grad, trace
from .deploy import PackedModel, pack, page
from .deploy.any_file import load, save
from .errors import ConversionError, ConversionWarning, ExportWarning, QnnError, TrainingWarning
from .extensions import added_name
from .machine import get_num_threads, set_num_threads
from .machine import limited_threads as threads
from .nn import (
    DSCNN,
    MLP,
    Autoencoder,
    AvgPool1d,
    AvgPool2d,
    BatchNorm,
    Conv1d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    HardTanh,
    LeNet,
    Linear,
    MaxPool1d,
    MaxPool2d,
    Module,
    QuantConv1d,
    QuantConv2d,
    QuantLinear,
    ReLU,
    Reshape,
    ResNet,
    Sequential,
    VGGSmall,
    load_state,
    save_state,
)
from .program import Compiled, compiled
from .qtensor import PackedTensor, encode, pack_bits, unpack_bits
from .quantizer import QParams, Quantizer
from .quantizer.former_names import renamed
from .registry import get_quantizer, schemes
from .torch_names import OF_QNN as _TORCH_NAMES
from .torch_names import missing as _missing
from .training import Distillation, History, Metric, evaluate, fit

if TYPE_CHECKING:
    from . import testing
    from .importing import from_onnx, from_torch, load_torch_state

    Comparison: Any
    compare: Any

__version__ = _version("qnn-core")

__all__ = [
    "DSCNN",
    "MLP",
    "Allocation",
    "Anatomy",
    "Autoencoder",
    "AvgPool1d",
    "AvgPool2d",
    "BatchNorm",
    "Buffer",
    "Comparison",
    "Compiled",
    "Conv1d",
    "Conv2d",
    "ConversionError",
    "ConversionWarning",
    "Distillation",
    "Dropout",
    "ExportWarning",
    "Flatten",
    "GlobalAvgPool1d",
    "GlobalAvgPool2d",
    "HardTanh",
    "History",
    "LeNet",
    "Linear",
    "MaxPool1d",
    "MaxPool2d",
    "Metric",
    "Module",
    "PackedModel",
    "PackedTensor",
    "Parameter",
    "QParams",
    "QnnError",
    "QuantConv1d",
    "QuantConv2d",
    "QuantLinear",
    "Quantizer",
    "ReLU",
    "ResNet",
    "Reshape",
    "Sequential",
    "Tensor",
    "TrainingWarning",
    "VGGSmall",
    "WeightHistory",
    "__version__",
    "allocate",
    "anatomy",
    "apply_rules",
    "as_builder",
    "calibrate",
    "compare",
    "compiled",
    "correct_biases",
    "draw",
    "encode",
    "errors",
    "evaluate",
    "fit",
    "from_dlpack",
    "from_onnx",
    "from_torch",
    "get_num_threads",
    "get_quantizer",
    "grad",
    "learn_bits",
    "load",
    "load_state",
    "load_torch_state",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "pack",
    "pack_bits",
    "page",
    "quantize",
    "save",
    "save_state",
    "schemes",
    "set_num_threads",
    "show",
    "skipped",
    "summary",
    "testing",
    "threads",
    "to_dot",
    "trace",
    "unpack_bits",
    "warm_start",
]


# Of another distribution, which may be missing: qnn-core imports none that builds on it.
if find_spec("qnn_compare") is None:
    __all__.remove("Comparison")
    __all__.remove("compare")


# Of rooms that most programs do without, and that take long to import.
_LATER = ("from_onnx", "from_torch", "load_torch_state")


def __dir__() -> list[str]:
    own = {name for name, value in globals().items() if isinstance(value, ModuleType)}
    return sorted({*__all__, *own, *(name for name in globals() if name.startswith("__"))})


def __getattr__(name: str) -> Any:
    if name in ("Comparison", "compare"):
        return added_name(name)
    if name in ("importing", "testing"):  # which many programs do without
        return import_module(f".{name}", __name__)
    if name in _LATER:
        return getattr(import_module(".importing", __name__), name)
    if name in _TORCH_NAMES:
        _missing(f"module {__name__!r}", name, _TORCH_NAMES)
    return renamed(__name__, name, {"Coded": "PackedTensor", "Frame": "QParams"})
