"""A file with the parameters of a trained net."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qnn_core.errors import CompareError, QnnError
from qnn_core.nn import load_state

State = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class StartFile:
    """What a file held when it was read: where nets are trained, it need not be there.

    Attributes:
        path: of the file.
        state: parameters and buffers, by path.
        digest: of these.
    """

    path: Path
    state: State
    digest: str

    @classmethod
    def read(cls, path: Path) -> "StartFile":
        """Read a checkpoint of `qnn.fit`, or a file of `qnn.save_state`.

        Raises:
            CompareError: if it cannot be read.
        """
        try:
            state = load_state(path)
        except (OSError, QnnError) as error:
            raise CompareError(f"compare: start: {path} cannot be read: {error}") from error
        digest = hashlib.blake2b(digest_size=8)
        for name, array in sorted(state.items()):
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        return cls(path, state, digest.hexdigest())

    def __repr__(self) -> str:
        return repr(self.path)
