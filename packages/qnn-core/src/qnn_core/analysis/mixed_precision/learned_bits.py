"""Bits of each layer that are learned along with its weights, under a budget of bytes."""

import copy
import functools
from typing import Any

import numpy as np

from ...arguments import real, whole
from ...autodiff import Parameter, Tensor
from ...data import Given
from ...errors import SpecError
from ...nn import Module, QuantizeWeight
from ...nn.parts import joined
from ...nn.surgery import exchange
from ...ops import maximum, softmax_cross_entropy
from ...optim import Adam
from ...quantizer import Quantizer
from ...training import fit
from ...training.evaluate import Loss
from ...training.metrics import MetricLike
from .allocate import allocate
from .options import FLOAT_BITS, Choice, Choices, Option
from .report import Allocation
from .trial import Trial

# How much the loss rises for being over the budget by as much as the budget is. What is bought with
# the bytes is worth less, so that the budget holds at the end.
PRESSURE = 10.0


class BetweenWidths(Module):
    """A weight that lies between what two widths make of it: ``(1 - f) Q_k(w) + f Q_k+1(w)``.

    Args:
        options: ascending by bits, each with its quantizer, fitted to the weight.
        bits: where it begins.

    Attributes:
        place: how many options lie below, and by which share the next is reached: what is trained.
    """

    def __init__(self, options: list[Option], bits: float) -> None:
        self.bits = [option.bits for option in options]
        # Their scales stay: of most of them no loss depends, and what is learned is how many bits.
        self.choices = [copy.deepcopy(option.module) for option in options]
        self._to_train = [q for q in self.choices if q is not None and not q.frozen]
        for quantizer in self._to_train:
            quantizer.freeze()
        self.size = options[0].weight.size
        place = np.interp(bits, self.bits, np.arange(len(options)))
        self.place = Parameter(place, bounds=(0.0, len(options) - 1.0), decay=False)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the weight between two options."""
        low, share = self._between()
        below, above = (self._made(weight, n) for n in (low, low + 1))
        return below + (above - below) * share

    def _made(self, weight: Tensor, n: int) -> Tensor:
        quantizer = self.choices[n]
        return weight if quantizer is None else quantizer(weight)

    @property
    def now(self) -> float:
        """The bits of a weight, as they are now."""
        return float(self.stored().array) / self.size

    def nearest(self) -> QuantizeWeight:
        """Return the quantizer of the width that is nearest, to be trained again."""
        for quantizer in self._to_train:
            quantizer.unfreeze()
        # Float has none, and is one of the options again when the bits are settled.
        pairs = zip(self.bits, self.choices, strict=True)
        found = [(abs(bits - self.now), n, q) for n, (bits, q) in enumerate(pairs) if q is not None]
        return min(found)[2]

    def _between(self) -> tuple[int, Tensor]:
        """Return the option below, and the share of the next."""
        low = min(int(self.place.array), len(self.bits) - 2)
        return low, self.place - low

    def stored(self) -> Tensor:
        """Return the bits of all its weights, as they are trained."""
        low, share = self._between()
        return (share * (self.bits[low + 1] - self.bits[low]) + self.bits[low]) * self.size


def learn_bits(
    model: Module,
    data: Given,
    *,
    budget: int,
    epochs: int,
    bits: Choices = None,
    lr: float = 1e-3,
    bits_lr: float = 0.03,
    batch_size: int | None = None,
    seed: int = 0,
    loss: Loss = softmax_cross_entropy,
    metric: MetricLike = "auto",
    progress: bool | None = None,
) -> Allocation:
    """Choose the bits of each layer's weight by training them, within so many bytes.

    In training each weight lies between what two neighbouring widths make of it, and how far is
    trained with it: FracBits (Yang and Jin 2020, arXiv:2007.02017, section 3.2). What is over the
    budget is added to the loss, in proportion. At the end each layer gets the width that is nearest
    to what was learned, as far as files of the budget allow: `allocate` finds them, with the
    squared distance as its sensitivity. What rounding leaves of the budget is not spent.

    Beside `allocate`, which measures a trained net and trains nothing, it takes a training, and
    sees what layers have to do with each other.

    Args:
        model: with quantized weights in `QuantLinear` or `QuantConv2d` layers, as `quantize` made
            it or training left it. It stays as it is.
        data: as `fit` takes it; what the plans are judged by too.
        budget: greatest size of the file that ``qnn.pack(...).save`` writes, in bytes.
        epochs: of training.
        bits: see `allocate`.
        lr: rate of Adam for the parameters of the model.
        bits_lr: the same for where a layer is between its widths, 1 from one to the next.
        batch_size: see `fit`.
        seed: see `fit`.
        loss: see `allocate`.
        metric: see `allocate`.
        progress: see `fit`.

    Returns:
        What `allocate` does, of the model as it was trained; ``found.model`` may be trained on.

    Raises:
        SpecError: as `allocate`, or if no layer has several widths to choose from.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
        >>> y = (x[:, 0] > 0).astype(int)
        >>> net = qnn.MLP([8, 32, 32, 2], seed=0)
        >>> model = qnn.quantize(net, weight="symmetric:8", input="uniform:8", calibration=x)
        >>> found = learn_bits(
        ...     model, (x, y), budget=2500, epochs=5, bits=(2, 4, 8), batch_size=16, progress=False
        ... )
        >>> list(found.bits), found.nbytes <= 2500
        (['layers.0', 'layers.2'], True)
    """
    budget = whole("learn_bits", "budget, in bytes,", budget, least=1, error=SpecError)
    bits_lr = real("learn_bits", "bits_lr", bits_lr, above=0)
    trial = Trial(model, data, bits, loss, metric)
    free = {
        path: sorted(options, key=lambda option: option.bits)
        for path, options in trial.groups.items()
        if len(options) > 1
    }
    if not free:
        raise SpecError("learn_bits: no layer has more than one width to choose from")
    room = _room(trial, free, budget)
    widths = _begin(free, room)
    mixed = exchange(
        copy.deepcopy(model), {_quantizer(path): width for path, width in widths.items()}
    )
    places = [width.place for width in widths.values()]
    known = {id(place) for place in places}
    others = [p for p in mixed.parameters() if id(p) not in known and p.requires_grad]
    groups: list[dict[str, Any]] = [{"params": others}, {"params": places, "lr": bits_lr}]
    optimizer = Adam(groups, lr=lr)
    fit(
        mixed, data, epochs=epochs, optimizer=optimizer, metric=metric, batch_size=batch_size,
        loss=_with_size(loss, mixed, [*widths.values()], room), seed=seed, progress=progress,
    )  # fmt: skip # one call
    learned = {path: width.now for path, width in widths.items()}
    trained = exchange(mixed, {_quantizer(path): w.nearest() for path, w in widths.items()})

    def distance(path: str, quantizer: Quantizer | None) -> float:
        width = FLOAT_BITS if quantizer is None else quantizer.bits
        return (width - learned[path]) ** 2 if path in learned else 0.0

    # As they are, not as bits of what a layer has now: that may be another scheme.
    choices: dict[str, list[Choice]] = {
        path: [FLOAT_BITS if o.quantizer is None else o.quantizer for o in options]
        for path, options in trial.groups.items()
    }
    return allocate(
        trained, data, budget=budget, bits=choices, sensitivity=distance, loss=loss, metric=metric
    )


def _quantizer(path: str) -> str:
    return joined(path, "weight_quantizer")


def _room(trial: Trial, free: dict[str, list[Option]], budget: int) -> float:
    """Return how many bits the codes of the layers with a choice may have together.

    Raises:
        SpecError: if the file with the fewest bits in each is greater than the budget.
    """
    fewest = tuple(
        min(range(len(options)), key=lambda n: options[n].bits) for options in trial.groups.values()
    )
    nbytes = trial.nbytes(fewest)
    if nbytes > budget:
        raise SpecError(
            f"learn_bits: a budget of {budget:,} bytes is too small: the packed file with the "
            f"fewest bits in each layer has {nbytes:,}"
        )
    least = sum(options[0].weight.size * options[0].bits for options in free.values())
    return least + 8.0 * (budget - nbytes)


def _begin(free: dict[str, list[Option]], room: float) -> dict[str, BetweenWidths]:
    """Return all layers at the same number of bits, the one that fills the room."""
    weights = sum(options[0].weight.size for options in free.values())
    return {path: BetweenWidths(options, room / weights) for path, options in free.items()}


def _with_size(loss: Loss, mixed: Module, widths: list[BetweenWidths], room: float) -> Loss:
    """Return the loss with what the weights take beyond the room, in training."""

    @functools.wraps(loss)  # metrics go by the loss, and data by its arguments
    def sized(outputs: Any, targets: Any, **options: Any) -> Tensor:
        found = loss(outputs, targets, **options)
        if not mixed.training:
            return found
        stored = widths[0].stored()
        for width in widths[1:]:
            stored = stored + width.stored()
        return found + maximum(stored / room - 1, 0.0) * PRESSURE

    sized.wrapped_loss = loss  # type: ignore[attr-defined] # see `metrics.unwrapped`
    return sized
