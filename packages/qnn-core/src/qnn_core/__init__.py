"""QNN: low-bit neural networks that are easy to compare.

``import qnn_core as qnn`` gives the names of this module; `ops`, `nn`, `optim` and `testing` hold
the operations, layers, optimizers and checks.
"""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

from . import nn, ops, optim
from .autodiff import Buffer, Parameter, Tensor, grad, no_grad, trace
from .coded import Coded, encode, pack_bits, unpack_bits
from .drawing import draw, to_dot
from .error_anatomy import Anatomy, anatomy
from .errors import QnnError, TrainingWarning
from .mixed_precision import Allocation, allocate
from .model_summary import summary
from .nn import (
    MLP,
    AvgPool2d,
    BatchNorm,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool2d,
    HardTanh,
    LeNet,
    Linear,
    MaxPool2d,
    Module,
    QuantConv2d,
    QuantLinear,
    ReLU,
    Reshape,
    ResNet,
    Sequential,
)
from .packed import PackedModel, load, pack
from .post_training import quantize
from .products import get_num_threads, set_num_threads
from .quantizer import Frame, Quantizer
from .registry import get_quantizer, schemes
from .training import History, Metric, evaluate, fit

if TYPE_CHECKING:
    from .comparison import Comparison, compare

__version__ = _version("qnn-core")

__all__ = [
    "MLP",
    "Allocation",
    "Anatomy",
    "AvgPool2d",
    "BatchNorm",
    "Buffer",
    "Coded",
    "Comparison",
    "Conv2d",
    "Dropout",
    "Flatten",
    "Frame",
    "GlobalAvgPool2d",
    "HardTanh",
    "History",
    "LeNet",
    "Linear",
    "MaxPool2d",
    "Metric",
    "Module",
    "PackedModel",
    "Parameter",
    "QnnError",
    "QuantConv2d",
    "QuantLinear",
    "Quantizer",
    "ReLU",
    "ResNet",
    "Reshape",
    "Sequential",
    "Tensor",
    "TrainingWarning",
    "__version__",
    "allocate",
    "anatomy",
    "compare",
    "draw",
    "encode",
    "evaluate",
    "fit",
    "get_num_threads",
    "get_quantizer",
    "grad",
    "load",
    "nn",
    "no_grad",
    "ops",
    "optim",
    "pack",
    "pack_bits",
    "quantize",
    "schemes",
    "set_num_threads",
    "summary",
    "to_dot",
    "trace",
    "unpack_bits",
]


def __getattr__(name: str) -> Any:
    # Not at the top: statistics and figures take a second to import, and are an extra.
    if name not in ("Comparison", "compare"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        from . import comparison  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"qnn.{name} needs {error.name}: pip install 'qnn-core[compare]'", name=error.name
        ) from error
    return getattr(comparison, name)
