"""What a comparison holds as plain records: a dictionary for each config, run, epoch or pair."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from qnn_core.errors import SpecError, nearest

from ..experiment.c_costs import COSTS
from ..experiment.configs import Config
from .rows import Row, rows_of

if TYPE_CHECKING:
    from ..comparison import Comparison

Record = dict[str, object]

VERDICT = (
    "reference", "difference", "low", "high", "p", "p_holm", "verdict", "within_margin", "unstable",
    "low_new", "high_new", "holds_for_new",
)  # fmt: skip # one line for each would hide that it is a list


def records(comparison: "Comparison", of: str) -> list[Record]:
    """Return the records of a kind; see `Comparison.records`."""
    if of not in KINDS:
        raise SpecError(f"records are of {', '.join(KINDS)}, got {of!r}{nearest(str(of), KINDS)}")
    return KINDS[of](comparison)


def of_rows(rows: Sequence[Row]) -> list[Record]:
    """Return all numbers of each config by name."""
    widths = sorted({width for row in rows for width in row.macs}, key=_by_bits)
    tuned = [*dict.fromkeys(name for row in rows for name in row.tuned)]
    return [_raw(row, widths, tuned) for row in rows]


def _by_bits(width: str) -> list[int]:
    return [int(bits) for bits in width.split("x")]


def _raw(row: Row, widths: Sequence[str], tuned: Sequence[str]) -> Record:
    config, known, pair = row.config, row.accuracy, row.against
    here = isinstance(config, Config)  # of what was trained elsewhere, a name is all that is known
    cells: Record = {
        "config": config.name,
        "series": config.series,
        "weight": str(config.weight or "float") if here else None,
        "input": str(config.input or "float") if here else None,
        "weight_bits": config.bits[0] if here else None,
        "input_bits": config.bits[1] if here else None,
        "seeds": row.planned,
        "n": row.done,
        "failed": row.failed,
    }
    known_as = row.metric.name
    cells |= {
        f"{known_as}{end}": None if known is None else getattr(known, name)
        for name, end in (("mean", ""), ("sd", "_sd"), ("low", "_low"), ("high", "_high"))
    }
    cells |= {name: pair and getattr(pair, name) for name in VERDICT}
    cells |= {
        "seeds_needed": pair and pair.needs and pair.needs.seeds,
        "samples_needed": pair and pair.needs and pair.needs.samples,
    }
    if row.reached is not None:
        cells |= {"target": row.wanted, "target_nbytes": row.wanted_nbytes, "reached": row.reached}
    cells |= {f"tuned_{name}": row.tuned.get(name) for name in tuned}
    cells |= {"nbytes": row.nbytes, "share_of_reference": row.share, **row.c}
    cells |= {f"macs_{width}": row.macs.get(width, 0) if row.macs else None for width in widths}
    cells |= {f"seconds_batch_{batch}": time for batch, time in row.latency.items()}
    return cells | {"train_seconds": row.train_seconds if here else None, "pareto": row.pareto}


def _of_configs(comparison: "Comparison") -> list[Record]:
    return of_rows(rows_of(comparison))


def _of_runs(comparison: "Comparison") -> list[Record]:
    here = bool(comparison.plan.configuration)  # elsewhere nobody knows a loss
    as_c = "c" in comparison.plan.configuration
    measured = [*dict.fromkeys(name for r in comparison.results.values() for name in r.measured)]
    return [
        {
            "config": result.config,
            "seed": result.seed,
            "failure": result.failure,
            "reason": result.reason,
            **({"loss": result.loss if result.done else None} if here else {}),
            comparison.metric.name: result.accuracy if result.done else None,
            "nbytes": None if result.unpacked or not result.nbytes else result.nbytes,
            "packed_difference": None
            if result.unpacked or not result.nbytes
            else result.difference,
            "train_seconds": result.train_seconds if here else None,
            "seconds": result.seconds if here else None,
            **({of: result.c.get(of) for of in COSTS} if as_c else {}),
            **{f"measured_{name}": result.measured.get(name) for name in measured},
        }
        for config in comparison.configs
        for result in comparison.of(config)
    ]


def _of_epochs(comparison: "Comparison") -> list[Record]:
    return [
        {"config": result.config, "seed": result.seed, "epoch": number, **epoch}
        for config in comparison.configs
        for result in comparison.of(config)
        for number, epoch in enumerate(result.history, 1)
    ]


def _of_pairs(comparison: "Comparison") -> list[Record]:
    found = []
    for pair in comparison.pairs:
        needs = pair.needs
        fields = {name: value for name, value in asdict(pair).items() if name != "needs"}
        fields["unstable_seeds"] = ", ".join(map(str, pair.unstable_seeds))
        fields |= {"seeds_needed": needs and needs.seeds, "samples_needed": needs and needs.samples}
        found.append(fields)
    return found


def _of_tuning(comparison: "Comparison") -> list[Record]:
    tuning = comparison.plan.tuning
    tried = () if tuning is None else tuning.tried
    names = [*dict.fromkeys(name for one in tried for name in one.recipe)]
    return [
        {
            "config": one.config,
            **{name: one.recipe.get(name) for name in names},
            f"validation_{comparison.metric.name}": one.accuracy,
            "seconds": one.seconds,
            "chosen": one.chosen,
        }
        for one in tried
    ]


KINDS: dict[str, Callable[["Comparison"], list[Record]]] = {
    "configs": _of_configs,
    "runs": _of_runs,
    "epochs": _of_epochs,
    "pairs": _of_pairs,
    "tuning": _of_tuning,
}
