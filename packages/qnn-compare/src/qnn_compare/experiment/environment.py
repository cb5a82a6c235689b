"""What numbers were measured with."""

import platform
from importlib.metadata import version
from typing import Any

import numpy as np
from qnn_core.machine import cpu
from qnn_core.machine.processor import cores, processor


def versions() -> dict[str, str]:
    """Return the versions of Python, NumPy and qnn-core."""
    numpy, core = np.__version__, version("qnn-core")
    return {"python": platform.python_version(), "numpy": numpy, "qnn-core": core}


def machine() -> dict[str, Any]:
    """Return system, processor, cores, and the kernel path that is active."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": cores(),
        "kernels": cpu.active(),
    }
