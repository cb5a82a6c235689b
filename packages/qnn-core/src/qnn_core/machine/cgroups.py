"""The CPU quota of the control groups that a process is in: what a container is limited by.

See cgroups(7), and "CPU bandwidth control" of the kernel's documentation.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple


class _Mount(NamedTuple):
    """Where a hierarchy of control groups is, and which part of it can be seen there."""

    folder: Path
    root: PurePosixPath
    kind: str
    options: list[str]


def cpu_quota(root: Path = Path("/")) -> float | None:
    """Return how many cores' time the control groups of this process allow, None for no limit.

    The least of all groups from its own to the root counts, of both versions of control groups.

    Args:
        root: what ``proc`` and ``sys`` are looked for in.
    """
    mounts = list(_mounts(root))
    quotas = [
        quota
        for line in _lines(root / "proc/self/cgroup")
        for folder in _folders(line, mounts)
        if (quota := _quota_of(folder)) is not None
    ]
    return min(quotas, default=None)


def _mounts(root: Path) -> Iterator[_Mount]:
    """Yield the hierarchies: ``ID PARENT DEV ROOT FOLDER OPTIONS ... - KIND FROM MORE``, each."""
    for line in _lines(root / "proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        place, kind = before.split(" "), after.split(" ")
        if len(place) < 6 or len(kind) < 3 or kind[0] not in {"cgroup", "cgroup2"}:
            continue
        seen, folder = (re.sub(r"\\([0-7]{3})", _character, path) for path in place[3:5])
        options = kind[2].split(",")
        yield _Mount(root / folder.lstrip("/"), PurePosixPath(seen), kind[0], options)


def _character(octal: re.Match[str]) -> str:
    return chr(int(octal[1], 8))


def _folders(line: str, mounts: list[_Mount]) -> Iterator[Path]:
    """Yield the folders of a group and of those around it: ``NUMBER:CONTROLLERS:PATH``."""
    _, controllers, path = (*line.split(":", 2), "", "")[:3]
    for mount in mounts:
        second = not controllers and mount.kind == "cgroup2"
        first = "cpu" in controllers.split(",") and mount.kind == "cgroup"
        if not second and not (first and "cpu" in mount.options):
            continue
        group = PurePosixPath(path)
        # In a container the path may be the host's, of which only the end, or nothing, is seen.
        inside = group.relative_to(mount.root) if group.is_relative_to(mount.root) else ""
        folder = mount.folder / inside
        if ".." in folder.parts:  # a group outside of what can be seen
            folder = mount.folder
        yield folder
        while folder != mount.folder:
            folder = folder.parent
            yield folder


def _quota_of(folder: Path) -> float | None:
    """Return quota / period of a group, in cores; None if it has none, or says nothing."""
    words = " ".join(_lines(folder / "cpu.max")).split() or [
        *_lines(folder / "cpu.cfs_quota_us"),
        *_lines(folder / "cpu.cfs_period_us"),
    ]
    try:
        quota, period = (int(word) for word in words)
    except ValueError:  # "max", or no such files
        return None
    return quota / period if quota > 0 and period > 0 else None


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # not on this system, or not for this user
        return []
