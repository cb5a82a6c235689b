"""Checks of the builder, before anything is trained: are the arms of a seed a pair at all?"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Tensor, no_grad
from ..errors import CompareError
from ..nn import Module
from ..nn.quantize import QuantizeWeight
from ..places import quantizers
from .arms import Arm, one_line
from .cell import Experiment
from .start import Weights, digest_of, latent_weights

SAMPLES = 4


def check_builder(
    experiment: Experiment, arms: Sequence[Arm], seeds: Sequence[int], classes: int
) -> dict[int, str]:
    """Build every arm from the first two seeds, and run a few samples through it.

    Args:
        experiment: what all cells have in common.
        arms: what is to be built.
        seeds: from which it is to be built.
        classes: how many scores a net must give for each sample.

    Returns:
        A digest of the initial weights, by seed.

    Raises:
        CompareError: if an arm cannot be built or run, has no quantizers or other ones than those
            that it should have, or begins with other latent weights than the first arm; or if the
            seed makes no difference.
    """
    first = arms[0]
    starts = {}
    for seed in seeds:
        model = _built(experiment, first, seed)
        weights = latent_weights(model)
        starts[seed] = digest_of(weights)
        for arm in arms if seed in seeds[:2] else ():
            other = _built(experiment, arm, seed)
            if other is model:
                raise CompareError("compare: build must return a new model each time")
            _check_same(weights, latent_weights(other), first, arm, seed)
            _check_arm(experiment, other, arm, seed, classes)
    if len(seeds) > 1 and weights and len({*starts.values()}) == 1:
        raise CompareError(
            f"compare: build makes the same weights for seeds {seeds[0]} and {seeds[1]}: pass its "
            "seed on to the model"
        )
    return starts


def _check_arm(experiment: Experiment, model: Module, arm: Arm, seed: int, classes: int) -> None:
    scores = _scores(experiment, model, arm)
    if scores.ndim != 2 or len(scores) != SAMPLES or scores.shape[1] < classes:
        raise CompareError(
            f"compare: {arm.name} must give one row of scores for each sample, with a score for "
            f"each label; for {SAMPLES} samples, and labels up to {classes - 1}, it gave shape "
            f"{scores.shape}"
        )
    if quantizers(model) or arm.is_float:
        _check_quantizers(model, arm)
    # Whatever quantizes, and in whichever way: without it the answers must be others.
    for given, left in (("weight", Arm(None, arm.input)), ("input", Arm(arm.weight, None))):
        if getattr(arm, given) is None or np.ptp(scores) == 0:  # a last layer of zeros
            continue
        try:
            without = _scores(experiment, _built(experiment, left, seed), left)
        except CompareError:
            continue  # a builder need not know how to quantize only one of the two
        if np.array_equal(scores, without):
            raise CompareError(
                f"compare: build ignored {given}={getattr(arm, given)} of {arm.name}: the model "
                "answers as without"
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


def _scores(experiment: Experiment, model: Module, arm: Arm) -> NDArray[np.generic]:
    """Return what a model in training makes of a few samples, or raise a CompareError."""
    x, _ = experiment.data().test[np.arange(SAMPLES) % len(experiment.data().test)]
    try:
        with no_grad():
            scores = model.train()(Tensor.of(np.asarray(x, model.dtype))).array
    except Exception as error:  # whatever the user's forward raises
        raise CompareError(
            f"compare: {arm.name} cannot take samples of shape {np.shape(x)[1:]}: "
            f"{type(error).__name__}: {one_line(error)}"
        ) from error
    found: NDArray[np.generic] = scores
    return found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
