"""A model with any of its options in each layer, and what the data say about it."""

import copy
from collections.abc import Mapping
from typing import Any

from ...data import Given, batches_of, checked_batches
from ...deploy import PackedModel, pack
from ...deploy.runtime.model import packed_nbytes
from ...errors import ShapeError
from ...nn import Module
from ...nn.parts import joined
from ...nn.surgery import exchange
from ...training import Evaluation, evaluate
from ...training.evaluate import Loss
from ...training.metrics import Meter, MetricLike, metric_of
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
        data: inputs and targets.
        bits: see `allocate`.
        loss: see there.
        metric: see there.

    Attributes:
        groups: the options of each layer with a quantized weight, by the layer's path.
        float_result: loss and metric with all these weights float.
        metric: what is told beside the loss; None for nothing.
    """

    def __init__(
        self,
        model: Module,
        data: Given,
        bits: Choices,
        loss: Loss,
        metric: MetricLike = "auto",
    ) -> None:
        self._model = copy.deepcopy(model).eval()
        self._loss = loss
        self._metric = metric_of(metric, "allocate", directed=True)
        self.groups = options_of(self._model, bits)
        batches = batches_of(data, "allocate")
        self._data = [*checked_batches(batches, self._model.dtype, "allocate", targets=False)]
        for number, batch in enumerate(self._data):
            if batch.targets is None:
                raise ShapeError(f"allocate: batch {number} has no targets, so there is no loss")
        self.float_result = self._evaluated(dict.fromkeys(self.groups))
        self.metric = None
        if self.float_result.metric is not None:
            self.metric = Meter(self._metric, loss).metric

    def model(self, chosen: Chosen) -> Module:
        """Return the model with one option in each layer."""
        return self._with(self._options(chosen))

    def packed(self, chosen: Chosen, samples: int = SAMPLES) -> PackedModel:
        """Return it as it is deployed, verified on so many samples."""
        return pack(self.model(chosen), self._example(samples))

    def nbytes(self, chosen: Chosen) -> int:
        """Return the size of its file."""
        return packed_nbytes(self.model(chosen), self._example(1))

    def _example(self, samples: int) -> Any:
        return self._data[0].take(slice(0, samples)).inputs

    def alone(self, path: str, option: Option) -> Sensitivity:
        """Return what one option costs while all other weights are float."""
        result = self._evaluated(dict.fromkeys(self.groups) | {path: option})
        accuracy = fall = None
        if result.accuracy is not None and self.float_result.accuracy is not None:
            accuracy = self.float_result.accuracy - result.accuracy
        metric, as_float = self.metric, self.float_result.metric
        if metric is not None and result.metric is not None and as_float is not None:
            fall = metric.fall(result.metric, as_float)
        return Sensitivity(result.loss - self.float_result.loss, accuracy, fall)

    def plan(self, name: str, chosen: Chosen, costs: Costs, nbytes: int) -> Plan:
        """Return one option in each layer, with what the costs predict, measured."""
        options = self._options(chosen)
        parts = [costs[path][option.name] for path, option in options.items()]
        predicted = self._predicted([p.metric for p in parts if p.metric is not None])
        model = self._with(options)
        return Plan(
            name=name,
            options={path: option.name for path, option in options.items()},
            quantizers={path: option.quantizer for path, option in options.items()},
            nbytes=nbytes,
            predicted=sum(part.value for part in parts),
            predicted_accuracy=None if self.float_result.accuracy is None else predicted,
            predicted_metric=predicted,
            result=evaluate(model, self._data, loss=self._loss, metric=self._metric),
            model=model,
        )

    def _predicted(self, falls: list[float]) -> float | None:
        """Return the metric if what it falls by adds up, None if there is none."""
        as_float = self.float_result.metric
        if self.metric is None or as_float is None or not falls:
            return None
        worse = sum(falls)
        return as_float - worse if self.metric.greater_is_better else as_float + worse

    def _options(self, chosen: Chosen) -> dict[str, Option]:
        return {
            path: group[n] for (path, group), n in zip(self.groups.items(), chosen, strict=True)
        }

    def _with(self, options: Mapping[str, Option | None]) -> Module:
        return exchange(
            self._model,
            {
                joined(path, "weight_quantizer"): None if option is None else option.module
                for path, option in options.items()
            },
        )

    def _evaluated(self, options: Mapping[str, Option | None]) -> Evaluation:
        return evaluate(self._with(options), self._data, loss=self._loss, metric=self._metric)
