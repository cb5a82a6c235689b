"""The parent's side: workers that take turns, so that a noisy moment is noisy to all."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Any

Task = dict[str, Any]

# Pools of threads spin for a while before they sleep; the next worker's turn begins after that.
SETTLE = 0.06
PATIENCE = 600.0
WORKER = Path(__file__).with_name("_training_worker.py")


class Gone(Exception):
    """A worker that cannot go on; the message says why."""


def race(
    tasks: Mapping[str, Task],
    rounds: int,
    pythons: Mapping[str, str],
    env: Mapping[str, Mapping[str, str]],
) -> dict[str, dict[str, Any]]:
    """Run the tasks in turns and return a record for each.

    A record has medians over the rounds, in seconds, or says why there are none: ``missing``, and
    whether it got beyond its imports: ``importable``.
    """
    records: dict[str, dict[str, Any]] = {}
    workers: dict[str, Worker] = {}
    try:
        for name, task in tasks.items():
            python = pythons.get(name, sys.executable)
            workers[name] = Worker(python, task, env.get(name, {}))
        for order in ("imported", "facts", *["seconds"] * rounds):
            for name, worker in list(workers.items()):
                try:
                    worker.turn(order)
                except Gone as error:
                    records[name] = {"missing": str(error), "importable": order != "imported"}
                    workers.pop(name).close()
        records.update({name: worker.record() for name, worker in workers.items()})
    finally:
        for worker in workers.values():
            worker.close()
    return records


class Worker:
    """A process that times one task."""

    def __init__(self, python: str, task: Task, env: Mapping[str, str]) -> None:
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in close
        self._process = subprocess.Popen(
            [python, str(WORKER), json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment(task["threads"], env),
        )
        self._answers: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        self._facts: dict[str, Any] = {}
        self._rounds: list[dict[str, float]] = []
        self._memory: float | None = None
        self._asleep = (0.0, 0.0)
        self._since: tuple[float, float] | None = None

    def turn(self, order: str) -> None:
        """Let it work until it answers; the first answer, `imported`, comes by itself."""
        self._wake()
        if order != "imported":
            self._order()
        answer = self._answer()
        if order == "facts":
            self._facts = answer["facts"]
        if order == "seconds":
            self._rounds.append(answer["seconds"])
            self._memory = answer["memory_mb"]
        time.sleep(SETTLE)
        self._since = None if order == "imported" else self._clocks()

    def record(self) -> dict[str, Any]:
        """Return the medians, and how busy it was while others worked (1 is a whole core)."""
        self._wake()
        names = self._rounds[0]
        wall, busy = self._asleep
        return {
            "seconds": {name: median(r[name] for r in self._rounds) for name in names},
            "rounds": {name: [r[name] for r in self._rounds] for name in names},
            "memory_mb": self._memory,
            "busy_when_idle": busy / wall if wall else None,
            **self._facts,
        }

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream is not None:
                stream.close()

    def _order(self) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("go\n")
            self._process.stdin.flush()
        except OSError:
            pass  # It has ended; its last answer says why.

    def _answer(self) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=PATIENCE)
        except queue.Empty:
            raise Gone(f"no answer within {PATIENCE:.0f} s") from None
        answer: dict[str, Any] = json.loads(line) if line else {"failed": self._last_words()}
        if "missing" in answer:
            raise Gone(answer["missing"])
        if "failed" in answer:
            raise Gone(f"failed: {answer['failed']}")
        return answer

    def _listen(self) -> None:
        assert self._process.stdout is not None
        try:
            for line in self._process.stdout:
                self._answers.put(line)
        except ValueError:
            return  # closed
        self._answers.put("")

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().strip().splitlines()
        return lines[-1][:300] if lines else f"ended with status {self._process.wait()}"

    def _wake(self) -> None:
        """Count what it did since its last turn, when it should have slept."""
        if self._since is not None and (now := self._clocks()) is not None:
            wall, busy = (b - a for a, b in zip(self._since, now, strict=True))
            self._asleep = (self._asleep[0] + wall, self._asleep[1] + busy)
        self._since = None

    def _clocks(self) -> tuple[float, float] | None:
        """Return wall and processor time of the process, where the system tells."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text()
        except OSError:
            return None
        user, system = stat.rpartition(")")[2].split()[11:13]
        return time.monotonic(), (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def environment(threads: int, more: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that set the number of threads, over those that there are."""
    pools = ("OMP", "MKL", "OPENBLAS", "QNN", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    counts = {f"{name}_{'THREADS' if 'TF' in name else 'NUM_THREADS'}": threads for name in pools}
    eigen = "true" if threads > 1 else "false"
    return {
        **os.environ,
        **{name: str(count) for name, count in counts.items()},
        "NPROC": str(threads),
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={eigen}",
        # Only processors, and no advice on the screen.
        "CUDA_VISIBLE_DEVICES": "",
        "JAX_PLATFORMS": "cpu",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **more,
    }
