"""The configs of a study with the recipes that a search has chosen for them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qnn_core.errors import CompareError
from qnn_core.terminal import LOGGER

from ..formatting import listed
from .arguments import number
from .code_versions import schemes_code
from .configs import Config
from .data import Data, Given, check_shared, load, loaded_data, look
from .plan import Plan
from .result import PASSING
from .store import Store
from .tuning import FIRST_SEED, FOLDER, Search, Tried, Tuning, choose, trains_nothing
from .warm_starts import waves, with_needs

if TYPE_CHECKING:
    from ..comparison import Comparison


def tuned_configs(
    search: Search,
    configs: Sequence[Config],
    described: dict[str, Any],
    given: Given,
    *,
    once: Callable[..., "Comparison"],
    store: str | Path | None,
    classes: bool,
    progress: bool | None,
) -> tuple[list[Config], Tuning]:
    """Return the configs with the recipes that did best on what is held back, and all that did.

    Tuning is a comparison too, of all recipes of all configs, in a store inside of the study's.

    Args:
        search: what is tried.
        configs: of the study.
        described: all that the study's numbers depend on.
        given: the study's data.
        once: `compare`, with all arguments but configs, seeds and store.
        store: of the study.
        classes: whether labels are those of classes.
        progress: False says nothing.

    Raises:
        CompareError: if a config has a field of its own that is searched, one of its stages has
            none, the samples to choose by
            are test samples or trained on, a store holds another study or was tuned otherwise, or
            a run failed for want of something where it ran.
    """
    if store is not None:
        # A store of another study is refused before any time is spent.
        kept = Store(store)
        kept.check(Plan(tuple(configs), (), (), described, schemes_code(configs)))
        search.check_same(kept.tuning(), configs, store)
        once = partial(once, store=Path(store) / FOLDER)
    _check(search, configs, given, classes=classes)
    seeds = [*range(FIRST_SEED, FIRST_SEED + search.seeds)]
    if progress is not False:
        trained = [config for config in configs if not trains_nothing(config)]
        count = len(search.recipes()) * len(trained) * search.seeds
        LOGGER.info(
            "tuning: %d runs, %d recipes for each of %d configs, judged by what is held back of "
            "the training data",
            count,
            len(search.recipes()),
            len(trained),
        )
    known: list[Config] = []  # candidates
    names: dict[str, str] = {}  # of the one that was chosen, by its config's
    chosen: dict[str, tuple[Config, list[Tried]]] = {}
    # What a net begins with is chosen before it.
    for wave in waves(configs):
        ours = {config.name: search.candidates(config.beginning(names)) for config in wave}
        candidates = [each for found in ours.values() for each in found.values()]
        known += candidates
        tried = once(configs=with_needs(candidates, known), seeds=seeds)
        if passing := [result for result in tried.failures if result.failure in PASSING]:
            first = passing[0]
            raise CompareError(
                f"compare: tune: {first.config} failed for want of something where it ran "
                f"({first.reason}); the same call tries it again"
            )
        for config in wave:
            chosen[config.name] = choose(search, config, tried)
            found = chosen[config.name][1]
            place = next((n for n, one in enumerate(found) if one.chosen), 0)
            names[config.name] = [*ours[config.name]][place]
    everything = tuple(one for config in configs for one in chosen[config.name][1])
    told = Tuning(search.seeds, tried.images, everything)
    return [chosen[config.name][0] for config in configs], told


def _check(search: Search, configs: Sequence[Config], given: Given, *, classes: bool) -> None:
    """Raise a CompareError if the search would be none, or no fair one."""
    for config in configs:
        if both := sorted({*config.recipe} & {*search.values}):
            raise CompareError(
                f"compare: tune: {config.name} has {listed(both)} of its own: leave it to the "
                "search, or out of it"
            )
        for stage in config.stages:
            left = sorted({*search.values} - {*stage.recipe})
            if left and stage.recipe.get("epochs") != 0:
                raise CompareError(
                    f"compare: tune: a stage of {config.name} has no {listed(left)} of its own: "
                    "the search is of what comes after stages, which have recipes of their own; "
                    f'say it in each, Config(..., recipe={{"{left[0]}": ...}})'
                )
    if number(search.validation) is None:
        own = load(search.data(given))
        check_shared(look(own, classes=classes, both=True), "validation")
        with_test = Data(loaded_data(given).test, own.test)
        if shared := look(with_test, classes=classes, both=True).shared:
            raise CompareError(
                f"compare: tune: {shared} of the {len(own.test)} samples of validation are test "
                "samples, which decide nothing"
            )


def check_tuned(store: Store, configs: Sequence[Config]) -> None:
    """Raise a CompareError if a store has configs whose recipes were chosen, and these are not."""
    tuning = store.tuning()
    for config in configs if tuning is not None else ():
        chosen = tuning.chosen(config.name) if tuning is not None else {}
        if chosen and not chosen.keys() <= config.recipe.keys():
            raise CompareError(
                f"compare: the recipe of {config.name} in store {store.folder} was chosen by tune="
                f"{tuning and tuning.values(config.name)}: give it again, or take another store"
            )
