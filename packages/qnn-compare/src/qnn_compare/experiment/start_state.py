"""The parameters of a trained net that a config begins with, wherever they come from."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import CompareError, QnnError
from qnn_core.nn import Module, load_state

State = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class StartState:
    """Parameters and buffers as they were when the config was made.

    Where nets are trained, no file need be there, and what changes later changes nothing.

    Attributes:
        label: how the config shows it.
        state: parameters and buffers, by path.
        digest: of these.
    """

    label: str
    state: State
    digest: str

    @classmethod
    def of(cls, given: Path | Module | Mapping[str, Any]) -> "StartState":
        """Return what a checkpoint of `qnn.fit`, a file of `qnn.save_state`, or a net holds.

        Raises:
            CompareError: if it cannot be read, or is no state.
        """
        try:
            state = _state(given)
        except (OSError, QnnError, TypeError, ValueError) as error:
            label = given if isinstance(given, Path) else type(given).__name__
            raise CompareError(f"compare: start: {label} cannot be read: {error}") from error
        digest = hashlib.blake2b(digest_size=8)
        for name, array in sorted(state.items()):
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        label = repr(given) if isinstance(given, Path) else "<a trained net>"
        return cls(label, state, digest.hexdigest())

    def __repr__(self) -> str:
        return self.label


def _state(given: Path | Module | Mapping[str, Any]) -> State:
    if isinstance(given, Path):
        return load_state(given)
    state = given.state_dict() if isinstance(given, Module) else given
    found = {name: np.array(value) for name, value in state.items()}
    for name, array in found.items():
        if not isinstance(name, str) or array.dtype.kind not in "fiub":
            raise TypeError(f"{name!r} is no array of numbers by the path of a parameter")
    return found
