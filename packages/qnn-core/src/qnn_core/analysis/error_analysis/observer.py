"""Looks on while a model runs, and adds up what its quantizers do."""

from typing import Any, NamedTuple

from ...autodiff import Op, Parameter, Tensor
from ...nn import Module, QuantizeWeight
from ...nn.watcher import Watcher
from ...quantizer import Quantizer
from .errors_of import Errors, errors_of


class Place(NamedTuple):
    """Where data are quantized.

    Attributes:
        path: of the module in which it happens: a `Quantize`, or whatever calls `fake_quantize`.
        kind: ``"weight"`` or ``"input"``.
        quantizer: the scheme.
    """

    path: str
    kind: str
    quantizer: Quantizer


class Watch(Watcher):
    """A recorder of the errors at each place, in the order of first use.

    Args:
        model: whose modules' paths name the places.

    Attributes:
        errors: sums over all that was quantized at each place; a weight counts once.
    """

    def __init__(self, model: Module) -> None:
        super().__init__(model)
        self.errors: dict[Place, Errors] = {}

    def record(
        self, op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Add up the errors of an operation that quantizes."""
        quantizer = attributes.get("quantizer")
        if not isinstance(quantizer, Quantizer):
            return
        x = inputs[0]
        is_weight = isinstance(self.module, QuantizeWeight) or isinstance(x, Parameter)
        place = Place(self.path, "weight" if is_weight else "input", quantizer)
        if is_weight and place in self.errors:
            return
        found = errors_of(x.array, output.array, output.quantized)
        known = self.errors.get(place)
        self.errors[place] = found if known is None else known + found
