"""What a table says of each config: a row of numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..experiment.configs import Config
from ..experiment.run import LATENCY_BATCHES
from ..statistics import Estimate, Pair
from ..statistics.pairs import OPPOSITE

if TYPE_CHECKING:
    from ..comparison import Comparison


@dataclass(frozen=True)
class Row:
    """The numbers of a config. Shares are 0..1, times seconds; what is not known is None.

    Attributes:
        config: which.
        planned, done, failed: how many runs it has, and how many of them ended how.
        accuracy: over seeds.
        against: the config against float.
        nbytes, share: size of the packed file, and as a share of float's.
        macs: multiply-accumulates for one sample, by width.
        latency: of the packed model, by the size of the batch.
        train_seconds: of one training.
        pareto: whether no other config is better in both accuracy and bytes.
        wanted, wanted_nbytes: the least accuracy and the greatest file that its target names.
        reached: whether it has reached its target; None without one.
        partial: whether it lacks seeds that others have; its accuracy is a mean over other seeds.
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
    partial: bool = False
    wanted: float | None = None
    wanted_nbytes: int | None = None
    reached: bool | None = None


def rows_of(comparison: "Comparison") -> list[Row]:
    """Return a row for each config, in their order."""
    reference = comparison.float_config
    of_float = None if reference is None else comparison.nbytes(reference)
    pairs = both_ways(comparison)
    found = []
    for config in comparison.configs:
        nbytes, results = comparison.nbytes(config), comparison.of(config)
        done = sum(result.done for result in results)
        found.append(
            Row(
                config=config,
                planned=len(comparison.seeds),
                done=done,
                failed=len(results) - done,
                accuracy=comparison.accuracy(config),
                against=None if reference is None else pairs.get((config.name, reference.name)),
                nbytes=nbytes,
                share=nbytes / of_float if nbytes is not None and of_float else None,
                macs=comparison.macs(config),
                latency={batch: comparison.latency(config, batch) for batch in LATENCY_BATCHES},
                train_seconds=comparison.train_seconds(config),
                pareto=config in comparison.pareto,
                partial=comparison.partial(config),
                wanted=comparison.wanted(config),
                wanted_nbytes=config.target.nbytes if config.target else None,
                reached=comparison.reached(config),
            )
        )
    return found


def both_ways(comparison: "Comparison") -> dict[tuple[str, str], Pair]:
    """Return each pair of configs by both names, in both orders."""
    found = {}
    for pair in comparison.pairs:
        found[pair.first, pair.second] = pair
        found[pair.second, pair.first] = turned(pair)
    return found


def turned(pair: Pair) -> Pair:
    """Return a pair with its second config first.

    Example:
        >>> pair = Pair("a", "b", 5, 0.01, 0.008, 0.012, 1e-4, 1e-4, 1e-9, 0.004, "better", "")
        >>> other = turned(pair)
        >>> other.first, other.difference, other.low, other.high, other.verdict
        ('b', -0.01, -0.012, -0.008, 'worse')
    """
    difference, low, high = (
        None if value is None else -value for value in (pair.difference, pair.high, pair.low)
    )
    return replace(
        pair,
        first=pair.second,
        second=pair.first,
        difference=difference,
        low=low,
        high=high,
        verdict=OPPOSITE[pair.verdict],
    )
