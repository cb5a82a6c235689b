"""Resident memory of this process, and its peak since a moment; None where it is not Linux."""

from pathlib import Path

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident() -> float | None:
    """Return the memory in use now, in MB."""
    return _field("VmRSS")


def peak() -> float | None:
    """Return the most that was in use since `restart_peak`, in MB."""
    return _field("VmHWM")


def restart_peak() -> None:
    """Let the peak begin anew at what is in use now."""
    if CLEAR.exists():
        CLEAR.write_text("5")


def _field(name: str) -> float | None:
    if not STATUS.exists():
        return None
    for line in STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1]) * 1024 / 1e6
    return None
