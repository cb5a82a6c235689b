"""The multilayer perceptron, with any quantizers."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from ...errors import ShapeError
from ..init import Seed, generator
from ..layers.container import Sequential
from ..layers.norm import BatchNorm, Dropout
from ..module import Module
from .specs import SAME, Spec, activation_of, linear_layer, of_the_ends


class MLP(Sequential):
    """Fully connected layers with an activation between each two.

    Every layer but the last has its weight and its input quantized as given; the last is float
    unless `last_weight` or `last_input` says otherwise, as is usual in the field. The first is as
    the others unless `first_weight` or `first_input` says otherwise: what enters it are data,
    whose range is known, so its scale need not be learned. For a seed, the initial weights are
    the same whatever the quantizers, so that runs can be compared in pairs.

    Args:
        sizes: number of features from input to output, at least two.
        weight: quantizer of the weights, None for float.
        input: quantizer of the layers' inputs, None for float.
        activation: ``"relu"``, ``"hardtanh"``, ``"tanh"`` or ``"sigmoid"``.
        batch_norm: whether to normalize before each activation.
        dropout: rate after each activation.
        bias: whether the layers have one.
        first_weight: quantizer of the first layer's weight, None for float; ``"same"`` is `weight`.
        first_input: quantizer of the first layer's input, None for float; ``"same"`` is `input`.
        last_weight: quantizer of the last layer's weight, likewise. If there is one layer, it is
            the last, which `weight` is not for: this counts, or if it is None or ``"same"``, a
            `first_weight` that is not ``"same"``.
        last_input: quantizer of the last layer's input, likewise.
        weight_bounds: ``(low, high)`` for the latent weights of the quantized layers.
        seed: of the initial weights and of dropout.

    Raises:
        ShapeError: if `sizes` has fewer than two entries, or one below 1.
        SpecError: for an unknown activation or quantizer.

    Example:
        >>> import qnn_core as qnn
        >>> MLP([784, 100, 10], weight="symmetric:2", input="uniform:2", seed=0)
        MLP()
          layers.0: QuantLinear(784, 100, bias=True)
            weight_quantizer: QuantizeWeight(Symmetric(bits=2))
            input_quantizer: Quantize(Uniform(bits=2))
          layers.1: ReLU()
          layers.2: Linear(100, 10, bias=True)
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        weight: Spec = None,
        input: Spec = None,
        activation: str = "relu",
        batch_norm: bool = False,
        dropout: float = 0.0,
        bias: bool = True,
        first_weight: Spec = SAME,
        first_input: Spec = SAME,
        last_weight: Spec = None,
        last_input: Spec = None,
        weight_bounds: tuple[float, float] | None = None,
        seed: Seed = None,
    ) -> None:
        if len(sizes) < 2:
            raise ShapeError(f"MLP: sizes needs an input and an output, got {list(sizes)}")
        active = activation_of("MLP", activation)
        rng = generator(seed)
        layers: list[Module] = []
        last = len(sizes) - 2
        at_first, at_last = of_the_ends(
            (weight, input), (first_weight, first_input), (last_weight, last_input), only=last == 0
        )
        for n, (before, after) in enumerate(pairwise(sizes)):
            quantizers, place = ((weight, input), "") if n else (at_first, "first")
            if n == last:
                quantizers, place = at_last, "last"
            options: dict[str, Any] = {"bias": bias, "seed": rng, "place": place}
            layers.append(linear_layer(quantizers, weight_bounds, before, after, **options))
            if n == last:
                break
            if batch_norm:
                layers.append(BatchNorm(after))
            layers.append(active())
            if dropout:
                layers.append(Dropout(dropout, seed=int(rng.integers(2**31))))
        super().__init__(*layers)
