"""One operator of a file, with what it is given: what the translators of operators see."""

from dataclasses import dataclass
from typing import Any

from .builder import Builder, Unsupported, Value, named_after
from .document import Node
from .values import Activation, Constant


@dataclass(frozen=True, eq=False)
class Call:
    """An operator and its inputs.

    Attributes:
        node: of the file.
        inputs: by position, None for one that is left out.
        builder: where layers go.
        opset: of ONNX's own operators.
        batch: its length, where the file has a fixed one.
        fold: whether batch normalization is to be folded into the layer before it.
    """

    node: Node
    inputs: tuple[Value | None, ...]
    builder: Builder
    opset: int
    batch: int | None = None
    fold: bool = False

    def required(self, name: str) -> Any:
        """Return an attribute that must be there.

        Raises:
            Unsupported: if it is not.
        """
        if name not in self.node.attributes:
            raise Unsupported(f"without the attribute {name!r}")
        return self.node.attributes[name]

    def lengths(self, name: str, count: int, default: int, least: int = 1) -> tuple[int, ...]:
        """Return an attribute that has a number for each axis.

        Raises:
            Unsupported: if it has others.
        """
        found = tuple(self.attribute(name, (default,) * count))
        if len(found) != count or any(n < least for n in found):
            raise Unsupported(f"{name} {found}; {count} numbers of at least {least} are needed")
        return found

    def attribute(self, name: str, default: Any = None) -> Any:
        """Return an attribute, or its default."""
        return self.node.attributes.get(name, default)

    def activation(self, at: int = 0) -> Activation:
        """Return an input that depends on the net's input.

        Raises:
            Unsupported: if it is a constant, or left out.
        """
        x = self.inputs[at] if at < len(self.inputs) else None
        if not isinstance(x, Activation):
            raise Unsupported(f"input {at} is a constant, or left out")
        return x

    def constant(self, at: int, default: Any = None) -> Any:
        """Return an input that is known as an array, or a default if it is left out.

        Raises:
            Unsupported: if it depends on the net's input.
        """
        x = self.inputs[at] if at < len(self.inputs) else None
        if x is None:
            return default
        if isinstance(x, Activation):
            raise Unsupported(f"input {at} ({self.node.inputs[at]!r}) is no constant")
        if x.of_batch:
            raise Unsupported(f"input {at} ({self.node.inputs[at]!r}), which the batch decides")
        return x.values

    def weight(self, at: int) -> Constant:
        """Return an input that is a weight, with how it is quantized.

        Raises:
            Unsupported: if it depends on the net's input.
        """
        self.constant(at)
        found = self.inputs[at]
        assert isinstance(found, Constant)
        return found

    def hint(self, weight: int | None = None) -> str:
        """Return a name for a layer, after its weight if it has one."""
        found = None if weight is None else self.inputs[weight]
        return named_after(self.node, found.name if isinstance(found, Constant) else "")

    def axis(self, axis: int, rank: int) -> int:
        """Return an axis counted from the front.

        Raises:
            Unsupported: if there is no such axis.
        """
        if not -rank <= axis < rank:
            raise Unsupported(f"axis {axis} of a value with {rank} axes")
        return int(axis) % rank
