"""The model while it is made: layers, steps, and in which order of axes each value lies."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import ConversionError
from ...nn import Module, Permute, Reshape, Select
from ...nn.layers.graph_module import GraphModule, Step, is_free
from .document import BATCH, Node
from .values import Activation, Constant, Shape, as_in_file, channels_last

Value = Activation | Constant


class Unsupported(Exception):
    """An operator that has no form here; the message says what of it, in a few words."""


class Builder:
    """Collects layers and steps.

    Args:
        uses: how many operators and outputs take each value of the file.
        taken: names that no layer may have: those of the inputs.
    """

    def __init__(self, uses: Mapping[str, int], taken: Iterable[str] = ()) -> None:
        self.uses = uses
        # Of the file, by their names there: several may be one value of ours.
        self.values: dict[str, Value] = {}
        self.layers: dict[str, Module] = {}
        self.steps: list[Step] = []
        self._names: Counter[str] = Counter(list(taken))
        self._produced: dict[str, int] = {}

    def add(self, layer: Module, inputs: Sequence[Activation], hint: str) -> str:
        """Add a layer and its step; return the name of the value that it makes."""
        name = self._free(hint or type(layer).__name__)
        self.layers[name] = layer
        self._produced[name] = len(self.steps)
        self.steps.append(Step(name, tuple(x.name for x in inputs), name))
        return name

    def arranged(self, x: Activation, order: tuple[int, ...]) -> Activation:
        """Return a value whose tensor has its axes in an order, with the steps that this needs."""
        if x.columns is not None:
            inverse = np.argsort(x.columns)
            x = x.but(name=self.add(Select(inverse.tolist()), [x], "as_in_file"), columns=None)
        permutation, shape = x.moves(order)
        if permutation is not None:
            if permutation[0] != 0:
                raise Unsupported("an order of axes whose first is not the batch")
            x = x.but(name=self.add(Permute(*permutation), [x], "order"))
        if shape is not None:
            if shape[0] != BATCH:
                raise Unsupported("a shape whose first axis is not the batch")
            x = x.but(name=self.add(Reshape(*shape[1:]), [x], "shape"))
        return x.but(order=order)

    def last(self, x: Activation) -> Activation:
        """Return a value with its channels last, and every axis."""
        if len(x.shape) == 2 and x.columns is not None:
            return x
        return self.arranged(x, channels_last(len(x.shape)))

    def filed(self, x: Activation) -> Activation:
        """Return a value whose tensor is that of the file."""
        return self.arranged(x, as_in_file(len(x.shape)))

    def layer_before(self, x: Activation, kind: Any) -> Any:
        """Return the layer that made a value, if it is of a class and nobody else takes its value.

        Args:
            x: the value.
            kind: of the layer.
        """
        at = self._produced.get(x.name)
        taken = sum(
            self.uses.get(name, 0)
            for name, value in self.values.items()
            if isinstance(value, Activation) and value.name == x.name
        )
        if at is None or taken != 1:
            return None
        layer = self.layers[self.steps[at].layer]
        return layer if type(layer) is kind or isinstance(layer, kind) else None

    def drop(self, x: Activation) -> str:
        """Remove the step that made a value, which nobody takes; return the name of its input."""
        at = self._produced.pop(x.name)
        step = self.steps.pop(at)
        del self.layers[step.layer]
        for name, place in self._produced.items():
            self._produced[name] = place - (place > at)
        return step.inputs[0]

    def exchange(self, x: Activation, layer: Module) -> None:
        """Put another layer where the one stands that made a value."""
        self.layers[self.steps[self._produced[x.name]].layer] = layer

    def module(
        self, inputs: Mapping[str, Activation], outputs: Sequence[Activation]
    ) -> GraphModule:
        """Return the model, its inputs called as in the file."""
        names = {x.name: name for name, x in inputs.items()}
        steps = [
            step._replace(inputs=tuple(names.get(name, name) for name in step.inputs))
            for step in self.steps
        ]
        made = [names.get(y.name, y.name) for y in outputs]
        shapes = {name: x.ours[1:] for name, x in inputs.items()}
        return GraphModule(self.layers, steps, list(inputs), made, shapes=shapes)

    def _free(self, hint: str) -> str:
        """Return a name for a layer that no other has, like one that the file has."""
        name = re.sub(r"[^0-9A-Za-z_]+", "_", hint).strip("_")
        if not is_free(name):
            name = f"layer_{name}".rstrip("_")
        self._names[name] += 1
        count = self._names[name]
        free = name if count == 1 else f"{name}_{count}"
        if count > 1 and self._names[free]:
            return self._free(free)
        self._names[free] += count > 1
        return free


def named_after(node: Node, weight: str = "") -> str:
    """Return what a layer may be called: after its weight, as PyTorch names it, or its operator.

    Example:
        >>> named_after(Node("Conv", "", "", ("x",), ("y",)), "features.0.weight")
        'features.0'
        >>> named_after(Node("Conv", "", "/block/block.1/conv/Conv", ("x",), ("y",)), "onnx::w_7")
        'block.1.conv'
        >>> named_after(Node("MaxPool", "", "MaxPool_12", ("x",), ("y",)))
        'max_pool'
    """
    owner, _, last = weight.rpartition(".")
    if owner and last in ("weight", "bias", "running_mean", "kernel"):
        return owner
    operator = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", node.type).lower()
    *scopes, last = node.name.strip("/").split("/")
    if scopes and last.split("_")[0] == node.type:
        # A scope of PyTorch's has the names of those around it too.
        inner = [*scopes[1:], ""]
        kept = [a for a, b in zip(scopes, inner, strict=True) if not b.startswith(f"{a}.")]
        return ".".join(kept)
    made = not last or last.lower().replace("node_", "").startswith((node.type.lower(), operator))
    return operator if made else last


def whole_batch(shape: Shape) -> bool:
    """Return whether lengths have the batch in front and nowhere else."""
    return shape[:1] == (BATCH,) and not any(n % BATCH == 0 for n in shape[1:] if n > 0)


def refused(where: str, problems: Sequence[str]) -> ConversionError:
    """Return the error that lists all that has no form here."""
    listed = "\n  ".join(dict.fromkeys(problems))
    return ConversionError(f"{where}: not all of this net has a form here:\n  {listed}")
