"""A model's parameters and buffers in a file."""

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from ..errors import FileError
from ..files import load_arrays, save_arrays
from .model_file import KIND as MODEL
from .model_file import STATE
from .module import Module

KIND = "qnn state"
# How a checkpoint, which holds more, names what is of the model.
OF_MODEL = "model/"
OF = {"qnn checkpoint": OF_MODEL, MODEL: STATE}


def save_state(model: Module, path: str | Path) -> None:
    """Write a model's ``state_dict()`` to a safetensors file; no pickle.

    Whoever reads the file, or kills the writer, never sees a part of it.

    Args:
        model: any module.
        path: where to; its folder must exist.

    Raises:
        OSError: if it cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import qnn_core as qnn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_state(qnn.MLP([3, 2], seed=0), Path(folder, "net.safetensors"))
        ...     sorted(load_state(Path(folder, "net.safetensors")))
        ['layers.0.bias', 'layers.0.weight']
    """
    save_arrays(path, model.state_dict(), {"kind": KIND, "model": repr(model)})


def load_state(path: str | Path) -> dict[str, NDArray[Any]]:
    """Return the parameters and buffers in a file of `save_state`, of `save`, or of `fit`.

    They are for ``model.load_state_dict``, or `warm_start`.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is cut, changed in any byte, or of another kind.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import qnn_core as qnn
        >>> trained, other = qnn.MLP([3, 2], seed=0), qnn.MLP([3, 2], seed=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_state(trained, Path(folder, "net.safetensors"))
        ...     other.load_state_dict(load_state(Path(folder, "net.safetensors")))
        >>> bool((other[0].weight.data == trained[0].weight.data).all())
        True
    """
    arrays, about = load_arrays(path)
    kind = about.get("kind")
    if kind == KIND:
        return arrays
    begin = OF.get(str(kind))
    found = {n.removeprefix(begin): a for n, a in arrays.items() if begin and n.startswith(begin)}
    if not found:
        raise FileError(f"{path} holds no state of a model, but a {kind or 'file of another kind'}")
    return found
