"""What a machine is called, and how much of it there is for this process."""

import os
import platform
from pathlib import Path

CPU_FACTS = Path("/proc/cpuinfo")  # of Linux, where Python does not know the name


def processor() -> str:
    """Return the processor's name."""
    lines = CPU_FACTS.read_text(encoding="utf-8").splitlines() if CPU_FACTS.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def usable_cores() -> int:
    """Return how many cores this process may use, which may be fewer than there are."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
