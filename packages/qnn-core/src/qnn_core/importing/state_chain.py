"""Which parameters belong to flat images, as far as that is certain without an input.

How flat images lie depends on how many channels they have, and that a chain of layers tells. What
a `forward` by hand does between its layers, nobody knows without running it.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

from ..nn import (
    AvgPool1d,
    AvgPool2d,
    BatchNorm,
    Clip,
    Conv1d,
    Conv2d,
    Dropout,
    Flatten,
    GlobalAvgPool1d,
    GlobalAvgPool2d,
    HardSigmoid,
    HardSwish,
    HardTanh,
    LeakyReLU,
    Linear,
    MaxPool1d,
    MaxPool2d,
    Module,
    Pad2d,
    QuantConv1d,
    QuantConv2d,
    Quantize,
    QuantLinear,
    ReLU,
    Reshape,
    ResidualBlock,
    Sequential,
    Sigmoid,
    Softmax,
    Tanh,
)
from ..nn.surgery import Float, modules
from .state_layouts import Flat
from .state_places import places

# Of these classes themselves: what inherits from them may do anything.
PRODUCTS = {Linear, QuantLinear}
CONVOLUTIONS = {Conv1d, Conv2d, QuantConv1d, QuantConv2d}
POOLS = {AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d}
MEANS = {GlobalAvgPool1d, GlobalAvgPool2d}
KEEPERS = {Clip, Dropout, Float, HardSigmoid, HardSwish, HardTanh, LeakyReLU, Pad2d, Quantize}
KEEPERS |= {ReLU, Sigmoid, Softmax, Tanh}
SEEN_AS_IMAGES = CONVOLUTIONS | POOLS | {BatchNorm}
# Of what goes from layer to layer: as it was given, features, those on two axes (signals, if who
# takes them says so), images, flat images, or unknown.
GIVEN, FEATURES, STEPS, IMAGES, FLATTENED, UNKNOWN = range(6)
REMEDY = "give example=, an input of the model with its batch axis"


def chained(path: str, module: Module) -> Iterator[tuple[str, Module]]:
    """Yield the layers of a chain, with their paths: what inherits and runs otherwise is one."""
    if type(module).forward is Sequential.forward and isinstance(module, Sequential):
        for number, layer in enumerate(module):
            yield from chained(".".join(filter(None, (path, "layers", str(number)))), layer)
    else:
        yield path, module


def flat_in_chain(model: Module) -> tuple[Flat, list[str]]:
    """Return which parameters have an axis that is a flat image, and where it takes an example."""
    chain = _Chain()
    for path, layer in chained("", model):
        chain.step(path, layer)
    return chain.found, chain.problems


class _Chain:
    """Goes along a chain once, and knows after each layer what there is, and of how many channels.

    Attributes:
        found, problems: what `flat_in_chain` returns.
    """

    def __init__(self) -> None:
        self.found: Flat = {}
        self.problems: list[str] = []
        self._kind, self._channels = GIVEN, 0
        # Of features, what made them, and how many; of those on two axes, the lengths.
        self._makers: list[str] = []
        self._maker, self._features = "", 0
        self._lengths = (0, 0)
        # How many channels images had so far, whether there may be others, and all parameters.
        self._seen: set[int] = set()
        self._others = False
        self._used: set[int] = set()

    def step(self, path: str, layer: Any) -> None:
        kind = type(layer)
        own = {id(parameter) for parameter in layer.parameters()}
        if own & self._used:  # they must suit two places
            self._by_hand(path, layer)
            return
        self._used |= own
        if self._kind == STEPS and kind in SEEN_AS_IMAGES:
            self._note(self._makers, 0, self._lengths)
            self._now(IMAGES, self._lengths[1])
        if kind in PRODUCTS:
            self._product(path, layer)
        elif kind in CONVOLUTIONS or kind is ResidualBlock:
            self._images(layer)
        elif kind is BatchNorm:
            self._norm(path, layer)
        elif kind in POOLS:
            self._others = True
            self._kind = IMAGES if self._kind in (GIVEN, IMAGES) else UNKNOWN
        elif kind in MEANS:
            self._now(FEATURES)
        elif kind is Flatten or (kind is Reshape and len(layer.shape) == 1):
            self._flatten()
        elif kind is Reshape:
            self._reshape(layer.shape)
        elif kind not in KEEPERS:
            self._by_hand(path, layer)

    def _now(self, kind: int, channels: int = 0) -> None:
        self._kind, self._channels, self._makers = kind, channels, []

    def _product(self, path: str, layer: Any) -> None:
        size = layer.weight.shape[1]
        if self._kind == FLATTENED and self._channels and size % self._channels == 0:
            self._note([f"{path}.weight"], 1, (size // self._channels, self._channels))
        elif self._kind in (FLATTENED, UNKNOWN) or (
            self._kind == IMAGES and size != self._channels
        ):
            self._doubt(path, "takes", size)
        if self._kind in (IMAGES, STEPS):
            # Of images that nothing flattens theirs were moved, and perhaps back.
            self._now(UNKNOWN if self._kind == IMAGES else FEATURES)
            return
        self._now(FEATURES)
        self._makers = [f"{path}.{leaf}" for leaf in ("weight", "bias")]
        self._maker, self._features = path, layer.weight.shape[0]

    def _images(self, layer: Module) -> None:
        self._see(layer)
        last = layer.second if isinstance(layer, ResidualBlock) else layer
        assert isinstance(last, Conv2d)
        self._now(IMAGES, last.weight.shape[0])

    def _norm(self, path: str, layer: Any) -> None:
        size = layer.weight.shape[0]
        names = [f"{path}.{leaf}" for leaf in ("weight", "bias")]
        names += [f"{path}.{leaf}" for leaf in ("running_mean", "running_variance")]
        if self._kind == FLATTENED and self._channels and size % self._channels == 0:
            self._note(names, 0, (size // self._channels, self._channels))
        elif self._kind == FLATTENED:
            self._doubt(path, "normalizes", size)
        elif self._kind == FEATURES:
            self._makers += names if self._makers else []
        elif self._kind in (GIVEN, IMAGES):
            self._channels = size

    def _flatten(self) -> None:
        if self._kind in (GIVEN, IMAGES):
            # What is flattened as it was given is images mostly, of any number of channels.
            self._others |= self._kind == GIVEN
            self._kind = FLATTENED
        elif self._kind == STEPS:
            self._now(FEATURES)

    def _reshape(self, shape: tuple[int, ...]) -> None:
        if self._kind == GIVEN:
            if len(shape) > 2:
                self._now(IMAGES if shape[-1] > 0 else UNKNOWN, shape[-1])
        elif self._kind == FEATURES and self._makers and min(map(abs, shape)) > 0:
            channels = shape[-1] if shape[-1] > 0 else self._features // abs(prod(shape))
            self._kind, self._lengths = STEPS, (self._features // channels, channels)
            if prod(self._lengths) != self._features:
                self._now(UNKNOWN)  # it fails when it runs
            elif len(shape) > 2:
                self._note(self._makers, 0, self._lengths)
                self._now(IMAGES, channels)
        else:
            self._now(UNKNOWN)

    def _by_hand(self, path: str, module: Module) -> None:
        """Go on with what runs as nobody knows: what in it takes or makes images is in doubt."""
        self._see(module)
        if self._makers:
            self._doubt(self._maker, "makes", self._features)
        for place in places(module):
            if isinstance(place.module, Conv2d | BatchNorm):
                continue
            where = ".".join(filter(None, (path, place.path)))
            for leaf, tensor in place.tensors.items():
                if isinstance(place.module, Linear):
                    if leaf == "weight":
                        self._doubt(where, "takes", tensor.shape[1])
                        self._doubt(where, "makes", tensor.shape[0])
                    continue
                for size in sorted(set(tensor.shape)):
                    self._doubt(".".join(filter(None, (where, leaf))), "has", size)
        self._now(UNKNOWN)

    def _see(self, module: Module) -> None:
        inside = modules(module).values()
        for layer in inside:
            if isinstance(layer, Conv2d):
                self._seen |= {layer.weight.shape[0], layer.weight.shape[3] * layer.groups}
        self._others |= any(isinstance(layer, AvgPool2d | MaxPool2d) for layer in inside)

    def _doubt(self, path: str, does: str, size: int) -> None:
        """Ask for an example if the order of so many features could matter."""
        fits = [str(n) for n in sorted(self._seen) if 1 < n < size and size % n == 0]
        if fits or (self._others and not self._seen and size > 1 and does != "makes"):
            of = f" of {' or '.join(fits)} channels" if fits else ""
            self.problems.append(
                f"{path or 'the model'} {does} {size} features: it cannot be told whether these "
                f"are flattened images{of}, which PyTorch has channel by channel; {REMEDY}"
            )

    def _note(self, names: list[str], axis: int, lengths: tuple[int, int]) -> None:
        for name in names:
            self.found.setdefault(name, {})[axis] = (lengths,)
