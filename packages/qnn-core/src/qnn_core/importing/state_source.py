"""States of PyTorch, in memory or in a file, as arrays by their names."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize

from ..errors import FileError, StateError
from .state_problems import joined

Arrays = dict[str, NDArray[Any]]
WHERE = "load_torch_state"

# Where training scripts put a model's state in a file that holds more.
INSIDE = ("state_dict", "model_state_dict", "model")
# What wrappers of PyTorch put before each name.
WRAPPERS = ("module.", "_orig_mod.")
SAFETENSORS = ".safetensors"
# What a file of safetensors calls NumPy's dtypes; bfloat16, which NumPy has not, becomes float32.
DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "C64": "<c8", "BOOL": "?"}
DTYPES |= {f"{k}{8 * n}": f"<{k.lower()}{n}" for k in "IU" for n in (1, 2, 4, 8)}
# What has no meaning here: how many batches the running statistics were taken of.
IGNORED = "num_batches_tracked"


def read_state(state: Any) -> tuple[Arrays, bool]:
    """Return a state as arrays by name, without wrappers' prefixes, and whether it has an order.

    Args:
        state: names to tensors or arrays; or the path of a file, ``.safetensors`` or what
            ``torch.save`` wrote.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is damaged, or of another kind.
        StateError: if it holds something that is no tensor, or several states.
        ImportError: if it takes PyTorch to read it, which is not installed.
    """
    ordered = True
    if isinstance(state, str | os.PathLike):
        # A file of safetensors does not keep the order that it was written in.
        ordered = Path(state).suffix != SAFETENSORS
        state = _read_file(Path(state))
    if not isinstance(state, Mapping):
        method = getattr(state, "state_dict", None)
        hint = "; give its state_dict()" if method is not None else ""
        raise StateError(
            f"{WHERE}: the state must be a dictionary of tensors or a path, got "
            f"{type(state).__name__}{hint}"
        )
    state = _opened(state)
    no_tensors = sorted(str(name) for name, value in state.items() if not _is_array(value))
    if no_tensors:
        raise StateError(
            f"{WHERE}: the state must hold tensors, but these are none: {joined(no_tensors, ', ')}"
        )
    arrays = {str(name): _array(str(name), value) for name, value in state.items()}
    for prefix in WRAPPERS:
        if arrays and all(name.startswith(prefix) for name in arrays):
            arrays = {name.removeprefix(prefix): array for name, array in arrays.items()}
    return {n: a for n, a in arrays.items() if n.rpartition(".")[2] != IGNORED}, ordered


def _opened(state: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return the state in a checkpoint, which has dictionaries of more, or what was given."""
    inner = [
        name
        for name, value in state.items()
        if isinstance(value, Mapping) and any(_is_array(x) for x in value.values())
    ]
    found = [name for name in inner if name in INSIDE] or inner
    if len(found) > 1:
        names = joined([str(name) for name in found])
        raise StateError(f"{WHERE}: there are several states in it, {names}: give one of them")
    return cast(Mapping[Any, Any], state[found[0]]) if found else state


def _parsed(content: bytes) -> Arrays:
    """Return what a file of safetensors holds, by name."""
    parse: Any = deserialize  # it has no types
    arrays = {}
    for name, view in parse(content):
        dtype = DTYPES.get(view["dtype"])
        if dtype is None:
            raise ValueError(f"{name} holds {view['dtype']}")
        array = np.frombuffer(view["data"], dtype)
        if view["dtype"] == "BF16":  # the upper half of a float32
            array = (array.astype(np.uint32) << 16).view(np.float32)
        arrays[name] = array.reshape(view["shape"])
    return dict(sorted(arrays.items()))


def _read_file(path: Path) -> Any:
    content = path.read_bytes()
    if path.suffix == SAFETENSORS:
        try:
            return _parsed(content)
        except (SafetensorError, ValueError, KeyError, TypeError) as error:
            raise FileError(
                f"{path} is not a whole safetensors file of NumPy's dtypes or bfloat16: {error}"
            ) from error
    try:
        import torch  # noqa: PLC0415 # it is optional, large, and slow to import
    except ImportError as error:
        raise ImportError(
            f"{WHERE}: {path} needs PyTorch to be read: pip install torch (a .safetensors file "
            "does not)"
        ) from error
    try:
        # No pickle that could run anything.
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        said = str(error).strip().partition("\n")[0]
        raise FileError(
            f"{path} holds no state dictionary that PyTorch reads as one (save "
            f"model.state_dict()): {said}"
        ) from error


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray | np.generic) or (
        hasattr(value, "detach") and hasattr(value, "numpy")
    )


def _array(name: str, value: Any) -> NDArray[Any]:
    """Return a tensor or array as an array; bfloat16, which NumPy has not, as float32."""
    if not hasattr(value, "detach"):
        return np.asarray(value)
    try:
        tensor = value.detach().cpu()
        return np.asarray((tensor.float() if tensor.is_floating_point() else tensor).numpy())
    except (TypeError, NotImplementedError, RuntimeError) as error:  # sparse, quantized, on meta
        said = str(error).partition("\n")[0]
        raise StateError(f"{WHERE}: {name} cannot be read as an array: {said}") from error
