"""Checkpoints: all that a run needs to go on as if it had never stopped."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import FileError
from ..storage import load_arrays, save_arrays
from .history import History

KIND = "qnn checkpoint"
VERSION = 1

State = dict[str, NDArray[Any]]


@dataclass
class Checkpoint:
    """The state of a run after an epoch.

    Attributes:
        model: state of the model after its last epoch.
        best: state of the model after its best epoch.
        optimizer: state of the optimizer.
        recipe: what the run was: ``repr`` of the model, class and settings of the optimizer.
        history: the epochs so far.
    """

    model: State
    best: State
    optimizer: State
    recipe: dict[str, str]
    history: History

    def save(self, path: str | Path) -> None:
        """Write it atomically as a safetensors file; no pickle."""
        arrays = {
            f"{part}/{name}": array
            for part in ("model", "best", "optimizer")
            for name, array in getattr(self, part).items()
        }
        about = {
            "kind": KIND,
            "version": VERSION,
            "recipe": self.recipe,
            "history": self.history.to_list(),
        }
        save_arrays(path, arrays, about)

    @classmethod
    def load(cls, path: str | Path) -> "Checkpoint":
        """Read a checkpoint.

        Raises:
            FileNotFoundError: if there is none.
            FileError: if it is damaged, of another kind or of another version.
        """
        arrays, about = load_arrays(path)
        kind, version = about.get("kind"), about.get("version")
        if kind != KIND or version != VERSION:
            raise FileError(
                f"{path} holds {kind!r} version {version!r}; needed is {KIND!r} version {VERSION}"
            )
        parts: dict[str, State] = {"model": {}, "best": {}, "optimizer": {}}
        try:
            for key, array in arrays.items():
                part, _, name = key.partition("/")
                parts[part][name] = array
            return cls(
                **parts,
                recipe=dict(about["recipe"]),
                history=History.from_list(about["history"]),
            )
        except (KeyError, TypeError) as error:
            raise FileError(f"{path} is no whole checkpoint: {error!r}") from error
