"""Looks on while a model runs, and adds up what its quantizers do."""

from typing import Any, NamedTuple

from ...autodiff import Op, Parameter, Tensor
from ...nn import Module, QuantizeWeight
from ...nn.surgery import modules
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


class Watch:
    """A recorder (see `autodiff.mode`) of the errors at each place, in the order of first use.

    Args:
        model: whose modules' paths name the places.

    Attributes:
        errors: sums over all that was quantized at each place; a weight counts once.
    """

    lenient = False

    def __init__(self, model: Module) -> None:
        self.errors: dict[Place, Errors] = {}
        self._paths = {id(module): path for path, module in modules(model).items()}
        self._inside: list[Module] = []

    def enter(self, module: Module) -> None:
        """Note that what follows happens in `module`."""
        self._inside.append(module)

    def leave(self) -> None:
        """Note that the module entered last is done."""
        self._inside.pop()

    def record(
        self, op: Op, inputs: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Add up the errors of an operation that quantizes."""
        quantizer = attributes.get("quantizer")
        if not isinstance(quantizer, Quantizer):
            return
        x, module = inputs[0], self._inside[-1]
        is_weight = isinstance(module, QuantizeWeight) or isinstance(x, Parameter)
        place = Place(
            self._paths.get(id(module), ""), "weight" if is_weight else "input", quantizer
        )
        if is_weight and place in self.errors:
            return
        found = errors_of(x.array, output.array, output.quantized)
        known = self.errors.get(place)
        self.errors[place] = found if known is None else known + found
