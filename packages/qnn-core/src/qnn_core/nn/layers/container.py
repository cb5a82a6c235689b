"""Layers that hold or rearrange."""

from collections.abc import Iterator, Sequence
from math import prod

from ...arguments import whole
from ...autodiff import Tensor
from ...errors import ShapeError
from ...ops import reshape
from ..module import Module


class Sequential(Module):
    """Modules one after the other.

    Args:
        layers: modules; each takes what the one before it returns.

    Example:
        >>> import qnn_core as qnn
        >>> model = Sequential(qnn.nn.Flatten(), qnn.nn.Linear(4, 2))
        >>> model(qnn.Tensor([[[1, 2], [3, 4]]])).shape
        (1, 2)
    """

    def __init__(self, *layers: Module) -> None:
        for position, layer in enumerate(layers):
            if not isinstance(layer, Module):
                raise TypeError(
                    f"Sequential: layer {position} is {layer!r}, not a Module{_hint(layer)}"
                )
        self.layers = list(layers)

    def forward(self, x: Tensor) -> Tensor:
        """Apply each layer in turn."""
        for layer in self.layers:
            x = layer(x)
        return x

    def __iter__(self) -> Iterator[Module]:
        return iter(self.layers)

    def __getitem__(self, index: int) -> Module:
        return self.layers[index]

    def __len__(self) -> int:
        return len(self.layers)


def _hint(given: object) -> str:
    """Return what whoever gave this may have meant."""
    if isinstance(given, list | tuple):
        return ": Sequential(*layers) takes those of a list"
    if callable(given):
        return ": a function of tensors is called in the forward of a Module of your own"
    return ""


class Flatten(Module):
    """``[batch, ...]`` to ``[batch, elements]``.

    Example:
        >>> import qnn_core as qnn
        >>> Flatten()(qnn.Tensor([[[1, 2], [3, 4]]]))
        Tensor([[1., 2., 3., 4.]])
    """

    def forward(self, x: Tensor) -> Tensor:
        """Flatten all but the first axis."""
        return reshape(x, (x.shape[0], prod(x.shape[1:])))


class Reshape(Module):
    """``[batch, ...]`` to ``[batch, *shape]``, in C order.

    Args:
        shape: lengths after the batch; one may be -1.
        images: whether they are those of images, channels last, that are given flat or as they
            are: others, with their channels first for example, are refused then.

    Raises:
        ShapeError: if a length is not a whole number; in `forward`, if the number of elements
            differs, or images have another order of axes.

    Example:
        >>> import numpy as np
        >>> Reshape(28, 28, 1)(np.zeros((5, 784))).shape
        (5, 28, 28, 1)
    """

    # Of a class, so that models of earlier files have it too.
    images: bool = False

    def __init__(self, *shape: int, images: bool = False) -> None:
        if images:
            self.images = True
        self.shape = tuple(
            whole("Reshape", "a length", n, least=-1, error=ShapeError) for n in shape
        )

    def forward(self, x: Tensor) -> Tensor:
        """Reshape all but the first axis."""
        if self.images and x.ndim > 2 and _long(x.shape[1:]) != _long(self.shape):
            shape = ", ".join(map(str, self.shape))
            turned = x.ndim == 4 and (*x.shape[2:], x.shape[1]) == self.shape
            hint = ": are the channels first? transpose(0, 2, 3, 1) moves them last"
            raise ShapeError(
                f"images [batch, {shape}] are needed, channels last, or flat ones [batch, "
                f"{prod(self.shape)}]; got shape {x.shape}{hint * turned}"
            )
        return reshape(x, (x.shape[0], *self.shape))

    def describe(self) -> str:
        """Return the lengths."""
        return ", ".join(str(length) for length in self.shape)


def _long(shape: Sequence[int]) -> list[int]:
    """Return the lengths but 1: an axis more or less of that length moves nothing."""
    return [n for n in shape if n != 1]
