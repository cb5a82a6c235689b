"""The table of operations by name, filled as they are declared.

It stands apart so that `Tensor`'s operators and the tape can call operations that are declared in
the layer above them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .op import Op

OPS: "dict[str, Op]" = {}
"""All operations by name, those of users too: filled as they are declared.

Example:
    >>> from qnn_core import ops
    >>> OPS["relu"] is ops.relu
    True
"""

# Names of those that every process has, and of those that came from another process.
BUILT_IN: set[str] = set()
RECEIVED: set[str] = set()
# What NumPy's functions are on tensors, and its ufuncs (``"add"``, ``"add.reduce"``). They return
# NotImplemented for arguments that no operation has.
FUNCTIONS: dict[Any, Callable[..., Any]] = {}
UFUNCS: dict[str, Callable[..., Any]] = {}

# Functions whose derivative is zero, or that have none: whatever they are given, none is lost.
CONSTANT = {
    f"np.{name}"
    for name in [
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "equal",
        "not_equal",
        "logical_and",
        "logical_or",
        "logical_xor",
        "logical_not",
        "isfinite",
        "isinf",
        "isnan",
        "signbit",
        "sign",
        "floor",
        "ceil",
        "rint",
        "trunc",
        "fix",
        "round",
        "around",
        "shape",
        "size",
        "ndim",
        "argmax",
        "argmin",
        "nanargmax",
        "nanargmin",
        "argsort",
        "lexsort",
        "argwhere",
        "nonzero",
        "flatnonzero",
        "count_nonzero",
        "searchsorted",
        "isin",
        "any",
        "all",
        "allclose",
        "isclose",
        "array_equal",
        "array_equiv",
        "isneginf",
        "isposinf",
        "isreal",
        "iscomplex",
        "isrealobj",
        "iscomplexobj",
        "zeros_like",
        "ones_like",
        "empty_like",
        "full_like",
        "result_type",
        "can_cast",
        "min_scalar_type",
        "common_type",
        "shares_memory",
        "may_share_memory",
        "array_repr",
        "array_str",
        "array2string",
        "save",
        "savez",
        "savez_compressed",
        "savetxt",
    ]
}
# Those that write to their first argument.
WRITING = {
    f"np.{name}"
    for name in [
        "copyto",
        "put",
        "place",
        "putmask",
        "fill_diagonal",
        "put_along_axis",
        "add.at",
        "subtract.at",
    ]
}

# What has the derivative of a function that there is no operation for.
INSTEAD = {
    f"np.{name}": instead
    for name, instead in {
        "log1p": "np.log(1 + x)",
        "expm1": "np.exp(x) - 1",
        "log2": "np.log(x) / np.log(2)",
        "log10": "np.log(x) / np.log(10)",
        "exp2": "2.0 ** x",
        "cbrt": "np.sign(x) * np.abs(x) ** (1 / 3)",
        "float_power": "x ** y",
        "tan": "np.sin(x) / np.cos(x)",
        "sinh": "(np.exp(x) - np.exp(-x)) / 2",
        "cosh": "(np.exp(x) + np.exp(-x)) / 2",
        "hypot": "np.sqrt(x * x + y * y)",
        "logaddexp": "x + qnn_core.ops.softplus(y - x)",
        "cumsum": "x @ np.triu(np.ones((n, n))) along the last axis",
        "prod": "x[..., 0] * x[..., 1] * ..., or np.exp(np.sum(np.log(x))) where all are above 0",
        "nansum": "np.sum(np.where(np.isnan(x), 0, x))",
        "nan_to_num": "np.where(np.isfinite(x), x, 0)",
        "convolve": "qnn_core.ops.conv2d",
        "correlate": "qnn_core.ops.conv2d",
        "array": "qnn_core.ops.stack",
        "block": "np.concatenate, axis by axis",
        "copy": "x itself: operations leave what they are given as it is",
        "copyto": "np.where",
        "put": "np.where",
        "place": "np.where",
        "putmask": "np.where",
        "fill_diagonal": "np.where",
        "linalg.inv": "no inverse: there is no operation of linear algebra but products and norms",
        "linalg.solve": "no solver: there is no operation of linear algebra but products and norms",
    }.items()
}
