"""The processor: what it is called, and how many of its cores this process may use."""

import math
import os
import platform
from pathlib import Path

from .cgroups import cpu_quota

CPU_FACTS = Path("/proc/cpuinfo")  # of Linux, where Python does not know the name


def processor() -> str:
    """Return the processor's name."""
    lines = CPU_FACTS.read_text(encoding="utf-8").splitlines() if CPU_FACTS.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def cores() -> int:
    """Return the number of cores of this machine."""
    return os.cpu_count() or 1


def usable_cores() -> int:
    """Return how many cores this process may use, which may be fewer than there are.

    No more than its affinity names, and than the CPU quota of its control groups pays for, rounded
    up: a container may have a tenth of the machine's time on all of its cores.
    """
    quota = cpu_quota()
    return _affinity() if quota is None else max(1, min(_affinity(), math.ceil(quota)))


def _affinity() -> int:
    if hasattr(os, "process_cpu_count"):  # from Python 3.13 on; PYTHON_CPU_COUNT can name it
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):  # not on macOS and Windows
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
