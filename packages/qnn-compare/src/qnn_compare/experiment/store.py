"""The folder of a comparison: what it is made of, and a file for each run that has ended."""

import os
import shutil
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from qnn_core.errors import CompareError, FileError, QnnError
from qnn_core.files import atomic_write, load_arrays, save_arrays

from . import orphans
from .configs import one_line
from .failures import error_text
from .initial_weights import Starts
from .plan import Plan, differences
from .result import Result, check, is_number, is_whole
from .sealed_json import read_sealed, write_sealed
from .start_state import State
from .tuning import FOLDER as TUNING
from .tuning import Tuning

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment] # the usual way to say that it is not there

FORMAT = "qnn comparison 2"
# Without checksums; it is read, and what is written beside it has them.
FIRST_FORMAT = "qnn comparison 1"
ABOUT = "study.json"
RUNS = "cells"  # as the first stores call them
RUNNING = "running"
STATES = "states"
PACKED = "packed"


class DamagedError(CompareError):
    """A file of a store that was changed or damaged."""


class Store:
    """A folder: study.json, cells/, while runs go on running/, and tuning/, a store itself.

    Of nets that others begin with or learn from, states/ has the parameters; packed/ has the packed
    nets of the first seed, where they are kept.

    Args:
        folder: it is made when it is first written to.
        kept: whether it stays; else it is for the time of a call.
        mend: whether files that are damaged count as if they were not there, and are written anew.
        keeps_packed: whether packed nets of the first seed are kept.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        kept: bool = True,
        mend: bool = False,
        keeps_packed: bool = False,
    ) -> None:
        self.folder, self.kept, self.mend = Path(folder), kept, mend
        self.keeps_packed = keeps_packed
        # Which of the results that were read have no checksum.
        self._unsealed: set[str] = set()

    @property
    def unsealed(self) -> int:
        """How many of the results that were read have no checksum."""
        return len(self._unsealed)

    def check(self, plan: Plan) -> None:
        """Raise a CompareError if the folder holds anything but runs that go with the plan."""
        if self.folder.exists() and not self.folder.is_dir():
            raise CompareError(f"compare: store {self.folder} is a file, not a folder")
        if not (self.folder / ABOUT).exists():
            if self.folder.exists() and any(map(_is_foreign, self.folder.iterdir())):
                raise CompareError(
                    f"compare: store {self.folder} holds other files and no {ABOUT}: take an empty "
                    "folder, or a new one"
                )
            return
        there = self._plan_to_mend()
        if there and (different := differences(there.described(), plan.described())):
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
            with orphans.keep_from_children(handle):
                yield
        except BlockingIOError as error:
            raise CompareError(
                f"compare: another process is at work in store {self.folder}"
            ) from error
        finally:
            if handle is not None:
                os.close(handle)

    def begin(self, plan: Plan) -> None:
        """Enter a plan beside those that are there, and clear away what killed runs left.

        Raises:
            CompareError: if the folder cannot be written to.
        """
        there = self._plan_to_mend() if (self.folder / ABOUT).exists() else None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            # First: a folder without it is somebody else's.
            self._write(there.joined(plan) if there else plan, self.sessions() if there else [])
            shutil.rmtree(self.running, ignore_errors=True)
            for old in self.folder.glob("**/.*.partial"):
                old.unlink(missing_ok=True)
            for folder in (self.folder / RUNS, self.running):
                folder.mkdir(exist_ok=True)
        except OSError as error:
            raise CompareError(f"store {self.folder} cannot be written to: {error}") from error

    def end(self, session: Mapping[str, Any]) -> None:
        """Enter what a session was: when, by which command, on what."""
        # Runs that were ended in their middle have left their heartbeats.
        shutil.rmtree(self.running, ignore_errors=True)
        if session not in self.sessions():
            # Only for the record: a full disk has its own error already.
            with suppress(OSError):
                self._write(self.plan(), [*self.sessions(), dict(session)])

    def tuning(self) -> Tuning | None:
        """Return what recipes were chosen from; None if none were, or nothing is here yet."""
        there = self._plan_to_mend() if (self.folder / ABOUT).exists() else None
        return None if there is None else there.tuning

    def plan(self) -> Plan:
        """Return what the comparison is made of.

        Raises:
            CompareError: if there is none, or it cannot be read.
        """
        content = self._about()
        try:
            seeds = content["seeds"]
            check(isinstance(seeds, list), "seeds", "a list", seeds)
            plan = Plan.from_json(content)
            _check_plan(plan)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError, QnnError) as error:
            raise self._damaged(self.folder / ABOUT, error) from error
        return plan

    def _plan_to_mend(self) -> Plan | None:
        """Return the plan; None if its file is damaged, and to be written anew."""
        try:
            return self.plan()
        except DamagedError:
            if not self.mend:
                raise
            return None

    def starts(self) -> dict[int, Starts]:
        """Return the digests of initial weights, by seed, as far as they are known."""
        plan = self._plan_to_mend() if (self.folder / ABOUT).exists() else None
        return {} if plan is None else dict(plan.starts)

    def sessions(self) -> list[dict[str, Any]]:
        """Return the sessions, calls of `compare`, that filled it."""
        if not (self.folder / ABOUT).exists():
            return []
        sessions: list[dict[str, Any]] = self._about().get("runs", [])
        try:
            check(isinstance(sessions, list), "runs", "a list", sessions)
            for n, session in enumerate(sessions):
                _check_session(session, f"runs[{n}]")
        except ValueError as error:
            raise self._damaged(self.folder / ABOUT, error) from error
        return sessions

    def results(self) -> Iterator[tuple[tuple[str, int], Result]]:
        """Yield config, seed and result of all runs of its plan that have one."""
        plan = self.plan()
        for config, seed in plan.runs():
            result = self.read(plan.key(config, seed), config.name, seed)
            if result is not None:
                yield (config.name, seed), result

    def read(self, key: str, config: str, seed: int) -> Result | None:
        """Return the result of a run, or None if it has none.

        Raises:
            DamagedError: if its file is damaged, and is not to be mended.
        """
        path = self._path(key)
        try:
            content, sealed = read_sealed(path)
            result = Result.from_json(content)
            run = f"{config}, seed {seed}"
            found = result.config, result.seed
            check(found == (config, seed), "it", run, found)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError, OverflowError) as error:
            if self.mend:
                return None
            raise self._damaged(path, error) from error
        if not sealed:
            self._unsealed.add(key)
        return result

    def _damaged(self, path: Path, error: Exception) -> "DamagedError":
        remedy = "delete it, and the run is trained again; so it is by"
        if path.name == ABOUT:
            remedy = "it is made anew by"
        return DamagedError(
            f"{path} is damaged ({one_line(error_text(error))}); {remedy} the same call with "
            "retry=True (qnn compare --retry)"
        )

    def write(self, key: str, result: Result) -> None:
        """Keep the result of a run.

        Raises:
            CompareError: if it cannot be written.
        """
        try:
            write_sealed(self._path(key), result.to_json())
        except OSError as error:
            raise CompareError(
                f"store {self.folder} cannot be written to: {error}; what is there is whole, and "
                "the same call goes on with it"
            ) from error

    def write_state(self, key: str, state: State) -> None:
        """Keep the parameters and buffers of a run's net.

        Raises:
            CompareError: if they cannot be written.
        """
        try:
            self._state_path(key).parent.mkdir(exist_ok=True)
            save_arrays(self._state_path(key), state, {"kind": STATES, "run": key})
        except OSError as error:
            raise CompareError(f"store {self.folder} cannot be written to: {error}") from error

    def write_packed(self, key: str, content: bytes) -> None:
        """Keep the packed net of a run.

        Raises:
            CompareError: if it cannot be written.
        """
        try:
            self._packed_path(key).parent.mkdir(exist_ok=True)
            atomic_write(self._packed_path(key), content)
        except OSError as error:
            raise CompareError(f"store {self.folder} cannot be written to: {error}") from error

    def packed(self, plan: Plan) -> dict[str, Path]:
        """Return the files of packed nets, by the names of their configs: of the first seed."""
        if not plan.configuration or not plan.seeds:
            return {}
        paths = {c.name: self._packed_path(plan.key(c, plan.seeds[0])) for c in plan.configs}
        return {name: path for name, path in paths.items() if path.is_file()}

    def _packed_path(self, key: str) -> Path:
        return self.folder / PACKED / f"{key}.qnn"

    def state(self, key: str) -> State | None:
        """Return the parameters and buffers of a run's net; None if there are none, or damaged."""
        try:
            state, about = load_arrays(self._state_path(key))
        except (OSError, QnnError):
            return None
        return state if about.get("run") == key else None

    def has_state(self, key: str) -> bool:
        """Whether there is a file for them."""
        return self._state_path(key).is_file()

    def _state_path(self, key: str) -> Path:
        return self.folder / STATES / f"{key}.safetensors"

    @property
    def running(self) -> Path:
        """The folder where runs that go on say how far they are."""
        return self.folder.absolute() / RUNNING

    def _about(self) -> dict[str, Any]:
        path = self.folder / ABOUT
        try:
            content, sealed = read_sealed(path)
        except FileNotFoundError as error:
            raise CompareError(f"{self.folder} holds no comparison: there is no {ABOUT}") from error
        except FileError as error:
            raise self._damaged(path, error) from error
        except OSError as error:
            raise CompareError(f"{path} cannot be read: {error}") from error
        if content.get("format") != (FORMAT if sealed else FIRST_FORMAT):
            raise DamagedError(f"{path} is no file of {FORMAT!r}")
        return content

    def _write(self, plan: Plan, sessions: list[dict[str, Any]]) -> None:
        content = {"format": FORMAT, **plan.to_json(), "runs": sessions}
        write_sealed(self.folder / ABOUT, content)

    def _path(self, key: str) -> Path:
        return self.folder / RUNS / f"{key}.json"


def _is_foreign(path: Path) -> bool:
    """Whether a file or folder is none that a store begins with."""
    if path.is_dir() and path.name in (RUNS, RUNNING, STATES, PACKED):
        return any(path.iterdir())
    if path.is_dir() and path.name == TUNING:  # a store of its own, which is filled first
        return not (path / ABOUT).exists()
    return not path.match(f".{ABOUT}.*.partial")


def _check_plan(plan: Plan) -> None:
    """Raise an error if a plan is of another kind than `compare` makes."""
    configuration = plan.configuration
    check(isinstance(configuration, dict), "configuration", "an object", configuration)
    recipe = configuration.get("recipe", {})
    check(isinstance(recipe, dict), "configuration.recipe", "an object", recipe)
    _ = plan.metric
    for name, code in plan.schemes.items():
        check(isinstance(code, str), f"schemes.{name}", "a text", code)
    for out in plan.left_out:
        right = isinstance(out.config, str) and isinstance(out.reason, str)
        check(right, "left_out", "names and reasons", out)
    for config in plan.configs:
        # A spec that is none, a scheme without its code.
        _ = config.bits, config.series, plan.key(config, 0)


# What is written of a session.
SESSION: dict[str, tuple[str, Callable[[object], bool]]] = {
    "started": ("a text", lambda value: isinstance(value, str)),
    "command": (
        "a list of words",
        lambda value: isinstance(value, list) and all(isinstance(word, str) for word in value),
    ),
    "executor": ("a text", lambda value: isinstance(value, str)),
    "machine": ("an object", lambda value: isinstance(value, dict)),
    "versions": ("an object", lambda value: isinstance(value, dict)),
    "cells": ("a whole number", is_whole),
    "seconds": ("a number", is_number),
}


def _check_session(session: object, where: str) -> None:
    """Raise a ValueError if an entry of a session is of another kind than is written."""
    check(isinstance(session, dict), where, "an object", session)
    assert isinstance(session, dict)
    for name, (wanted, is_right) in SESSION.items():
        if name in session:
            check(is_right(session[name]), f"{where}.{name}", wanted, session[name])
