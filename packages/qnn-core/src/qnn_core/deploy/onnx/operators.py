"""What each operation of a packed graph is in ONNX, in numbers: products and codes aside."""

from collections.abc import Mapping
from dataclasses import dataclass

from .elementwise import batch_norm, clip, matmul, normalize, pointwise, softmax
from .emission import Emit
from .moving import broadcast_to, concatenate, getitem, pad2d, reshape, transpose
from .pooling import max_pool2d, mean_in_order
from .reducing import reduction, variance


@dataclass(frozen=True)
class Writer:
    """How an operation is written.

    Attributes:
        emit: writes it.
        exact: whether it gives the bits that ours gives, wherever it runs.
    """

    emit: Emit
    exact: bool = True


def _rounded(emit: Emit) -> Writer:
    return Writer(emit, exact=False)


def _function(type: str) -> Writer:
    return Writer(pointwise(type, exact=False), exact=False)


WRITERS: Mapping[str, Writer] = {
    "absolute": Writer(pointwise("Abs")),
    "add": Writer(pointwise("Add")),
    "avg_pool2d": Writer(mean_in_order),
    "batch_norm": Writer(batch_norm),
    "broadcast_to": Writer(broadcast_to),
    "clip": Writer(clip),
    "concatenate": Writer(concatenate),
    "cos": _function("Cos"),
    "divide": Writer(pointwise("Div")),
    "exp": _function("Exp"),
    "getitem": Writer(getitem),
    "log": _function("Log"),
    "log_softmax": _rounded(softmax("LogSoftmax")),
    "matmul": _rounded(matmul),
    "max": Writer(reduction("ReduceMax", exact=True)),
    "max_pool2d": Writer(max_pool2d),
    "mean": _rounded(reduction("ReduceMean")),
    "min": Writer(reduction("ReduceMin", exact=True)),
    "multiply": Writer(pointwise("Mul")),
    "negative": Writer(pointwise("Neg")),
    "normalize": Writer(normalize(1)),
    "normalize_channels": Writer(normalize(-1)),
    "pad2d": Writer(pad2d),
    "power": _function("Pow"),
    "relu": Writer(pointwise("Relu")),
    "reshape": Writer(reshape),
    "sigmoid": _function("Sigmoid"),
    "sin": _function("Sin"),
    "softmax": _rounded(softmax("Softmax")),
    "sqrt": Writer(pointwise("Sqrt")),
    "subtract": Writer(pointwise("Sub")),
    "sum": _rounded(reduction("ReduceSum")),
    "tanh": _function("Tanh"),
    "transpose": Writer(transpose),
    "variance": _rounded(variance),
}
