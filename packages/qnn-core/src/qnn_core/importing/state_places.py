"""What a model has parameters and running statistics for, and PyTorch's names of them."""

from dataclasses import dataclass
from typing import Any

from ..autodiff import Tensor
from ..nn import BatchNorm, Conv2d, Dropout, Elementwise, Linear, Module, Sequential
from ..nn.quant import Quantize
from ..nn.surgery import modules
from .state_source import Arrays

# What a module of PyTorch's calls what one of ours has.
LEAVES = {"running_var": "running_variance"}
# What is all that is known of one of theirs: a kind and the shape of a weight, as ours has it.
Signature = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Place:
    """A module of ours with the tensors that it holds itself.

    Attributes:
        path: the module's.
        alias: what it would be in PyTorch, whose ``Sequential`` has no ``layers`` in a name.
        module: itself.
        tensors: by the last part of their names.
    """

    path: str
    alias: str
    module: Module
    tensors: dict[str, Tensor]

    @property
    def is_norm(self) -> bool:
        """Whether it normalizes by running statistics."""
        return isinstance(self.module, BatchNorm)

    @property
    def signature(self) -> Signature:
        """What one of theirs must be to fit here."""
        if self.is_norm and "running_mean" in self.tensors:
            return "norm", self.tensors["running_mean"].shape
        if isinstance(self.module, Linear | Conv2d) and "weight" in self.tensors:
            return "weight", self.tensors["weight"].shape
        return "other", tuple(sorted((leaf, t.shape) for leaf, t in self.tensors.items()))


@dataclass(frozen=True)
class Group:
    """What a state has of one module of theirs: arrays by our last part of the name."""

    path: str
    arrays: Arrays

    @property
    def signature(self) -> Signature:
        """What a module of ours must be to take it."""
        if "running_mean" in self.arrays:
            return "norm", self.arrays["running_mean"].shape
        weight = self.arrays.get("weight")
        if weight is not None and weight.ndim in (2, 3, 4) and self.arrays.keys() <= WEIGHTED:
            return "weight", our_shape(weight.shape)
        return "other", tuple(sorted((leaf, a.shape) for leaf, a in self.arrays.items()))


WEIGHTED = {"weight", "bias"}


def our_shape(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that a weight of PyTorch's has here: channels last, signals as images.

    Example:
        >>> our_shape((8, 3, 5, 5)), our_shape((8, 3, 5)), our_shape((8, 3))
        ((8, 5, 5, 3), (8, 1, 5, 3), (8, 3))
    """
    if len(shape) == 3:
        return shape[0], 1, shape[2], shape[1]
    return (shape[0], *shape[2:], shape[1]) if len(shape) == 4 else shape


def places(model: Module) -> list[Place]:
    """Return the modules of a model that hold something of a state, in the model's order.

    Not quantizers, the random numbers of dropout, and the constants of imported arithmetic: no
    state of a float net has such.
    """
    found = modules(model)
    own = [
        path
        for path, module in found.items()
        if isinstance(module, Quantize | Dropout | Elementwise)
    ]
    tensors: dict[str, dict[str, Tensor]] = {}
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        owner = _owner(name.rpartition(".")[0], found)
        if not any(owner == p or owner.startswith(f"{p}.") for p in own):
            rest = name[len(owner) + 1 :] if owner else name
            tensors.setdefault(owner, {})[rest] = tensor
    inside = {p for p, module in found.items() if isinstance(module, Sequential)}
    return [
        Place(path, _alias(path, inside), module, tensors[path])
        for path, module in found.items()
        if path in tensors
    ]


def _owner(path: str, found: dict[str, Module]) -> str:
    """Return the path of the module that holds a list or dictionary, or is itself at `path`."""
    while path and path not in found:
        path = path.rpartition(".")[0]
    return path


def _alias(path: str, sequentials: set[str]) -> str:
    parts = path.split(".") if path else []
    kept = [
        part
        for n, part in enumerate(parts)
        if part != "layers" or ".".join(parts[:n]) not in sequentials
    ]
    return ".".join(kept)


def groups(arrays: Arrays) -> list[Group]:
    """Return what belongs to each module of theirs, in the state's order."""
    found: dict[str, Arrays] = {}
    for name, array in arrays.items():
        path, _, leaf = name.rpartition(".")
        found.setdefault(path, {})[LEAVES.get(leaf, leaf)] = array
    return [Group(path, own) for path, own in found.items()]


def theirs(group: Group, leaf: str) -> str:
    """Return the whole name of an array in the state."""
    back = {ours: name for name, ours in LEAVES.items()}
    return ".".join(filter(None, (group.path, back.get(leaf, leaf))))
