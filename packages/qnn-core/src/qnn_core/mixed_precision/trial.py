"""A model with any of its options in each layer, and what the data say about it."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import ShapeError
from ..nn import Module
from ..packed import PackedModel, pack
from ..packed.model import packed_nbytes
from ..places import exchange, inside
from ..training import Evaluation, evaluate
from ..training.batches import Given, batches_of, checked_batches
from ..training.evaluate import Loss
from .options import Choices, Option, options_of
from .report import Plan, Sensitivity
from .search import Chosen

# By the layer's path, then by the option's name.
Costs = dict[str, dict[str, Sensitivity]]

# On so many samples the packed model is seen to answer as the model does.
SAMPLES = 16


class Trial:
    """A model, the options of its layers, and the data.

    Args:
        model: it is copied.
        data: pairs of inputs and targets.
        bits: see `allocate`.
        loss: see there.

    Attributes:
        groups: the options of each layer with a quantized weight, by the layer's path.
        float_result: loss and accuracy with all these weights float.
    """

    def __init__(self, model: Module, data: Given, bits: Choices, loss: Loss) -> None:
        self._model = copy.deepcopy(model).eval()
        self._loss = loss
        self.groups = options_of(self._model, bits)
        self._data = [*checked_batches(_targeted(data), self._model.dtype, "allocate")]
        self.float_result = self._evaluated(dict.fromkeys(self.groups))

    def model(self, chosen: Chosen) -> Module:
        """Return the model with one option in each layer."""
        return self._with(self._options(chosen))

    def packed(self, chosen: Chosen, samples: int = SAMPLES) -> PackedModel:
        """Return it as it is deployed, verified on so many samples."""
        return pack(self.model(chosen), self._data[0][0][:samples])

    def nbytes(self, chosen: Chosen) -> int:
        """Return the size of its file."""
        return packed_nbytes(self.model(chosen), self._data[0][0][:1])

    def alone(self, path: str, option: Option) -> Sensitivity:
        """Return what one option costs while all other weights are float."""
        result = self._evaluated(dict.fromkeys(self.groups) | {path: option})
        accuracy = None
        if result.accuracy is not None and self.float_result.accuracy is not None:
            accuracy = self.float_result.accuracy - result.accuracy
        return Sensitivity(result.loss - self.float_result.loss, accuracy)

    def plan(self, name: str, chosen: Chosen, costs: Costs, nbytes: int) -> Plan:
        """Return one option in each layer, with what the costs predict, measured."""
        options = self._options(chosen)
        parts = [costs[path][option.name] for path, option in options.items()]
        falls = [part.accuracy for part in parts if part.accuracy is not None]
        accuracy = self.float_result.accuracy
        model = self._with(options)
        return Plan(
            name=name,
            options={path: option.name for path, option in options.items()},
            quantizers={path: option.quantizer for path, option in options.items()},
            nbytes=nbytes,
            predicted=sum(part.value for part in parts),
            predicted_accuracy=None if not falls or accuracy is None else accuracy - sum(falls),
            result=evaluate(model, self._data, loss=self._loss),
            model=model,
        )

    def _options(self, chosen: Chosen) -> dict[str, Option]:
        return {
            path: group[n] for (path, group), n in zip(self.groups.items(), chosen, strict=True)
        }

    def _with(self, options: Mapping[str, Option | None]) -> Module:
        return exchange(
            self._model,
            {
                inside(path, "weight_quantizer"): None if option is None else option.module
                for path, option in options.items()
            },
        )

    def _evaluated(self, options: Mapping[str, Option | None]) -> Evaluation:
        return evaluate(self._with(options), self._data, loss=self._loss)


def _targeted(data: Given) -> Iterator[tuple[Any, Any]]:
    for number, (inputs, targets) in enumerate(batches_of(data)):
        if targets is None:
            raise ShapeError(f"allocate: batch {number} has no targets, so there is no loss")
        yield inputs, targets
