"""Bits for each layer: the least summed sensitivity within a budget of bytes."""

import copy
import math
from collections.abc import Callable, Mapping, Sequence

from ...arguments import whole
from ...data import Given
from ...errors import NonFiniteError, SpecError
from ...nn import Module
from ...ops import softmax_cross_entropy
from ...quantizer import Quantizer
from ...training.evaluate import Loss
from ...training.metrics import MetricLike
from .options import Choices, Option
from .report import Allocation, Sensitivity
from .search import Chosen
from .sizes import Sizes
from .trial import Costs, Trial

Function = Callable[[str, Quantizer | None], float]


def allocate(
    model: Module,
    data: Given,
    *,
    budget: int,
    bits: Choices = None,
    sensitivity: Function | None = None,
    loss: Loss = softmax_cross_entropy,
    metric: MetricLike = "auto",
) -> Allocation:
    """Choose the bits of each layer's weight: the least summed sensitivity within so many bytes.

    The model says which weights are quantized and by which scheme, as `quantize` made it or
    training left it; the bits that it has are one option among others. The sensitivity of a layer
    to an option is how much the loss over `data` rises if this weight is quantized so, without
    training, while the other weights are float and the inputs are as in the model.

    Of all allocations whose packed file is within the budget, the one with the least sum of
    sensitivities is found, exactly: see `search.best`. The sizes are those of files that are really
    made, the answer's too. That the sensitivities of layers add up is an assumption. So the loss is
    measured as well, beside that of the same bits in all layers. All of it is measured on the
    data that the bits were chosen by; judge the models of the plans by others.

    It makes a file and evaluates the model once for each option of each layer, makes some dozen
    more files, and takes about that time. Where files of a few bytes more or less than the budget
    abound, as with many layers of a few weights, it makes those that might be the best.

    Args:
        model: with quantized weights in `QuantLinear` or `QuantConv2d` layers. It stays as it is.
        data: ``(x, y)`` or ``(x, y, weights)``, a data set, or batches of these, such as a
            DataLoader.
        budget: greatest size of the file that ``qnn.pack(...).save`` writes, header included, in
            bytes.
        bits: what a weight may have. A whole number is so many bits of its own scheme, 32 is float,
            a spec string or quantizer is another scheme; a mapping from a layer's path to such
            choices leaves all to those that are not in it. None is every width at which the
            layer's scheme has a meaning.
        sensitivity: a function of a layer's path and a quantizer (None for float) in place of the
            rise of the loss, such as one that trains. It gives any finite number; less is better.
        loss: ``loss(outputs, targets)``, a mean over the batch.
        metric: what is told beside the loss; see `evaluate`.

    Raises:
        SpecError: if no weight is quantized, a choice has no meaning, a sensitivity is no number,
            or the budget is smaller than any file; the message says the size of the smallest, or
            of one that is nearly that.
        ShapeError: if there are no data, or no targets.
        NonFiniteError: if the data, or a sensitivity, hold NaN or infinity.
        StateError, GraphError, PackError: if the model cannot be packed, see `pack`.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> x = np.random.default_rng(0).normal(size=(64, 8)).astype(np.float32)
        >>> y = (x[:, 0] > 0).astype(int)
        >>> model = qnn.MLP([8, 32, 32, 2], seed=0)
        >>> optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
        >>> _ = qnn.fit(model, [(x, y)], epochs=20, optimizer=optimizer)
        >>> quantized = qnn.quantize(model, weight="symmetric:8", input="uniform:8", calibration=x)
        >>> found = allocate(quantized, (x, y), budget=6000, bits=(2, 4, 8))
        >>> list(found.bits), found.nbytes <= 6000
        (['layers.0', 'layers.2'], True)
        >>> print(found)
        layer  ...
    """
    budget = whole("allocate", "budget, in bytes,", budget, least=1, error=SpecError)
    trial = Trial(model, data, bits, loss, metric)
    sizes = Sizes([*trial.groups.values()], trial.nbytes)
    if sizes.within(budget) is None:
        raise SpecError(
            f"allocate: a budget of {budget:,} bytes is too small: the smallest packed file found "
            f"for these options has {sizes.smallest():,}"
        )
    found = _sensitivities(trial, sensitivity)
    values = [[cost.value for cost in costs.values()] for costs in found.values()]
    chosen = sizes.best(values, budget)
    assert chosen is not None  # something is within the budget
    plans = {"allocated": chosen} | _uniform(trial.groups)
    plan, *uniform = (
        trial.plan(name, choice, found, sizes.real(choice)) for name, choice in plans.items()
    )
    return Allocation(
        budget=int(budget),
        plan=plan,
        uniform=uniform,
        model=copy.deepcopy(plan.model),
        packed=trial.packed(chosen),
        sensitivities=found,
        float_result=trial.float_result,
        metric=trial.metric,
        of_loss=sensitivity is None,
    )


def _sensitivities(trial: Trial, function: Function | None) -> Costs:
    """Return the sensitivity of each layer to each of its options."""
    found: Costs = {}
    for path, group in trial.groups.items():
        found[path] = {}
        for option in group:
            if function is None:
                cost = trial.alone(path, option)
            else:
                cost = Sensitivity(_number(function, path, option), None)
            if not math.isfinite(cost.value):
                raise NonFiniteError(
                    f"allocate: the sensitivity of {path!r} to {option.name} is {cost.value}"
                )
            found[path][option.name] = cost
    return found


def _number(function: Function, path: str, option: Option) -> float:
    given = function(path, option.quantizer)
    try:
        # Python would take "0.5" for a number.
        return float("" if isinstance(given, str | bytes) else given)
    except (TypeError, ValueError) as error:
        raise SpecError(
            f"allocate: the sensitivity of {path!r} to {option.name} must be a number, "
            f"got {given!r:.80}"
        ) from error


def _uniform(groups: Mapping[str, Sequence[Option]]) -> dict[str, Chosen]:
    """Return, for each option that all layers with a choice have, the choice of it in all."""
    names = [[option.name for option in group] for group in groups.values()]
    first, *others = [group for group in names if len(group) > 1] or [[]]
    return {
        name: tuple(group.index(name) if name in group else 0 for group in names)
        for name in first
        if all(name in group for group in others)
    }
