"""Checkpoints: all that a run needs to go on as if it had never stopped."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from numpy.typing import NDArray

from ..errors import FileError
from ..files import load_arrays, locked, remove_drafts, save_arrays
from .history import Epoch, History

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

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> x, y = np.float32([[0.0], [1.0]]), np.array([0, 1])
        >>> model = qnn.MLP([1, 4, 2], seed=0)
        >>> optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "run.safetensors")
        ...     _ = qnn.fit(model, (x, y), epochs=2, optimizer=optimizer, checkpoint=path)
        ...     checkpoint = Checkpoint.load(path)
        >>> len(checkpoint.history.epochs), sorted(checkpoint.model)
        (2, ['layers.0.bias', 'layers.0.weight', 'layers.2.bias', 'layers.2.weight'])
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
        if kind != KIND or type(version) is not int or version != VERSION:
            raise FileError(
                f"{path} holds {kind!r:.80} version {version!r:.80}; needed is {KIND!r} version "
                f"{VERSION}"
            )
        try:
            return cls(
                **_states(arrays), recipe=_recipe(about.get("recipe")), history=_history(about)
            )
        except FileError as error:
            raise FileError(f"{path} is no whole checkpoint: {error}") from error


@contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Keep other runs from a checkpoint, and clear away what killed ones left beside it.

    Raises:
        FileError: if another run is at work with it.
        OSError: if it cannot be written.
    """
    with ExitStack() as stack:
        try:
            held = stack.enter_context(locked(path))
        except BlockingIOError as error:
            raise FileError(
                f"fit: another run is at work with the checkpoint {path}; wait for its end, or "
                "give this one a file of its own"
            ) from error
        if held:
            remove_drafts(path)
        yield


def _states(arrays: Mapping[str, NDArray[Any]]) -> dict[str, State]:
    parts: dict[str, State] = {"model": {}, "best": {}, "optimizer": {}}
    for key, array in arrays.items():
        part, _, name = key.partition("/")
        if part not in parts:
            raise FileError(f"the array {key!r:.80} belongs to none of {', '.join(parts)}")
        parts[part][name] = array
    return parts


def _recipe(recipe: Any) -> dict[str, str]:
    if not isinstance(recipe, dict) or not all(isinstance(text, str) for text in recipe.values()):
        raise FileError(f"its recipe must be texts by name, got {recipe!r:.80}")
    return recipe


def _history(about: Mapping[str, Any]) -> History:
    """Return the epochs of a description: each with every measurement, and numbered in order."""
    epochs = about.get("history")
    if not isinstance(epochs, list):
        raise FileError(f"its history must be a list of epochs, got {epochs!r:.80}")
    kinds = get_type_hints(Epoch)
    for number, epoch in enumerate(epochs, 1):
        if not isinstance(epoch, dict) or epoch.get("epoch") != number:
            raise FileError(f"epoch {number} of its history is {epoch!r:.80}")
        for name, value in epoch.items():
            if name not in kinds or not _is(value, kinds[name]):
                raise FileError(f"epoch {number} of its history has {name!r:.80}: {value!r:.80}")
    try:
        return History.from_list(epochs)
    except TypeError as error:  # a measurement is missing
        raise FileError(f"an epoch of its history is not whole: {error}") from error


def _is(value: Any, kind: Any) -> bool:
    """Whether a value of JSON is what an annotation says; a whole number is a float too."""
    if get_args(kind) and get_origin(kind) in (Union, UnionType):
        return any(_is(value, one) for one in get_args(kind))
    if kind is float and type(value) is int:
        return abs(value) <= sys.float_info.max
    kind = get_origin(kind) or kind
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
