"""What numbers were measured with."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ..machine import cpu

CPU_FACTS = Path("/proc/cpuinfo")  # of Linux


def versions() -> dict[str, str]:
    """Return the versions of Python, NumPy and qnn-core."""
    numpy, core = np.__version__, version("qnn-core")
    return {"python": platform.python_version(), "numpy": numpy, "qnn-core": core}


def machine() -> dict[str, Any]:
    """Return system, processor, cores, and the kernel path that is active."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": platform.processor() or _processor(),
        "cores": os.cpu_count(),
        "kernels": cpu.active(),
    }


def _processor() -> str:
    """Return the processor's name where Python does not know it."""
    try:
        lines = CPU_FACTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
