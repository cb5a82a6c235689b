"""How many cores a process may use, from control groups of both versions as they are in /proc."""

from pathlib import Path

import pytest
from qnn_core.machine import processor
from qnn_core.machine.cgroups import cpu_quota

V2 = "30 23 0:26 {root} /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"
V1 = "32 31 0:29 {root} /sys/fs/cgroup/cpu,cpuacct rw,relatime - cgroup cgroup rw,cpu,cpuacct"
OTHERS = (
    "22 27 0:20 / /sys rw - sysfs sysfs rw\n"
    "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def made(root: Path, group: str, mounts: str, files: dict[str, str]) -> Path:
    """Write a made-up /proc/self and /sys/fs/cgroup."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(group)
    (root / "proc/self/mountinfo").write_text(OTHERS + mounts + "\n")
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


CASES = {
    "version 2 in a container": ("0::/\n", V2, "/", {"cpu.max": "150000 100000\n"}, 1.5),
    "version 2 without a limit": ("0::/\n", V2, "/", {"cpu.max": "max 100000\n"}, None),
    "version 2, a group without the controller": ("0::/a.slice/b.scope\n", V2, "/", {}, None),
    "version 2, the least of all around": (
        "0::/a.slice/b.scope\n",
        V2,
        "/",
        {"a.slice/cpu.max": "50000 100000\n", "a.slice/b.scope/cpu.max": "300000 100000\n"},
        0.5,
    ),
    "version 2, the host's path": (
        "0::/docker/1ea7\n",
        V2,
        "/docker/1ea7",
        {"cpu.max": "400000 100000\n"},
        4.0,
    ),
    "version 2, a path outside of what is seen": (
        "0::/../other\n",
        V2,
        "/",
        {"cpu.max": "200000 100000\n"},
        2.0,
    ),
    "version 1 in a container": (
        "5:memory:/\n4:cpu,cpuacct:/docker/1ea7\n",
        V1,
        "/docker/1ea7",
        {"cpu,cpuacct/cpu.cfs_quota_us": "250000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
        2.5,
    ),
    "version 1, a group of a group": (
        "4:cpu,cpuacct:/a/b\n",
        V1,
        "/",
        {
            "cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
            "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            "cpu,cpuacct/a/b/cpu.cfs_quota_us": "10000\n",
            "cpu,cpuacct/a/b/cpu.cfs_period_us": "100000\n",
        },
        0.1,
    ),
    "version 1 without a limit": (
        "4:cpu,cpuacct:/\n",
        V1,
        "/",
        {"cpu,cpuacct/cpu.cfs_quota_us": "-1\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
        None,
    ),
    "version 1 limits memory only": (
        "5:memory:/a\n",
        V1,
        "/",
        {"cpu,cpuacct/cpu.cfs_quota_us": "10000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"},
        None,
    ),
    "both versions": (
        "4:cpu,cpuacct:/\n0::/\n",
        V1 + "\n31 23 0:27 {root} /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
        "/",
        {"cpu,cpuacct/cpu.cfs_quota_us": "300000", "cpu,cpuacct/cpu.cfs_period_us": "100000"},
        3.0,
    ),
    "a period of zero": ("0::/\n", V2, "/", {"cpu.max": "100000 0\n"}, None),
    "nonsense": ("0::/\nnonsense\n::\n", V2 + "\nnonsense", "/", {"cpu.max": "much\n"}, None),
    "an empty file": ("0::/\n", V2, "/", {"cpu.max": ""}, None),
}


@pytest.mark.parametrize("name", CASES)
def test_quota(name: str, tmp_path: Path) -> None:
    group, mounts, root, files, expected = CASES[name]
    assert cpu_quota(made(tmp_path, group, mounts.format(root=root), files)) == expected


def test_a_mount_with_a_blank_in_its_path(tmp_path: Path) -> None:
    mount = V2.format(root="/").replace("/sys/fs/cgroup", r"/sys/fs/cgroup/a\040b")
    files = {"a b/cpu.max": "700000 100000"}
    assert cpu_quota(made(tmp_path, "0::/", mount, files)) == 7


def test_without_proc(tmp_path: Path) -> None:
    assert cpu_quota(tmp_path) is None


@pytest.mark.parametrize(
    ("quota", "expected"), [(None, 8), (0.1, 1), (1.0, 1), (1.5, 2), (7.99, 8), (64.0, 8)]
)
def test_cores_are_rounded_up_and_no_more_than_there_are(
    quota: float | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A container with a quota cannot be had in a test: only the two numbers are given.
    monkeypatch.setattr(processor, "cpu_quota", lambda: quota)
    monkeypatch.setattr(processor, "_affinity", lambda: 8)
    assert processor.usable_cores() == expected
