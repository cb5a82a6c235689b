"""How weights and their codes change over the epochs of a training."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import StateError
from ...nn import Module
from ...nn.quant.quantized_weight import QuantizedWeight
from ...quantizer import codebook
from ...training.history import Epoch
from .weights import Weights

BINS = 80  # of the latent weights
BEYOND = 0.5  # of the range of the levels, on either side


@dataclass(frozen=True, eq=False)
class Snapshot:
    """A layer's weight after an epoch.

    Attributes:
        epoch: its number; 0 is before the first.
        latent: int64, how many latent weights lie in each bin, see `bins`; those beyond are in the
            first and the last.
        counts: int64 ``[levels]``, how often each code occurs.
        changed: share of the codes that differ from those of the snapshot before; 0 for the first.
        masked: share of the weights that get no gradient.
        scale: mean of the weight's scales.
    """

    epoch: int
    latent: NDArray[np.int64]
    counts: NDArray[np.int64]
    changed: float
    masked: float
    scale: float


class WeightHistory:
    """What becomes of a model's quantized weights in training: give it to `fit` as ``on_epoch``.

    It keeps histograms of each layer, and codes of the last epoch, not the weights of all.

    Args:
        model: what is trained; snapshots of it as it is now are the first.

    Attributes:
        layers: by the path of each layer with a quantized weight, its snapshots.

    Raises:
        StateError: if no layer has a quantized weight.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([2, 4, 2], weight="symmetric:2", seed=0)
        >>> weights = qnn.WeightHistory(model)
        >>> optimizer = qnn.optim.SGD(model.parameters(), lr=1.0)
        >>> _ = qnn.fit(
        ...     model, (np.eye(2), [0, 1]), epochs=3, optimizer=optimizer, on_epoch=weights
        ... )
        >>> [snapshot.epoch for snapshot in weights.layers["layers.0"]]
        [0, 1, 2, 3]
    """

    def __init__(self, model: Module) -> None:
        self._watched = {
            path: module
            for path, module in model.named_modules()
            if isinstance(module, QuantizedWeight) and module.weight_quantizer is not None
        }
        if not self._watched:
            raise StateError(
                f"WeightHistory: no layer of this {type(model).__name__} has a quantized weight"
            )
        self.layers: dict[str, list[Snapshot]] = {path: [] for path in self._watched}
        self._codes: dict[str, NDArray[np.uint8]] = {}
        self._take(0)

    def __call__(self, epoch: Epoch) -> None:
        """Take a snapshot of each layer."""
        self._take(epoch.epoch)

    def of(self, layer: Module) -> list[Snapshot]:
        """Return the snapshots of a layer.

        Raises:
            StateError: if it is none of those of the model.
        """
        for path, module in self._watched.items():
            if module is layer:
                return self.layers[path]
        raise StateError(
            f"WeightHistory: this {type(layer).__name__} is no layer of the watched model, "
            f"whose quantized ones are {', '.join(self._watched)}"
        )

    def _take(self, number: int) -> None:
        for path, layer in self._watched.items():
            assert layer.weight_quantizer is not None  # only such are watched
            now = Weights.of(layer.weight.array, layer.weight_quantizer)
            edges = bins(codebook(now.quantizer).levels)
            before = self._codes.get(path, now.codes)
            self.layers[path].append(
                Snapshot(
                    epoch=number,
                    latent=np.histogram(np.clip(now.u, edges[0], edges[-1]), edges)[0],
                    counts=now.counts,
                    changed=float(np.mean(now.codes != before)),
                    masked=now.masked,
                    scale=float(np.mean(now.qparams.scale)),
                )
            )
            self._codes[path] = now.codes


def bins(levels: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the edges of the bins of latent weights, in units of the scale."""
    low, high = float(levels[0]), float(levels[-1])
    room = BEYOND * (high - low)
    return np.linspace(low - room, high + room, BINS + 1)
