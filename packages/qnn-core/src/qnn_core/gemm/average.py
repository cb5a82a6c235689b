"""Running averages, such as those of a batch's statistics."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import training as kernel
from ..machine import kernel_settings

Array = NDArray[Any]


def average(running: Array, batch: Array, keep: float, take: float) -> None:
    """Let a running average go on, in place: ``running = keep * running + take * batch``."""
    plain = running.dtype == batch.dtype == np.float32 and running.shape == batch.shape
    blocks = running.flags.c_contiguous and batch.flags.c_contiguous
    if plain and blocks and running.flags.writeable:
        kernel.average(*kernel_settings(), running, batch, keep, take)
        return
    running *= keep
    running += take * batch
