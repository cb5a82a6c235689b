"""What a table says of each config: a row of numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..experiment.c_costs import COSTS
from ..experiment.configs import Config
from ..experiment.deployed import LATENCY_BATCHES
from ..metric import Metric
from ..statistics import Estimate, Pair

if TYPE_CHECKING:
    from ..comparison import Comparison


@dataclass(frozen=True)
class Row:
    """The numbers of a config. Shares are 0..1, times seconds; what is not known is None.

    Attributes:
        config: which.
        planned, done, failed: how many runs it has, and how many of them ended how.
        accuracy: over seeds.
        against: the config against the reference; None for the reference itself.
        nbytes, share: size of the packed file, and as a share of the reference's.
        c: what it costs as C, by name; see `Comparison.cost`.
        macs: multiply-accumulates for one sample, by width.
        latency: of the packed model, by the size of the batch.
        train_seconds: of one training.
        pareto: whether no other config is better in both accuracy and bytes.
        wanted, wanted_nbytes: the least accuracy and the greatest file that its target names.
        reached: whether it has reached its target; None without one.
        partial: whether it lacks seeds that others have; its accuracy is a mean over other seeds.
        metric: what configs are compared by.
        margin: what is too small to matter.
        tuned: what was chosen for its recipe; empty if it was not tuned.
        reference: whether others are compared with it.
    """

    config: Config
    planned: int
    done: int
    failed: int
    accuracy: Estimate | None
    against: Pair | None
    nbytes: int | None
    share: float | None
    macs: Mapping[str, int]
    latency: Mapping[int, float | None]
    train_seconds: float | None
    pareto: bool
    partial: bool
    metric: Metric
    margin: float
    reference: bool
    tuned: Mapping[str, Any] = field(default_factory=dict)
    wanted: float | None = None
    wanted_nbytes: int | None = None
    reached: bool | None = None
    c: Mapping[str, int | None] = field(default_factory=dict)


def rows_of(comparison: "Comparison") -> list[Row]:
    """Return a row for each config, in their order."""
    reference = comparison.reference
    of_reference = comparison.nbytes(reference)
    pairs = {pair.config: pair for pair in comparison.against()}
    tuning = comparison.plan.tuning
    as_c = "c" in comparison.plan.configuration
    found = []
    for config in comparison.configs:
        nbytes, results = comparison.nbytes(config), comparison.of(config)
        done = sum(result.done for result in results)
        found.append(
            Row(
                config=config,
                planned=max(len(comparison.planned(config)), len(results)),
                done=done,
                failed=len(results) - done,
                accuracy=comparison.accuracy(config),
                against=pairs.get(config.name),
                nbytes=nbytes,
                share=nbytes / of_reference if nbytes is not None and of_reference else None,
                macs=comparison.macs(config),
                latency={batch: comparison.latency(config, batch) for batch in LATENCY_BATCHES},
                train_seconds=comparison.train_seconds(config),
                pareto=config in comparison.pareto,
                partial=comparison.partial(config),
                wanted=comparison.wanted(config),
                wanted_nbytes=config.target.nbytes if config.target else None,
                reached=comparison.reached(config),
                metric=comparison.metric,
                margin=comparison.margin,
                reference=config == reference,
                tuned=tuning.chosen(config.name) if tuning else {},
                c={of: comparison.cost(config, of) for of in COSTS} if as_c else {},
            )
        )
    return found
