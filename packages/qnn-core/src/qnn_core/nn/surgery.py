"""Layers and quantizers by their names, and models with others in their places."""

import copy
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from ..autodiff import Tensor
from ..errors import SpecError, nearest
from .layers import Conv2d, Linear
from .module import Module
from .quant import Quantize

M = TypeVar("M", bound=Module)


class Float(Module):
    """Stands where a quantizer was, and leaves what it gets as it is.

    Example:
        >>> Float()([0.3])
        Tensor([0.3])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return `x`."""
        return x


def layers(model: Module) -> dict[str, Linear | Conv2d]:
    """Return the linear and convolutional layers of a model, quantized ones too, by their paths.

    Example:
        >>> import qnn_core as qnn
        >>> list(layers(qnn.MLP([3, 4, 2])))
        ['layers.0', 'layers.2']
    """
    return {n: m for n, m in modules(model).items() if isinstance(m, Linear | Conv2d)}


def quantizers(model: Module) -> dict[str, Quantize]:
    """Return the quantizers of a model, those of weights too, by their paths.

    Example:
        >>> import qnn_core as qnn
        >>> list(quantizers(qnn.MLP([3, 4, 2], weight="binary", input="uniform:2")))
        ['layers.0.weight_quantizer', 'layers.0.input_quantizer']
    """
    return {n: m for n, m in modules(model).items() if isinstance(m, Quantize)}


def modules(model: Module) -> dict[str, Module]:
    """Return all modules, each once, by its first path; that of the model itself is ``""``."""
    return dict(model.named_modules())


def exchange(model: M, changes: Mapping[str, Module | None]) -> M:
    """Return the model with other modules in some places; the model itself stays as it is.

    Both have the same parameters and buffers, not copies of them. A module that stands in several
    places is exchanged in all of them.

    Args:
        model: any module, with modules anywhere in it.
        changes: what stands at which path; None where an attribute may be None.

    Raises:
        SpecError: if there is no module at a path.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([3, 4, 2], weight="binary", seed=0)
        >>> exchange(model, {"layers.0.weight_quantizer": None, "layers.1": qnn.nn.Tanh()})
        MLP()
          layers.0: QuantLinear(3, 4, bias=True)
          layers.1: Tanh()
          layers.2: Linear(4, 2, bias=True)
    """
    known = modules(model)
    check_names("exchange", changes, known)
    # A copy consults its memo before it looks at an object: what stands there takes its place,
    # wherever and however the model holds it.
    memo: dict[int, Any] = {id(t): t for t in (*model.parameters(), *_buffers(model))}
    memo |= {id(known[path]): new for path, new in changes.items()}
    return copy.deepcopy(model, memo)


def check_module(where: str, model: Any) -> None:
    """Raise a SpecError if a model is no module."""
    if not isinstance(model, Module):
        hint = ""
        if isinstance(model, Mapping):
            hint = ": a state? load_state_dict, load_torch_state and warm_start give it to a model"
        short = model is None or isinstance(model, str | int | float)
        shown = repr(model) if short else f"a {type(model).__name__}"
        raise SpecError(f"{where}: the model must be a qnn_core.nn.Module, got {shown}{hint}")


def check_names(where: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise a SpecError if a name is not known; it lists those that are."""
    known = list(known)
    for name in given:
        if name not in known:
            listed = ", ".join(repr(n) for n in known) or "none"
            raise SpecError(
                f"{where}: no {name!r}{nearest(str(name), known)} (there are: {listed})"
            )


def _buffers(model: Module) -> Iterable[Tensor]:
    return (buffer for _, buffer in model.named_buffers())
