"""A model as named layers and the steps that they are run in, in any graph without cycles."""

import keyword
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ...autodiff import Tensor
from ...errors import ShapeError, StructureError
from ..module import Module


class Step(NamedTuple):
    """One layer's turn.

    Attributes:
        layer: its name.
        inputs: names of the values that it takes.
        output: name of the value that it makes.

    Example:
        >>> Step("fc", ("input0",), "fc")
        Step(layer='fc', inputs=('input0',), output='fc')
    """

    layer: str
    inputs: tuple[str, ...]
    output: str


class GraphModule(Module):
    """Layers, each an attribute by its name, and the steps in which values go through them.

    It is what nets of other frameworks become. A `Sequential` has one value that goes through all;
    here a value may be taken by several layers, and a layer may take several values.

    Args:
        layers: by names that an attribute may have.
        steps: in an order in which each value is made before it is taken.
        inputs: names of the values that are given.
        outputs: names of those that are returned.
        shapes: of inputs by name, the lengths after the batch; others are refused then.

    Attributes:
        steps, inputs, outputs, shapes: as they were given.

    Raises:
        StructureError: for a name that is none or is taken, or a step that takes what no step
            before it makes.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> layers = {"conv": qnn.Conv2d(2, 2, 3, padding=1), "add": qnn.nn.Elementwise("add")}
        >>> steps = [Step("conv", ("x",), "y"), Step("add", ("x", "y"), "z")]
        >>> net = GraphModule(layers, steps, ["x"], ["z"])
        >>> net(np.zeros((1, 4, 4, 2))).shape, net.conv.weight.shape
        ((1, 4, 4, 2), (2, 3, 3, 2))
    """

    def __init__(
        self,
        layers: Mapping[str, Module],
        steps: Sequence[Step],
        inputs: Sequence[str],
        outputs: Sequence[str],
        *,
        shapes: Mapping[str, tuple[int, ...]] | None = None,
    ) -> None:
        for name, layer in layers.items():
            if not isinstance(name, str) or not is_free(name):
                raise StructureError(f"GraphModule: no layer can be called {name!r}")
            if not isinstance(layer, Module):
                raise StructureError(f"GraphModule: {name} is {layer!r:.80}, not a Module")
            setattr(self, name, layer)
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self.shapes = dict(shapes or {})
        self.steps = tuple(Step(*step) for step in steps)
        known = set(self.inputs)
        for step in self.steps:
            missing = [name for name in step.inputs if name not in known]
            if missing or step.layer not in layers:
                what = missing or [f"layer {step.layer!r}"]
                raise StructureError(f"GraphModule: {step}: nothing before it makes {what}")
            if step.output in known:
                raise StructureError(f"GraphModule: {step}: there is a {step.output!r} already")
            known.add(step.output)
        if lost := [name for name in self.outputs if name not in known]:
            raise StructureError(f"GraphModule: no step makes the outputs {lost}")

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """Run the steps; several outputs are a tuple."""
        if len(inputs) != len(self.inputs):
            raise ShapeError(
                f"GraphModule: {len(self.inputs)} inputs are needed ({', '.join(self.inputs)}), "
                f"got {len(inputs)}"
            )
        values: dict[str, Tensor] = dict(zip(self.inputs, inputs, strict=True))
        for name, shape in self.shapes.items():
            if values[name].shape[1:] != shape:
                raise self._other_shape(name, shape, values[name].shape)
        for layer, taken, made in self.steps:
            values[made] = getattr(self, layer)(*[values[name] for name in taken])
        if len(self.outputs) == 1:
            return values[self.outputs[0]]
        return tuple(values[name] for name in self.outputs)

    def _other_shape(self, name: str, wanted: tuple[int, ...], got: tuple[int, ...]) -> ShapeError:
        shape = ", ".join(["batch", *map(str, wanted)])
        hint = ""
        if got == wanted:
            hint = "; one sample is a batch of one, x[None]"
        elif sorted(got[1:]) == sorted(wanted):
            hint = "; the same lengths in another order: are the channels where they should be?"
        return ShapeError(
            f"{type(self).__name__}: shape [{shape}] is needed for {name!r}, got {got}{hint}"
        )


def is_free(name: str) -> bool:
    """Return whether a layer of a `GraphModule` can have a name.

    Example:
        >>> is_free("conv1"), is_free("1"), is_free("forward"), is_free("steps")
        (True, False, False, False)
    """
    own = ("steps", "inputs", "outputs", "shapes")
    plain = name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("_")
    return plain and name not in own and not hasattr(GraphModule, name)
