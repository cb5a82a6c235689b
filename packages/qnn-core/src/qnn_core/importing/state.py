"""Weights of PyTorch for a model that is built of our layers."""

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..autodiff import trace
from ..errors import StateError
from ..nn import Conv2d, GraphModule, Module, Reshape
from ..nn.surgery import check_module, modules, quantizers
from .state_chain import chained, flat_in_chain
from .state_layouts import Flat, flat_axes, from_channels_first
from .state_names import NEUTRAL, Names, full, matched
from .state_order import Blocks
from .state_places import Place, places
from .state_problems import Problem, listed
from .state_source import WHERE, read_state


def load_torch_state(
    model: Module,
    state: Mapping[str, Any] | str | Path,
    *,
    names: Names = None,
    example: Any = None,
) -> dict[str, str]:
    """Give a model the weights of a net of PyTorch, and return which became which.

    The model is one of ours that computes the same, quantized or not: weights of quantized layers
    are latent, and all quantizers are fitted anew (the inputs', to the next batch in training). The
    layouts are ours then: channels last in convolutions, and also where images are flattened, in
    what is computed of them. ``running_var`` is our ``running_variance``; how many batches there
    were is left out; normalization without parameters becomes one with ones and zeros.

    What `names` does not say is found by itself: by the names, if they are the same on both sides
    (the ``layers`` of a `Sequential` does not count); else by order and shape, if that is without
    doubt. A dictionary is taken to be in the order in which the net's modules were made, as
    ``state_dict()`` is; a file of safetensors has no order: there modules of one shape need names
    that differ in numbers only.

    Args:
        model: what gets the weights, in place.
        state: a ``state_dict()``, of tensors or arrays; or the path of a ``.safetensors`` file, or
            of one of ``torch.save`` (which takes PyTorch), also with the state inside of a
            checkpoint.
        names: ``{theirs: ours}``, of tensors or of whole modules (``{"fc": "layers.7"}``), None for
            what is to be left out; or a function from a name of theirs to one of ours or None. The
            table that was returned will do, too.
        example: an input of the model with its batch axis. It is needed where images may be
            flattened by a `forward` of your own, or by the first layer: what happens else in a
            `Sequential` of layers, or behind a `Reshape` at the door, is known without.

    Returns:
        ``{theirs: ours}``: each tensor's name in the state, and in the model.

    Raises:
        StateError: if names have no partner or several, shapes differ, or a number is not finite;
            if it takes an example. The message lists the first of each kind, and nothing was
            changed.
        FileNotFoundError, FileError: if there is no such file, or it is damaged.
        ImportError: for a file of ``torch.save``, if PyTorch is not installed.

    Example:
        >>> import qnn_core as qnn
        >>> theirs = {"0.weight": np.ones((2, 3, 5, 5)), "0.bias": np.zeros(2)}
        >>> model = qnn.Sequential(qnn.Conv2d(3, 2, 5), qnn.ReLU())
        >>> load_torch_state(model, theirs)
        {'0.weight': 'layers.0.weight', '0.bias': 'layers.0.bias'}
    """
    check_module(WHERE, model)
    arrays, ordered = read_state(state)
    found = places(model)
    table, problems = matched(found, arrays, names, ordered=ordered)
    flat, unclear = _flat(model, example)
    problems += [Problem("whose order cannot be told", text) for text in unclear]
    owners = {full(place, leaf): (place, leaf) for place in found for leaf in place.tensors}
    values: dict[str, NDArray[Any]] = {}
    for theirs, ours in table.items():
        place, leaf = owners[ours]
        try:
            values[ours] = _fitted(arrays[theirs], place, leaf, flat.get(ours, {}))
        except ValueError as error:
            problems.append(Problem("that do not fit", f"{theirs} does not fit {ours}: {error}"))
    if problems:
        raise StateError(
            f"{WHERE}: the state does not fit this {type(model).__name__}, and nothing was "
            "changed:\n  " + "\n  ".join(listed(problems))
        )
    for name, (place, leaf) in owners.items():
        tensor = place.tensors[leaf]
        tensor.array[...] = values[name] if name in values else NEUTRAL[leaf]
        tensor.written()
    for quantizer in quantizers(model).values():
        quantizer.forget()
    return table


def _fitted(
    array: NDArray[Any], place: Place, leaf: str, flat: Mapping[int, Blocks]
) -> NDArray[Any]:
    """Return an array of theirs as ours has it; a ValueError says why it cannot be."""
    wanted = place.tensors[leaf].shape
    made = array
    if isinstance(place.module, Conv2d) and leaf == "weight":
        if array.ndim == 3:  # of signals, which are images of one row
            made = made[:, :, None, :]
        if made.ndim != 4:
            raise ValueError(f"it has shape {array.shape}, a convolution's weight has 3 or 4 axes")
        made = made.transpose(0, 2, 3, 1)
    if made.shape != wanted:
        turned = f", which is {made.shape} with channels last" if made is not array else ""
        raise ValueError(f"it has shape {array.shape}{turned}; {wanted} is needed")
    if made.dtype.kind not in "fiu":
        raise ValueError(f"it holds {made.dtype}")
    own = place.tensors[leaf].dtype
    with np.errstate(over="ignore"):
        made = made.astype(own)
    if not np.all(np.isfinite(made)):
        raise ValueError(f"it holds NaN or infinity, or numbers that {own} does not hold")
    if leaf == "running_variance" and np.any(made < 0):
        raise ValueError("it holds a variance below 0")
    for axis, blocks in flat.items():
        made = from_channels_first(made, axis, blocks)
    return made


def _flat(model: Module, example: Any) -> tuple[Flat, list[str]]:
    """Return which parameters belong to flat images, and what there is to say against that."""
    if example is None:
        example = _door(model)
    if example is None:
        return flat_in_chain(model)
    imported = [path for path, part in modules(model).items() if isinstance(part, GraphModule)]
    return flat_axes(trace(model, example), imported)


def _door(model: Module) -> Any:
    """Return an input for a model whose first layer knows the lengths of it, else None."""
    _, first = next(chained("", model), ("", None))
    if isinstance(first, GraphModule) and first.shapes.keys() == set(first.inputs):
        return tuple(np.zeros((1, *first.shapes[name]), model.dtype) for name in first.inputs)
    if type(first) is Reshape and len(first.shape) > 1 and min(first.shape) > 0:
        return np.zeros((1, prod(first.shape)), model.dtype)
    return None
