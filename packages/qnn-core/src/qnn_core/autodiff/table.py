"""The table of operations by name, filled as they are declared.

It stands apart so that `Tensor`'s operators and the tape can call operations that are declared in
the layer above them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .op import Op

OPS: "dict[str, Op]" = {}

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
