"""The folder of a comparison: what it is made of, and a file for each cell that has ended."""

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import CompareError
from ..storage import write_whole
from .plan import Plan, differences
from .result import Result

FORMAT = "qnn comparison 1"
ABOUT = "study.json"
CELLS = "cells"
RUNNING = "running"


class Store:
    """A folder with study.json, cells/, and, while cells run, running/.

    Args:
        folder: it is made when it is first written to.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def check(self, plan: Plan) -> None:
        """Raise a CompareError if the folder holds anything but cells that go with the plan."""
        if self.folder.exists() and not self.folder.is_dir():
            raise CompareError(f"compare: store {self.folder} is a file, not a folder")
        if not (self.folder / ABOUT).exists():
            if self.folder.exists() and any(self.folder.iterdir()):
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

    def begin(self, plan: Plan) -> None:
        """Enter a plan beside those that are there, and clear away what killed cells left.

        Raises:
            CompareError: if the folder cannot be written to.
        """
        if (self.folder / ABOUT).exists():
            plan = self.plan().joined(plan)
        try:
            shutil.rmtree(self.running, ignore_errors=True)
            for folder in (self.folder / CELLS, self.running):
                folder.mkdir(parents=True, exist_ok=True)
            for old in self.folder.glob("**/.*.partial"):
                old.unlink(missing_ok=True)
            self._write(plan, self.runs())
        except OSError as error:
            raise CompareError(f"store {self.folder} cannot be written to: {error}") from error

    def end(self, run: Mapping[str, Any]) -> None:
        """Enter what a run was: when, by which command, on what."""
        # Cells that were ended in their middle have left their notes.
        shutil.rmtree(self.running, ignore_errors=True)
        self._write(self.plan(), [*self.runs(), dict(run)])

    def plan(self) -> Plan:
        """Return what the comparison is made of.

        Raises:
            CompareError: if there is none, or it cannot be read.
        """
        content = self._about()
        try:
            return Plan.from_json(content)
        except (KeyError, TypeError) as error:
            raise CompareError(f"{self.folder / ABOUT} is damaged: {error!r}") from error

    def runs(self) -> list[dict[str, Any]]:
        """Return the runs that filled it."""
        runs: list[dict[str, Any]] = []
        if (self.folder / ABOUT).exists():
            runs = self._about().get("runs", [])
        return runs

    def results(self) -> Iterator[tuple[tuple[str, int], Result]]:
        """Yield arm, seed and result of all cells of its plan that have one."""
        plan = self.plan()
        for arm, seed in plan.cells():
            result = self.read(plan.key(arm, seed))
            if result is not None:
                yield (arm.name, seed), result

    def read(self, key: str) -> Result | None:
        """Return the result of a cell, or None if it has none.

        Raises:
            CompareError: if its file is damaged.
        """
        path = self._path(key)
        try:
            return Result.from_json(json.loads(path.read_text("utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise CompareError(
                f"{path} is damaged ({type(error).__name__}: {error}); delete it, and the cell is "
                "trained again"
            ) from error

    def write(self, key: str, result: Result) -> None:
        """Keep the result of a cell."""
        _write(self._path(key), result.to_json())

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


def _write(path: Path, content: Any) -> None:
    write_whole(path, f"{json.dumps(content, indent=1, allow_nan=False)}\n".encode())
