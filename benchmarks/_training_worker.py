"""The process in which one way is timed: it works when it is told, and sleeps in between.

Started with a task in JSON; answers, and takes orders, as lines of JSON. Needs of the interpreter
only NumPy and what is timed, so that it may be another one than that of the parent.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any, TextIO

import _training_memory as memory

Calls = dict[str, Callable[[], Any]]


def main() -> None:
    task = json.loads(sys.argv[1])
    if hasattr(os, "sched_setaffinity"):
        # Before anything is imported: pools of threads are as large as what is allowed now.
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: task["threads"]])
    answers = _own_stdout()
    try:
        serve(task, answers)
    except ImportError as error:
        _say(answers, missing=_one_line(error))
    except Exception as error:
        _say(answers, failed=f"{type(error).__name__}: {_one_line(error)}")


def serve(task: dict[str, Any], answers: TextIO) -> None:
    """Import and say so; build when told; then time what is asked for."""
    job = importlib.import_module(task["job"])
    imported = job.imports(task)
    _say(answers, imported=True)
    sys.stdin.readline()
    before = memory.resident()
    memory.restart_peak()
    calls, facts = job.build(task, imported)
    lengths = {name: _warm(call, task["slice"]) for name, call in calls.items()}
    facts["memory_build_mb"] = _difference(memory.peak(), before)
    memory.restart_peak()
    _say(answers, facts=facts)
    for _ in iter(sys.stdin.readline, ""):
        seconds = {name: _slice(call, lengths[name]) for name, call in calls.items()}
        _say(answers, seconds=seconds, memory_mb=_difference(memory.peak(), before))


def _warm(call: Callable[[], Any], seconds: float) -> int:
    """Run until the time is steady, and return how many calls fill a slice."""
    times = [_timed(call)]
    while sum(times) < (seconds if len(times) > 2 else 20 * seconds) and len(times) < 10_000:
        times.append(_timed(call))
    return max(1, min(10_000, round(seconds / median(times[len(times) // 2 :]))))


def _slice(call: Callable[[], Any], count: int) -> float:
    """Return the median time of some calls, after one that brings its data back into the cache."""
    if count > 1:
        call()
    return median(_timed(call) for _ in range(count))


def _timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _difference(now: float | None, before: float | None) -> float | None:
    return None if now is None or before is None else now - before


def _own_stdout() -> TextIO:
    """Return standard output for the answers alone; what libraries print goes to the errors."""
    sys.stdout.flush()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return answers


def _say(answers: TextIO, **what: Any) -> None:
    print(json.dumps(what), file=answers, flush=True)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


if __name__ == "__main__":
    main()
