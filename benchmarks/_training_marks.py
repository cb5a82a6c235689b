"""The marks: what a step of ours is to cost, beside our float step and beside others'."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Record = Mapping[str, Any]
# Of a net, a variant and a way: milliseconds of a step, or the most megabytes.
Costs = Mapping[tuple[str, str, str], float | None]

PYTORCH = ("torch", "torch-compiled")
# Who trains with two bits.
QUANTIZED = (*PYTORCH, "brevitas", "torchao", "jax", "aqt", "hgq", "larq", "qkeras")


@dataclass(frozen=True)
class Mark:
    """At most `most` times what it is compared with: the fastest of `ways` in the same variant.

    Where there are none it is our own float step; `ms` is a mark by itself, in milliseconds.
    """

    net: str
    variant: str
    most: float
    ways: tuple[str, ...] = ()
    ms: bool = False

    def measured(self, costs: Costs) -> tuple[str, float] | None:
        """Return beside what, and how many times that ours takes; None where one was not timed."""
        ours = costs.get((self.net, self.variant, "qnn"))
        if self.ms:
            return None if ours is None else ("ms", ours)
        if self.ways:
            beside = {way: costs.get((self.net, self.variant, way)) for way in self.ways}
        else:
            beside = {"own float": costs.get((self.net, "float", "qnn"))}
        found = {way: cost for way, cost in beside.items() if cost}
        if ours is None or not found:
            return None
        way = min(found, key=found.__getitem__)
        return way, ours / found[way]


def _own_float(net: str, **most: float) -> Iterator[Mark]:
    for variant, times in most.items():
        yield Mark(net, variant, times)


def _beside(net: str, most: float, ways: tuple[str, ...], *variants: str) -> Iterator[Mark]:
    for variant in variants:
        yield Mark(net, variant, most, ways)


ALL = (*QUANTIZED, "numpy", "keras")

MARKS = (
    *_beside("mlp", 0.85, ALL, "float"),
    *_own_float("mlp", w2a2=1.0, w4a4=1.0, w1a1=0.8),
    Mark("bn", "float", 0.55, ms=True),
    *_own_float("bn", w2a2=1.0, w4a4=1.0, w1a1=1.0, log3=1.0),
    *_beside("bn", 0.7, ("jax",), "float", "w2a2", "w4a4", "w1a1", "log3"),
    *_beside("small", 0.9, ("jax",), "float", "w2a2"),
    *_own_float("lenet", w2a2=0.85),
    *_beside("lenet", 0.6, ("larq",), "w2a2"),
    *_beside("resnet8", 0.9, (*PYTORCH, "keras", "jax"), "float", "w4a4", "w2a2"),
    *_own_float("resnet8", w4a4=1.0, w2a2=1.0),
    # Ahead of each of them by two times.
    *(Mark(net, "w2a2", 0.5, QUANTIZED) for net in ("mlp", "bn", "lenet", "resnet8", "small")),
)


# Whose least memory is not to be exceeded: what fits in theirs fits in ours.
MEMORY = ("torch", "jax")

# Shares of the bare steps' speed.
EPOCH = {"fit": 0.95, "augmented": 0.85}


def of_steps(records: Iterable[Record]) -> Iterator[Record]:
    """Yield what the marks say of the steps of one thread, those that can be told."""
    alone = {(r["net"], r["variant"], r["way"]): r for r in records if r["threads"] == 1}
    times = {key: record["ms"] for key, record in alone.items()}
    for mark in MARKS:
        if (found := mark.measured(times)) is not None:
            yield _row(f"{mark.net} {mark.variant}", *found, mark.most)
    memory = {key: record["memory_mb"] for key, record in alone.items()}
    for net, variant, way in alone:
        mark = Mark(net, variant, 1.0, MEMORY)
        if way == "qnn" and (found := mark.measured(memory)) is not None:
            yield _row(f"memory of {net} {variant}", *found, mark.most)


def of_epochs(records: Iterable[Record]) -> Iterator[Record]:
    """Yield the same of the epochs."""
    for record in (r for r in records if r["threads"] == 1):
        for name, share in EPOCH.items():
            times = 1 / record[f"{name}_of_bare"]
            yield _row(f"{name}, {record['variant']}", "bare steps", times, 1 / share)


def _row(what: str, beside: str, measured: float, mark: float) -> Record:
    return {
        "what": what,
        "beside": beside,
        "measured": measured,
        "mark": mark,
        "reached": measured <= mark,
    }
