"""Tensors of the memory of other libraries' tensors, by DLPack."""

from typing import Any

from ..errors import DtypeError
from .outside import by_dlpack
from .tensor import FLOATS, Tensor, tensor_of


def from_dlpack(data: Any) -> Tensor:
    """Return a tensor that has the memory of another library's tensor, and its dtype.

    The other way go ``torch.from_dlpack(tensor)``, ``np.from_dlpack(tensor)`` and their like. Both
    see what either writes; `backward` notices if that was read before. `qnn_core.Tensor` takes
    such objects too, of any real numbers, and copies those that are not float32.

    Args:
        data: whatever has ``__dlpack__`` and ``__dlpack_device__``.

    Raises:
        DeviceError: if it is not on the processor.
        DtypeError: if it is not float32 or float64, or no such object.
        GraphError: if it requires a gradient, which would be lost.

    Example:
        >>> import numpy as np
        >>> array = np.float32([1, 2])
        >>> x = from_dlpack(array)
        >>> array[0] = 5
        >>> x
        Tensor([5., 2.])
    """
    if not hasattr(data, "__dlpack__"):
        raise DtypeError(
            f"from_dlpack: a {type(data).__name__} has no __dlpack__; qnn_core.Tensor "
            "takes numbers and lists"
        )
    array = by_dlpack(data)
    if array.dtype not in FLOATS:
        raise DtypeError(
            f"from_dlpack: a tensor is float32 or float64, not {array.dtype}; qnn_core.Tensor "
            "converts other numbers"
        )
    tensor = tensor_of(array)
    tensor.data  # noqa: B018 (which takes note that its owner writes to it when it likes)
    return tensor
