"""Arrays of other libraries: what they hold as an array of NumPy's, or why there is none.

No library is imported for it: an object is known by what it can do.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DeviceError, DtypeError, GraphError

# Devices of DLPack whose memory the processor reads: its own, and what is pinned for others.
READABLE = {1, 3, 11}
DEVICES = {2: "CUDA", 7: "Vulkan", 8: "Metal", 10: "ROCm", 13: "CUDA", 14: "oneAPI", 15: "WebGPU"}


def by_dlpack(data: Any, reason: BaseException | None = None) -> NDArray[Any]:
    """Return the memory of another library's tensor as an array, not a copy.

    Args:
        data: whatever has ``__dlpack__`` and ``__dlpack_device__``.
        reason: what NumPy said of it, if it was tried before.

    Raises:
        DeviceError: if it lies where the processor cannot read it.
        DtypeError: if it is no such thing, or NumPy has no numbers of its kind.
        GraphError: if it requires a gradient, which would be lost.
    """
    name = f"{type(data).__module__}.{type(data).__name__}"
    if getattr(data, "requires_grad", False) is True:
        raise GraphError(
            f"this {name} requires a gradient, which would be lost, since no gradient goes from "
            "one library to another: take .detach() of it"
        )
    device = _device(data)
    if device not in READABLE:
        where = DEVICES.get(device, f"device {device} of DLPack")
        raise DeviceError(
            f"this {name} is on {where}, and qnn_core computes on the processor: move it there "
            "first (PyTorch: x.cpu(), JAX: jax.device_get(x), CuPy: x.get())"
        )
    if reason is None or not isinstance(reason, TypeError | RuntimeError):
        try:
            return np.from_dlpack(data)
        except (TypeError, RuntimeError, BufferError, AttributeError) as error:
            reason = error
    raise DtypeError(f"no array can be made of this {name}: {reason}") from reason


def _device(data: Any) -> int:
    """Return the number of a device; that of the processor for what does not say."""
    try:
        device, _ = data.__dlpack_device__()
    except Exception:  # whatever another library raises where it has no number for its device
        return 1
    return int(device)
