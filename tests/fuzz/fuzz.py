"""Try to make a reader of files crash, hang, eat memory, or believe what is not so.

    python tests/fuzz/fuzz.py packed --tries 1000000 --seed 0
    python tests/fuzz/fuzz.py idx --only 4711            one try again, in this process
    python tests/fuzz/fuzz.py --list

A try is a file made of an honest one by some changes, which depend on the seed and the number of
the try alone. Tries are made one after the other in forked processes, each within two seconds of
processor time. The exit status is 1 if anything was found.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

# A thread pool would not survive the fork, and one core is what a try is measured on.
for _name in ("OPENBLAS", "OMP", "MKL", "QNN"):
    os.environ.setdefault(f"{_name}_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).parent))

from runner import attempt, case_of, lines, run  # noqa: E402 (threads are set before NumPy loads)
from targets import TARGETS  # noqa: E402 (as above)


def main(arguments: list[str] | None = None) -> int:
    """Fuzz one format, and print what was found."""
    parser = argparse.ArgumentParser(description="Fuzz a reader of files.")
    parser.add_argument("format", nargs="?", choices=sorted(TARGETS))
    parser.add_argument("--tries", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number of the first try")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=1e9, help="stop after so long")
    parser.add_argument("--only", type=int, help="make this try alone, in this process")
    parser.add_argument("--findings", type=Path, help="folder for the first file of each finding")
    parser.add_argument("--list", action="store_true", help="the formats")
    given = parser.parse_args(arguments)
    if given.list or given.format is None:
        for name, made in sorted(TARGETS.items()):
            print(f"{name:12}{(made.__doc__ or '').splitlines()[0]}")
        return 0
    with tempfile.TemporaryDirectory(dir=_memory()) as folder:
        target = TARGETS[given.format](Path(folder))
        if given.only is not None:
            case = case_of(target, given.seed, given.only)
            print(case.place, repr(case.content[:2000]))
            print(attempt(target, case, given.only))
            return 0
        outcome = run(target, given.tries, given.seed, first=given.first, seconds=given.seconds)
        for line in lines(target, outcome):
            print(line)
        if given.findings is not None:
            given.findings.mkdir(parents=True, exist_ok=True)
            for found in outcome.first.values():
                name = f"{target.name}-{given.seed}-{found.number}-{found.kind}"
                content = case_of(target, given.seed, found.number).content
                (given.findings / name).write_bytes(content)
    return 1 if outcome.counts else 0


def _memory() -> str | None:
    """Return a folder that is not on a disk, where there is one."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


if __name__ == "__main__":
    sys.exit(main())
