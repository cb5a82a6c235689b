"""What the numbers of a report were measured with."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

CPU_FACTS = Path("/proc/cpuinfo")  # of Linux


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
        "processor": platform.processor() or _processor(),
        "cores": os.cpu_count(),
    }


def _processor() -> str:
    """Return the processor's name where Python does not know it."""
    try:
        lines = CPU_FACTS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if "model name" in line), "")
