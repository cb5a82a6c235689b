"""Where the bits of a model are lost."""

import copy
from collections.abc import Callable, Iterable, Mapping

from ...autodiff import no_grad
from ...autodiff.mode import recording
from ...data import Given, batches_of, checked_batches, run
from ...errors import ShapeError, SpecError
from ...nn import Module
from ...nn.quant.quantized_weight import QuantizedWeight
from ...nn.surgery import Float, check_module, exchange, modules, quantizers
from ...ops import softmax_cross_entropy
from ...training import Evaluation, evaluate
from ...training.evaluate import Loss
from ...training.metrics import Meter, Metric, MetricLike, metric_of
from .errors_of import Errors
from .observer import Place, Watch
from .report import Anatomy
from .row import Cost, Row


def anatomy(
    model: Module,
    data: Given,
    *,
    loss: Loss = softmax_cross_entropy,
    metric: MetricLike = "auto",
) -> Anatomy:
    """Take the error of a quantized model apart: which quantizer does what, and what it costs.

    The model runs over the data in evaluation mode, as a copy: nothing of it changes. Every
    quantizer that runs has a row, whatever the `forward` that it runs in. If the data have
    targets, the model is evaluated once more for each quantizer with only this one float, once with
    only this one quantized, and once all float: for q quantizers 2q + 2 evaluations.

    The costs of quantizers do not add up: two that lose the same images cost less together than
    the sum of both alone, and one may make up for another. Accuracy moves in steps of one sample;
    the loss says more of small differences.

    Args:
        model: a module with quantizers, fitted to data.
        data: inputs ``[n, ...]``, ``(x, y)`` or ``(x, y, weights)``, a data set, or batches of
            these, such as a DataLoader.
        loss: ``loss(outputs, targets)``, a mean over the batch.
        metric: what costs are given in beside the loss; see `evaluate`.

    Raises:
        SpecError: if no quantizer ran, or the model is no module.
        StateError: if one was never fitted.
        ShapeError: if there are no data, or only some batches have targets.
        NonFiniteError: if the inputs hold NaN or infinity.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> x = np.random.default_rng(0).normal(size=(64, 8))
        >>> model = qnn.MLP([8, 16, 2], seed=0)
        >>> quantized = qnn.quantize(model, weight="symmetric:2", input="uniform:2", calibration=x)
        >>> print(anatomy(quantized, x))
        layer     of        bits    SQNR    rounding    clipping ...
                                      dB           %           % ...
        --------  ------  ------  ------  ----------  ---------- ...
        >>> [(row.layer, row.kind, row.elements) for row in anatomy(quantized, x).rows]
        [('layers.0', 'weight', 128), ('layers.0', 'input', 512)]
    """
    check_module("anatomy", model)
    copied = copy.deepcopy(model).eval()
    chosen = metric_of(metric, "anatomy", directed=True)
    given = batches_of(data, "anatomy")
    batches = list(checked_batches(given, copied.dtype, "anatomy", targets=False))
    missing = sum(batch.targets is None for batch in batches)
    if 0 < missing < len(batches):
        raise ShapeError(f"anatomy: {missing} of {len(batches)} batches have no targets")
    watch = Watch(copied)
    with recording(watch), no_grad():
        for batch in batches:
            run(copied, batch.inputs)
    if not watch.errors:
        raise SpecError(f"anatomy: nothing is quantized in this {type(copied).__name__}")
    if missing:
        return Anatomy(_rows(copied, watch.errors, {}))
    judged = Meter(chosen, loss).metric

    def measure(model: Module) -> Evaluation:
        return evaluate(model, batches, loss=loss, metric=chosen)

    result, as_float, costs = _costs(copied, measure, judged)
    shown = judged if result.metric is not None else None
    return Anatomy(_rows(copied, watch.errors, costs), result, as_float, shown)


def _costs(
    model: Module, measure: Callable[[Module], Evaluation], metric: Metric | None
) -> tuple[Evaluation, Evaluation, dict[str, tuple[Cost, Cost]]]:
    """Return the results of a model and of it as float, and by quantizer what it costs."""
    paths = list(quantizers(model))

    def with_float(places: Iterable[str]) -> Evaluation:
        return measure(exchange(model, {path: Float() for path in places}))

    result, as_float = with_float([]), with_float(paths)
    costs = {
        path: (
            _rise(with_float(p for p in paths if p != path), as_float, metric),
            _rise(result, with_float([path]), metric),
        )
        for path in paths
    }
    return result, as_float, costs


def _rise(worse: Evaluation, better: Evaluation, metric: Metric | None) -> Cost:
    accuracy = fall = None
    if worse.accuracy is not None and better.accuracy is not None:
        accuracy = better.accuracy - worse.accuracy
    if metric is not None and worse.metric is not None and better.metric is not None:
        fall = metric.fall(worse.metric, better.metric)
    return Cost(worse.loss - better.loss, accuracy, fall)


def _rows(
    model: Module, errors: Mapping[Place, Errors], costs: Mapping[str, tuple[Cost, Cost]]
) -> list[Row]:
    known = modules(model)
    rows = []
    for place, found in errors.items():
        owner = place.path.rpartition(".")[0]
        layer = owner if isinstance(known.get(owner), QuantizedWeight) else place.path
        alone, among = costs.get(place.path, (None, None))
        rows.append(
            Row(
                **vars(found),
                layer=layer,
                kind=place.kind,
                quantizer=place.quantizer,
                alone=alone,
                among=among,
            )
        )
    return rows
