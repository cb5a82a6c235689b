"""An ONNX model in the making: nodes and constants as plain data, under names of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

# The domain of QONNX's operators.
QONNX = "qonnx.custom_op.general"


@dataclass(frozen=True)
class Operator:
    """One node: its type, the names that it takes and the name that it makes."""

    type: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    domain: str = ""


@dataclass(frozen=True, eq=False)
class Constant:
    """An array of the file.

    Attributes:
        array: its elements.
        type: of an element where NumPy has no such dtype: ``"INT4"``, ``"UINT2"``, ...; else "".
    """

    array: Array
    type: str = ""


@dataclass(frozen=True)
class Port:
    """An input or output of the model; its axis 0 is the batch.

    Attributes:
        name: in the file.
        dtype: of its elements.
        shape: of one sample.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]


class Document:
    """Nodes and constants; whoever adds one gets the name that it has.

    Args:
        opset: version of the standard operators.

    Attributes:
        operators: in the order in which they run.
        constants: by name.
        inputs, outputs: of the model.
        metadata: texts by name.
    """

    def __init__(self, opset: int) -> None:
        self.opset = opset
        self.operators: list[Operator] = []
        self.constants: dict[str, Constant] = {}
        self.inputs: list[Port] = []
        self.outputs: list[Port] = []
        self.metadata: dict[str, str] = {}
        self._names: set[str] = set()
        self._known: dict[Any, str] = {}

    def name(self, wanted: str) -> str:
        """Return a name that nothing has: `wanted`, or that with a number; it is taken then."""
        unique, number = wanted, 1
        while unique in self._names:
            number += 1
            unique = f"{wanted}_{number}"
        self._names.add(unique)
        return unique

    def constant(self, array: Any, name: str, type: str = "") -> str:
        """Keep an array and return its name; one that is there already is kept once."""
        array = np.array(array, order="C")
        key = (type, array.dtype.str, array.shape, array.tobytes())
        if key not in self._known:
            self._known[key] = self.name(name)
            self.constants[self._known[key]] = Constant(array, type)
        return self._known[key]

    def add(
        self,
        type: str,
        inputs: Sequence[str],
        output: str,
        **attributes: Any,
    ) -> str:
        """Add a node and return the name of what it makes, which begins with `output`."""
        return self._add(Operator(type, tuple(inputs), self.name(output), attributes))

    def add_qonnx(self, type: str, inputs: Sequence[str], output: str, **attributes: Any) -> str:
        """Add a node of QONNX."""
        return self._add(Operator(type, tuple(inputs), self.name(output), attributes, QONNX))

    def has_domain(self, domain: str) -> bool:
        """Whether some node is of a domain."""
        return any(operator.domain == domain for operator in self.operators)

    def cast(self, x: str, to: str, output: str) -> str:
        """Add a cast to a dtype of NumPy's, by its name."""
        return self.add("Cast", [x], output, to=np.dtype(to))

    def input(self, name: str, dtype: str, shape: tuple[int, ...]) -> str:
        """Add an input of the model."""
        self.inputs.append(Port(self.name(name), dtype, shape))
        return self.inputs[-1].name

    def output(self, value: str, name: str, dtype: str, shape: tuple[int, ...]) -> None:
        """Make a value an output of the model, which is called `name` from then on.

        One that is an input, or an output already, is ``name_output``.
        """
        if value in self.constants or value in {p.name for p in (*self.inputs, *self.outputs)}:
            value = name = self.add("Identity", [value], f"{name}_output")
        if value != name:
            if name in self._names:
                self._rename(name, self.name(f"{name}_inner"))
            self._rename(value, name)
        self.outputs.append(Port(name, dtype, shape))

    def _add(self, operator: Operator) -> str:
        self.operators.append(operator)
        return operator.output

    def _rename(self, old: str, new: str) -> None:
        self._names.add(new)
        self.constants = {new if n == old else n: c for n, c in self.constants.items()}
        self._known = {key: new if n == old else n for key, n in self._known.items()}
        self.operators = [
            replace(
                made,
                inputs=tuple(new if name == old else name for name in made.inputs),
                output=new if made.output == old else made.output,
            )
            for made in self.operators
        ]
