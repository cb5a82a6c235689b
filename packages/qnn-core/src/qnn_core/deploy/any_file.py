"""Models in files, packed ones and those that are trained on: written and read by one name each."""

from pathlib import Path
from typing import Any

from ..errors import FileError, SpecError
from ..files import load_arrays
from ..nn import Module
from ..nn.model_file import KIND, read_model, save_model
from .runtime import PackedModel
from .runtime.model import load_from

# Who reads files of others, by what their names end with.
WEIGHTS = "; weights of PyTorch are read by qnn.load_torch_state(model, path)"
READERS = {
    ".onnx": "; nets of ONNX are read by qnn.from_onnx(path)",
    ".pt": WEIGHTS,
    ".pth": WEIGHTS,
}

# Files of ours that are no models.
OTHERS = {
    "qnn state": "the state of one: qnn.load_state(model, path) reads it into an equal model",
    "qnn checkpoint": "a run of fit: fit(model, ..., checkpoint=path, resume=True) goes on with it",
}


def save(model: Module | PackedModel, path: str | Path) -> None:
    """Write a model to a file that `load` brings back: a module to be trained on, or a packed one.

    A module is written with its structure, its mode and its state: every layer and quantizer, what
    was exchanged or assigned after it was built, which parts are frozen or not trained; what two
    attributes share they share again. Gradients and the optimizer are not: ``fit(...,
    checkpoint=path)`` keeps a run. No pickle.

    Before a module's file is written it is read in memory and compared, which takes the time and
    the memory of a load: what `load` would refuse is refused here, and what was at the path stays.

    Args:
        model: a module whose attributes hold parameters, buffers, modules, quantizers, arrays of
            NumPy (integers, booleans, float16 to float64), dataclasses, generators of NumPy,
            operations of `qnn_core.ops`, plain values, or lists, tuples, dictionaries and sets of
            them; its class must be found in a module by its name. Or a `PackedModel`.
        path: where to; its folder must exist.

    Raises:
        OSError: if it cannot be written.
        SpecError: if it holds something else, or would not come back as it is; the message says
            where.
        StructureError: if the model holds parts where they have no name.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([3, 4, 2], weight="symmetric:4", seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     qnn.save(model, Path(folder, "net.safetensors"))
        ...     again = qnn.load(Path(folder, "net.safetensors"))
        >>> x = np.ones((1, 3))
        >>> bool((again(x).data == model(x).data).all())
        True
    """
    if isinstance(model, PackedModel):
        model.save(path)
    elif isinstance(model, Module):
        save_model(model, path)
    else:
        hint = "; qnn.save_state(model, path) writes the state alone" if is_state(model) else ""
        raise SpecError(
            f"save: a Module or a PackedModel is needed, got a {type(model).__name__}{hint}"
        )


def is_state(given: object) -> bool:
    """Whether something is like what `Module.state_dict` returns."""
    return isinstance(given, dict) and all(isinstance(name, str) for name in given)


def load(path: str | Path, *, limit: float = 1.0) -> Any:
    """Return the model of a file: a `PackedModel`, or the `Module` that `save` wrote.

    Which of them the file holds is told by its content. A packed model needs neither code nor
    quantizers, and nothing in its file is executed. Of a module the classes are imported by the
    names that the file has, as ``import`` does, which runs the files of Python that define them;
    only modules, quantizers, dataclasses and named tuples are made, and no code comes from the
    file itself. So a file from a stranger can do what importing modules that you have can do.

    A few bytes can describe a packed net that takes hours, or all memory, to prepack or to run for
    one sample. Such a file is refused: there is a budget of time and memory, in proportion to the
    bytes of the file and of an input, that is checked before anything is made.

    Args:
        path: of the file, or of a pipe, which is read once.
        limit: so many times the budget of a packed model; ``math.inf`` for a file that you trust.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is damaged, of another kind or version, would cost more than the limit, or
            needs a class that is not found, or has changed so that the model would not be the one
            that was saved; the message says which.
        ValueError: if `limit` is no number above 0.

    Example:
        >>> import tempfile
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([4, 2], seed=0)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     qnn.save(model, Path(folder, "net.safetensors"))
        ...     qnn.pack(model, np.zeros((1, 4))).save(Path(folder, "net.qnn"))
        ...     [type(load(Path(folder, name))).__name__ for name in ("net.safetensors", "net.qnn")]
        ['MLP', 'PackedModel']
    """
    try:
        arrays, about = load_arrays(path)
    except FileError as error:
        raise FileError(f"{error}{READERS.get(Path(path).suffix, '')}") from error
    if about.get("kind") == KIND:
        return read_model(path, arrays, about)
    other = OTHERS.get(str(about.get("kind")))
    if other is not None:
        raise FileError(f"{path} holds no model, but {other}")
    return load_from(path, arrays, about, limit=limit)
