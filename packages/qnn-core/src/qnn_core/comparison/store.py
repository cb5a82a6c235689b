"""The folder of a comparison: what it is made of, and a file for each cell that has ended."""

import json
import os
import shutil
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import CompareError
from ..storage import write_whole
from .plan import Plan, differences
from .result import Result

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # the usual way to say that it is not there

FORMAT = "qnn comparison 1"
ABOUT = "study.json"
CELLS = "cells"
RUNNING = "running"


class Store:
    """A folder with study.json, cells/, and, while cells run, running/.

    Args:
        folder: it is made when it is first written to.
        kept: whether it stays; else it is for the time of a run.
    """

    def __init__(self, folder: str | Path, *, kept: bool = True) -> None:
        self.folder, self.kept = Path(folder), kept

    def check(self, plan: Plan) -> None:
        """Raise a CompareError if the folder holds anything but cells that go with the plan."""
        if self.folder.exists() and not self.folder.is_dir():
            raise CompareError(f"compare: store {self.folder} is a file, not a folder")
        if not (self.folder / ABOUT).exists():
            if self.folder.exists() and any(map(_is_foreign, self.folder.iterdir())):
                raise CompareError(
                    f"compare: store {self.folder} holds other files and no {ABOUT}: take an empty "
                    "folder, or a new one"
                )
            return
        if different := differences(self.plan().described(), plan.described()):
            raise CompareError(
                f"compare: store {self.folder} holds a study with another configuration: "
                f"{different}; take another folder, or delete this one to begin anew"
            )

    @contextmanager
    def locked(self) -> Generator[None]:
        """Keep other processes out, where the system can; a process that is killed lets go.

        Raises:
            CompareError: if another process is at work here, or the folder cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = None if fcntl is None else os.open(self.folder, os.O_RDONLY)
        except OSError as error:
            raise CompareError(f"store {self.folder} cannot be written to: {error}") from error
        try:
            if handle is not None:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError as error:
            raise CompareError(
                f"compare: another process is at work in store {self.folder}"
            ) from error
        finally:
            if handle is not None:
                os.close(handle)

    def begin(self, plan: Plan) -> None:
        """Enter a plan beside those that are there, and clear away what killed cells left.

        Raises:
            CompareError: if the folder cannot be written to.
        """
        if (self.folder / ABOUT).exists():
            plan = self.plan().joined(plan)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # First: a folder without it is somebody else's.
            self._write(plan, self.runs())
            shutil.rmtree(self.running, ignore_errors=True)
            for old in self.folder.glob("**/.*.partial"):
                old.unlink(missing_ok=True)
            for folder in (self.folder / CELLS, self.running):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise CompareError(f"store {self.folder} cannot be written to: {error}") from error

    def end(self, run: Mapping[str, Any]) -> None:
        """Enter what a run was: when, by which command, on what."""
        # Cells that were ended in their middle have left their notes.
        shutil.rmtree(self.running, ignore_errors=True)
        if run not in self.runs():
            # Only for the record: a full disk has its own error already.
            with suppress(OSError):
                self._write(self.plan(), [*self.runs(), dict(run)])

    def plan(self) -> Plan:
        """Return what the comparison is made of.

        Raises:
            CompareError: if there is none, or it cannot be read.
        """
        content = self._about()
        try:
            return Plan.from_json(content)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise CompareError(f"{self.folder / ABOUT} is damaged: {error!r}") from error

    def starts(self) -> dict[int, str]:
        """Return the digests of initial weights, by seed, as far as they are known."""
        return dict(self.plan().starts) if (self.folder / ABOUT).exists() else {}

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs that filled it."""
        runs: list[dict[str, Any]] = []
        if (self.folder / ABOUT).exists():
            runs = self._about().get("runs", [])
            if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
                raise CompareError(f"{self.folder / ABOUT} is damaged: runs are {runs!r}")
        return runs

    def results(self) -> Iterator[tuple[tuple[str, int], Result]]:
        """Yield arm, seed and result of all cells of its plan that have one."""
        plan = self.plan()
        for arm, seed in plan.cells():
            result = self.read(plan.key(arm, seed), arm.name, seed)
            if result is not None:
                yield (arm.name, seed), result

    def read(self, key: str, arm: str, seed: int) -> Result | None:
        """Return the result of a cell, or None if it has none.

        Raises:
            CompareError: if its file is damaged.
        """
        path = self._path(key)
        try:
            result = Result.from_json(json.loads(path.read_text("utf-8")))
            if (result.arm, result.seed) != (arm, seed):
                raise ValueError(f"it is of {result.arm}, seed {result.seed}")
            return result
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CompareError(
                f"{path} is damaged ({type(error).__name__}: {error}); delete it, and the cell is "
                "trained again"
            ) from error

    def write(self, key: str, result: Result) -> None:
        """Keep the result of a cell.

        Raises:
            CompareError: if it cannot be written.
        """
        try:
            _write(self._path(key), result.to_json())
        except OSError as error:
            raise CompareError(
                f"store {self.folder} cannot be written to: {error}; what is there is whole, and "
                "the same call goes on with it"
            ) from error

    @property
    def running(self) -> Path:
        """The folder where running cells say how far they are."""
        return self.folder.absolute() / RUNNING

    def _about(self) -> dict[str, Any]:
        path = self.folder / ABOUT
        try:
            content = json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise CompareError(f"{self.folder} holds no comparison: there is no {ABOUT}") from error
        except (OSError, ValueError) as error:
            raise CompareError(f"{path} cannot be read: {error}") from error
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise CompareError(f"{path} is no file of {FORMAT!r}")
        return content

    def _write(self, plan: Plan, runs: list[dict[str, Any]]) -> None:
        _write(self.folder / ABOUT, {"format": FORMAT, **plan.to_json(), "runs": runs})

    def _path(self, key: str) -> Path:
        return self.folder / CELLS / f"{key}.json"


def _is_foreign(path: Path) -> bool:
    """Whether a file or folder is none that a store begins with."""
    if path.is_dir() and path.name in (CELLS, RUNNING):
        return any(path.iterdir())
    return not path.match(f".{ABOUT}.*.partial")


def _write(path: Path, content: Any) -> None:
    write_whole(path, f"{json.dumps(content, indent=1, allow_nan=False)}\n".encode())
