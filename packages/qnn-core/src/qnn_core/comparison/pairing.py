"""Checks of the builder, before anything is trained: are the arms of a seed a pair at all?"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Tensor, no_grad
from ..errors import CompareError, QnnError
from ..nn import Module
from ..nn.quantize import QuantizeWeight
from ..places import quantizers
from .arms import Arm, one_line
from .cell import Experiment

Weights = dict[str, NDArray[np.generic]]


def check_builder(experiment: Experiment, arms: Sequence[Arm], seeds: Sequence[int]) -> None:
    """Build every arm once, and run a few samples through it.

    Raises:
        CompareError: if an arm cannot be built or run, has no quantizers or other ones than those
            that it should have, or begins with other latent weights than the first arm; or if the
            seed makes no difference.
    """
    first, weights = arms[0], _latent(_built(experiment, arms[0], seeds[0]))
    for arm in arms:
        model = _built(experiment, arm, seeds[0])
        _check_same(weights, _latent(model), first, arm, seeds[0])
        scores = _check_runs(experiment, model, arm)
        if quantizers(model) or arm.is_float:
            _check_quantizers(model, arm)
        else:
            _check_differs(experiment, scores, arm, seeds[0])
    if len(seeds) > 1:
        other = _latent(_built(experiment, first, seeds[1]))
        if weights and all(np.array_equal(weights[name], other[name]) for name in weights):
            raise CompareError(
                f"compare: build makes the same weights for seeds {seeds[0]} and {seeds[1]}: pass "
                "its seed on to the model"
            )


def _built(experiment: Experiment, arm: Arm, seed: int) -> Module:
    try:
        model = experiment.model(arm, seed)
    except TypeError as error:
        raise CompareError(
            "compare: build must take the keyword arguments weight, input (quantizers, or None for "
            f"float) and seed; for {arm.name} it raised TypeError: {one_line(error)}"
        ) from error
    except Exception as error:
        raise CompareError(
            f"compare: build cannot make {arm.name}: {type(error).__name__}: {one_line(error)}"
        ) from error
    if not isinstance(model, Module):
        raise CompareError(
            f"compare: build must return a qnn.Module, for {arm.name} it gave a "
            f"{type(model).__name__}"
        )
    return model


def _latent(model: Module) -> Weights:
    """Return the parameters that are not those of quantizers."""
    inside = [f"{path}." for path in quantizers(model)]
    return {
        name: parameter.data
        for name, parameter in model.named_parameters()
        if not any(name.startswith(path) for path in inside)
    }


def _check_quantizers(model: Module, arm: Arm) -> None:
    """Raise a CompareError unless the model has the arm's quantizers: bits that change nothing."""
    found = quantizers(model).values()
    used = [module.quantizer for module in found]
    of_inputs = [module.quantizer for module in found if not isinstance(module, QuantizeWeight)]
    weight, input = arm.quantizers()
    for given, wanted, known in (("weight", weight, used), ("input", input, of_inputs)):
        if wanted is not None and wanted not in known:
            raise CompareError(
                f"compare: build ignored {given}={wanted} of {arm.name}: no layer has this "
                "quantizer"
            )
    if arm.is_float and used:
        raise CompareError(
            f"compare: the float arm has the quantizer {used[0]}: build got None for weight and "
            "input"
        )


def _check_differs(
    experiment: Experiment, scores: NDArray[np.generic], arm: Arm, seed: int
) -> None:
    """Raise a CompareError if a net of layers that quantize in their own way answers as float."""
    plain = Arm(None, None)
    if np.array_equal(scores, _check_runs(experiment, _built(experiment, plain, seed), plain)):
        raise CompareError(
            f"compare: build ignored weight={arm.weight} and input={arm.input} of {arm.name}: the "
            "model answers as without"
        )


def _check_same(weights: Weights, others: Weights, first: Arm, arm: Arm, seed: int) -> None:
    where = (
        f"compare: for seed {seed}, build makes {arm.name} with other parameters than {first.name}"
    )
    if weights.keys() != others.keys():
        told = _listed(weights.keys() ^ others.keys())
        raise CompareError(f"{where}: only one of them has {told}; pairs need the same weights")
    for name, value in weights.items():
        if value.shape != others[name].shape:
            raise CompareError(
                f"{where}: {name} has shape {others[name].shape} instead of {value.shape}"
            )
        if not np.array_equal(value, others[name]):
            raise CompareError(
                f"{where}: {name} has other values; draw initial weights from the seed alone"
            )


def _check_runs(experiment: Experiment, model: Module, arm: Arm) -> NDArray[np.generic]:
    """Run a few samples; return what comes of them, or raise a CompareError."""
    data = experiment.data()
    x, _ = next(iter(data.batches(0, experiment.recipe.batch_size)))
    greatest = max(int(np.max(labels)) for _, labels in data.test_batches())
    x = x[:4]
    try:
        with no_grad():
            scores = model.train()(Tensor.of(np.asarray(x, model.dtype))).data
    except QnnError as error:
        raise CompareError(
            f"compare: {arm.name} cannot take samples of shape {np.shape(x)[1:]}: {one_line(error)}"
        ) from error
    if scores.ndim != 2 or len(scores) != len(x) or scores.shape[1] <= greatest:
        raise CompareError(
            f"compare: {arm.name} must give one row of scores for each sample, with a score for "
            f"each label; for {len(x)} samples, and labels up to {greatest}, it gave shape "
            f"{scores.shape}"
        )
    found: NDArray[np.generic] = scores
    return found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
