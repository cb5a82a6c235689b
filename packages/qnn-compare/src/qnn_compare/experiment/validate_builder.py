"""Checks of the builder, before anything is trained: are the configs of a seed a pair at all?"""

import copy
import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from qnn_core.analysis import warm_start
from qnn_core.autodiff import no_grad
from qnn_core.data import arrays_of, leaves, run
from qnn_core.errors import CompareError, QnnError, SpecError, StateError
from qnn_core.nn import Module
from qnn_core.nn.quant.quantize import QuantizeWeight
from qnn_core.nn.surgery import Float, exchange, quantizers
from qnn_core.terminal import bar, is_watched
from qnn_core.training.metrics import NAMED

from .configs import Config, one_line
from .failures import error_text
from .initial_weights import Starts, Weights, latent_weights, shapes_digest, starts_of
from .recipe import LOSSES, Recipe
from .run import Experiment, after_training
from .start_state import StartState

SAMPLES = 4
RECIPE = {field.name for field in fields(Recipe)}
# What a net gives: one array, or several.
Outputs = list[NDArray[Any]]


def check_builder(
    experiment: Experiment,
    configs: Sequence[Config],
    seeds: Sequence[int],
    classes: int,
    *,
    known: Mapping[int, Starts] | None = None,
    progress: bool | None = None,
) -> dict[int, dict[str, str]]:
    """Build every config once, from the second seed, and run a few samples through it.

    From the other seeds the first config is built, unless it is known what nets begin with there.

    Args:
        experiment: what all runs have in common.
        configs: what is to be built.
        seeds: from which it is to be built.
        classes: how many scores a net must give for each sample; 0 where targets are no labels.
        known: digests of the initial weights of nets that were trained before, by seed; for one of
            these seeds the first config is built again, so that a change is noticed.
        progress: False shows nothing; else a bar, where checking takes more than a second.

    Returns:
        Digests of the initial weights, by seed.

    Raises:
        CompareError: if a config cannot be built or run, has no quantizers or others than it
            should have, or begins with other latent weights than the first config; or if the seed
            makes no difference.
    """
    known = known or {}
    first, probe = configs[0], seeds[min(1, len(seeds) - 1)]
    others = [seed for seed in seeds if seed not in known and seed != probe]
    if known and probe not in known:
        others.append(next((seed for seed in seeds if seed in known), min(known)))
    starts: dict[int, dict[str, str]] = {}
    with _bar(len(configs) + len(others), progress) as bar:
        model = _built(experiment, first, probe)
        weights = latent_weights(model)
        starts[probe] = starts_of(weights)
        # Nets of one shape start alike; and so do all whose builder gets nothing but quantizers.
        of_shape = {shapes_digest(weights): (first, weights)}
        plain = None if first.options else (first, weights)
        for config in configs:
            if config is not first:
                before, model = model, _built(experiment, config, probe)
                if model is before:
                    raise CompareError("compare: build must return a new model each time")
                own = latent_weights(model)
                pair = of_shape.setdefault(shapes_digest(own), (config, own))
                if not config.options:
                    pair = plain = plain or pair
                _check_same(pair[1], own, pair[0], config, probe)
                starts[probe] |= starts_of(own)
            _check_config(experiment, model, config, probe, classes)
            bar.update()
        for seed in others:
            other = _built(experiment, first, seed)
            if other is model:
                raise CompareError("compare: build must return a new model each time")
            starts[seed] = starts_of(latent_weights(other))
            bar.update()
        for config, _ in [*of_shape.values()][1:]:
            for seed in (seed for seed in seeds if seed != probe):
                starts.setdefault(seed, {}).update(
                    starts_of(latent_weights(_built(experiment, config, seed)))
                )
    # Weights that it takes from elsewhere are all the same, and need no seed.
    first_shape = shapes_digest(weights)
    if len(starts) > 1 and weights and len({s.get(first_shape) for s in starts.values()}) == 1:
        one, other_ = sorted(starts)[:2]
        raise CompareError(
            f"compare: build makes the same weights for seeds {one} and {other_}: pass its seed on "
            "to the model"
        )
    return starts


def check_origins(
    experiment: Experiment, configs: Sequence[Config], seed: int, everything: Sequence[Config]
) -> None:
    """Raise a CompareError if a net cannot begin with what it is to begin with.

    Of a start that is a function, that shows when it is called.

    Args:
        experiment: what all runs have in common.
        configs: what is to be trained.
        seed: from which nets are built for it.
        everything: all configs of the study.
    """
    known = {config.name: config for config in everything}
    for config in (config for config in configs if config.begins_trained):
        before: Any = None
        if isinstance(config.start, StartState):
            before = config.start.state
        elif isinstance(config.start, str):
            before = _built(experiment, known[config.start], seed)
        for stage in (*config.stages, config):
            model = _built(experiment, stage, seed)
            try:
                before = model if before is None else warm_start(model, before)
            except QnnError as error:
                told = one_line(str(error).removeprefix("warm_start: "))
                raise CompareError(
                    f"compare: {config.name} cannot begin with {config.start!r}: {told}"
                ) from error


def _bar(total: int, progress: bool | None) -> Any:
    """Return a bar that appears after a second, on a terminal; elsewhere nothing is to be seen."""
    hidden = progress is False or not is_watched()
    options: dict[str, Any] = {"unit": "net", "desc": "checking", "delay": 1, "leave": False}
    return bar(total=total, disable=hidden, **options)


def _check_config(
    experiment: Experiment, model: Module, config: Config, seed: int, classes: int
) -> None:
    without = {kind: _without(model, kind) for kind in ("weight", "input")}
    outputs = _outputs(experiment, model, config)
    if len(outputs) > 1:
        _check_takes_several(experiment, config, len(outputs))
    _check_outputs(outputs, config, classes)
    if experiment.recipe_of(config).post_training:  # it is float still
        _check_after_training(experiment, model, config)
        return
    if quantizers(model) or config.is_float:
        _check_quantizers(model, config)
    # Whatever quantizes, and in whichever way: without it the answers must be others.
    sides: tuple[Literal["weight", "input"], ...] = ("weight", "input")
    for given in sides:
        # A last layer of zeros gives nothing else.
        if getattr(config, given) is None or all(np.ptp(part) == 0 for part in outputs):
            continue
        if _differs(experiment, without[given], config, outputs):
            continue
        # No quantizer was found there: the builder has a way of its own.
        try:
            left = config.without(given)
            other = _outputs(experiment, _built(experiment, left, seed), left)
        except CompareError:
            continue  # a builder need not know how to quantize only one of the two
        if _equal(outputs, other):
            raise CompareError(
                f"compare: build ignored {given}={getattr(config, given)} of {config.name}: the "
                "model answers as without"
            )


def _check_after_training(experiment: Experiment, model: Module, config: Config) -> None:
    """Raise a CompareError if a net cannot get its quantizers, before time is spent on training."""
    try:
        after_training(model, config, _samples(experiment))
    except (SpecError, StateError) as error:
        raise CompareError(
            f"compare: {config.name} cannot be quantized after training: {one_line(error)}"
        ) from error
    except Exception:  # it depends on the weights, or on the samples: training will tell
        return


def _check_takes_several(experiment: Experiment, config: Config, count: int) -> None:
    """Raise a CompareError if what nets are trained or judged by is of one output."""
    loss, metric = experiment.recipe_of(config).of_targets, experiment.metric
    if metric in NAMED.values():
        raise CompareError(
            f"compare: {config.name} gives {count} outputs, and {metric.name} is of one: give a "
            "metric that gets all of them, such as metric=qnn.Metric(function, "
            "greater_is_better=True, mean=True)"
        )
    if loss in LOSSES.values():
        raise CompareError(
            f"compare: {config.name} gives {count} outputs, and {loss.__name__} is of one: give a "
            "loss(outputs, targets) that gets all of them"
        )
    taught = "teacher" in inspect.signature(loss).parameters
    if config.teacher is not None and not taught:
        raise CompareError(
            f"compare: {config.name} gives {count} outputs, and learns from {config.teacher}: "
            "nobody can tell which of them are classes; give a loss(outputs, targets, teacher), "
            "which gets the teacher's outputs as they are"
        )


def _check_outputs(outputs: Outputs, config: Config, classes: int) -> None:
    """Raise a CompareError unless there is a row for each sample, and a score for each class."""
    shapes = [part.shape for part in outputs]
    told = " and ".join(map(str, shapes)) or "nothing"
    if not classes:
        if not shapes or any(shape[:1] != (SAMPLES,) for shape in shapes):
            raise CompareError(
                f"compare: {config.name} must give one row for each sample; for {SAMPLES} samples "
                f"it gave shape {told}"
            )
        return
    right = len(shapes) == 1 and len(shapes[0]) == 2 and shapes[0][0] == SAMPLES
    if not right or shapes[0][1] < classes:
        raise CompareError(
            f"compare: {config.name} must give one row of scores for each sample, with a score for "
            f"each label; for {SAMPLES} samples, and labels from 0 up to {classes - 1}, it gave "
            f"shape {told}"
        )


def _equal(outputs: Outputs, others: Outputs) -> bool:
    same = len(outputs) == len(others)
    return same and all(map(np.array_equal, outputs, others))


def _without(model: Module, given: str) -> Module | None:
    """Return a copy of an untrained model without quantizers of weights, or of inputs."""
    found = quantizers(model).items()
    places = [path for path, q in found if isinstance(q, QuantizeWeight) == (given == "weight")]
    if not places:
        return None
    try:
        return exchange(copy.deepcopy(model), {path: Float() for path in places})
    except Exception:  # it has a way of its own to be copied: building it will do
        return None


def _differs(
    experiment: Experiment, model: Module | None, config: Config, outputs: Outputs
) -> bool:
    """Whether a model answers otherwise; not if there is none, or it does not answer at all."""
    if model is None:
        return False
    try:
        return not _equal(outputs, _outputs(experiment, model, config))
    except CompareError:
        return False


def _built(experiment: Experiment, config: Config, seed: int) -> Module:
    if isinstance(experiment.build, Module):
        raise CompareError(
            f"compare: build is a {type(experiment.build).__name__}, a net; what builds nets like "
            "it is qnn.as_builder(net), and Config(..., start=net) begins with its weights"
        )
    try:
        model = experiment.model(config, seed)
    except TypeError as error:
        raise CompareError(
            "compare: build must take the keyword arguments weight, input (quantizers, or None for "
            f"float), seed{''.join(f', {name}' for name in config.options)}; for {config.name} it "
            f"raised TypeError: {one_line(error)}{_hint(error, config)}"
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # of the user's code, which may even exit
        raise CompareError(
            f"compare: build cannot make {config.name}: {one_line(error_text(error))}"
        ) from error
    if not isinstance(model, Module):
        raise CompareError(
            f"compare: build must return a qnn.Module, for {config.name} it gave a "
            f"{type(model).__name__}"
        )
    return model


def _hint(error: TypeError, config: Config) -> str:
    """Return what helps where an argument is given twice, or is of the recipe."""
    of_recipe = [name for name in config.options if name in RECIPE and repr(name) in str(error)]
    if of_recipe:
        name = of_recipe[0]
        return f": {name} is a field of the recipe: recipe={{{name!r}: {config.options[name]!r}}}"
    if "multiple values" not in str(error):
        return ""
    return ": name it in functools.partial too (sizes=[...]), and an option can replace it"


def _check_quantizers(model: Module, config: Config) -> None:
    """Raise a CompareError unless the model has the config's quantizers."""
    found = quantizers(model).values()
    used = [module.scheme for module in found]
    of_inputs = [module.scheme for module in found if not isinstance(module, QuantizeWeight)]
    weight, input = config.quantizers()
    for given, wanted, known in (("weight", weight, used), ("input", input, of_inputs)):
        if wanted is not None and wanted not in known:
            raise CompareError(
                f"compare: build ignored {given}={wanted} of {config.name}: no layer has this "
                "quantizer"
            )
    if config.is_float and used:
        raise CompareError(
            f"compare: the float config has the quantizer {used[0]}: build got None for weight and "
            "input"
        )


def _check_same(
    weights: Weights, others: Weights, first: Config, config: Config, seed: int
) -> None:
    where = (
        f"compare: for seed {seed}, build makes {config.name} with other parameters than "
        f"{first.name}"
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


def _samples(experiment: Experiment) -> NDArray[Any]:
    test = experiment.data().test
    return np.asarray(test[np.arange(SAMPLES) % len(test)][0])


def _outputs(experiment: Experiment, model: Module, config: Config) -> Outputs:
    """Return all that a model in training makes of a few samples, or raise a CompareError."""
    x = _samples(experiment)
    try:
        with no_grad():
            found = run(model.train(), np.asarray(x, model.dtype))
    except Exception as error:  # whatever the user's forward raises
        raise CompareError(
            f"compare: {config.name} cannot take samples of shape {np.shape(x)[1:]}: "
            f"{type(error).__name__}: {one_line(error)}"
        ) from error
    return leaves(arrays_of(found))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
