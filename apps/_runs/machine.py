"""What the numbers of a report were measured with."""

import os
import platform
from importlib.metadata import version
from typing import Any

import numpy as np
from qnn_core.machine.processor import processor


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python, NumPy, our packages, and `packages`."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        **{name: version(name) for name in ("qnn-core", "qnn-data", *packages)},
    }


def platform_facts() -> dict[str, Any]:
    """Return system and processor."""
    return {
        "system": platform.system(),
        "machine": platform.machine(),
        "processor": processor(),
        "cores": os.cpu_count(),
    }
