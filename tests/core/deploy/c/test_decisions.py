"""Decisions are the packed model's on every sum that can occur; memory is shared only in turn."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from exported_c import Images, Linears, Residual, export, packed, pixels
from qnn_core import ops
from qnn_core.deploy.c.arena import arena
from qnn_core.deploy.c.lower import decision as decisions
from qnn_core.deploy.c.lower import join as joins
from qnn_core.deploy.c.lower import lower
from qnn_core.deploy.c.lower.decision import decide
from qnn_core.deploy.c.lower.expression import Expression, Source
from qnn_core.deploy.c.lower.join import plane
from qnn_core.deploy.c.plan import Decision, Product, decision_of
from qnn_core.deploy.graph import Node

PIXELS = np.linspace(-1, 2, 256).astype(np.float32)


def quantizer(bits: int, scale: float = 1.0) -> Node:
    levels = np.arange(2**bits, dtype=np.float32)
    tables = {
        "levels": levels,
        "thresholds": levels[1:] - np.float32(0.5),
        "scale": np.float32(scale).reshape(()),
        "shift": np.zeros((), np.float32),
    }
    return Node("quantize", ("x",), "q", {"bits": bits, "axis": None}, tables)


def expression(slope: np.ndarray, bias: np.ndarray, low: int, high: int) -> Expression:
    ends = np.full(slope.size, low), np.full(slope.size, high)
    source = Source("s", *ends, lambda s: s.astype(np.float32) * slope + bias, False)
    return Expression((source,), (slope.size,), lambda given: source.values(given[0]))


def by_thresholds(found: Decision, sums: np.ndarray) -> np.ndarray:
    turned = np.where(found.turned, -sums, sums)
    return (found.thresholds[:, None] <= turned).sum(axis=0)


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("few", [2**24, 0])
def test_thresholds_and_lines_on_every_sum(
    bits: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decisions, "FEW", few)  # one by one, and by bisection
    rng = np.random.default_rng(bits)
    slope = rng.normal(size=9).astype(np.float32) * np.float32(2**bits / 300)
    slope[0] = 0
    bias = rng.normal(size=9).astype(np.float32) * 3
    given, q = expression(slope, bias, -700, 500), quantizer(bits)
    found = decide(given, q)
    assert found is not None
    sums = np.broadcast_to(np.arange(-700, 501)[:, None], (1201, 9))
    expected = given.codes(q, [sums])
    np.testing.assert_array_equal(by_thresholds(found, sums), expected)
    turned = np.where(found.turned, -sums, sums)
    lines = found.lines.codes(turned)
    np.testing.assert_array_equal(lines[:, found.lines.exact], expected[:, found.lines.exact])
    assert found.checked == 9 * 1201


def two(slopes: np.ndarray, lows: tuple[int, int], highs: tuple[int, int]) -> Expression:
    """The relu of a sum of two integers times slopes, each product rounded."""
    n = slopes.shape[1]

    def source(number: int) -> Source:
        ends = np.full(n, lows[number]), np.full(n, highs[number])
        return Source("ab"[number], *ends, lambda x: x.astype(np.float32) * slopes[number], False)

    a, b = source(0), source(1)

    def apply(given: list[np.ndarray]) -> np.ndarray:
        return np.maximum(a.values(given[0]) + b.values(given[1]), np.float32(0))

    return Expression((a, b), (n,), apply)


@pytest.mark.parametrize("few", [2**22, 0])
@pytest.mark.parametrize("highs", [(900, 15), (15, 900)])
def test_planes_and_their_exceptions_on_every_pair(
    few: int, highs: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joins, "FEW", few)  # pair by pair, and next to the edges
    rng = np.random.default_rng(highs[0])
    # Of powers of two, halves of steps are hit exactly; one column falls, one does not move.
    slopes = np.float32([[0.01, 2**-6, -0.003, 0.0, 0.02], [0.3, 0.5, 0.25, 0.125, -0.1]])
    slopes[:, 0] *= np.float32(1 + rng.random())
    given, q = two(slopes, (-300, -3), highs), quantizer(4)
    found = plane(given, q)
    assert found is not None
    a, b = np.meshgrid(np.arange(-300, highs[0] + 1), np.arange(-3, highs[1] + 1))
    grids = [np.repeat(part.reshape(-1, 1), 5, axis=1) for part in (a, b)]
    expected = given.codes(q, grids).astype(int)
    order = [0, 1] if found.sources[0].name == "a" else [1, 0]
    codes = found.codes(*(grids[i] for i in order))
    wrong = {
        (int(c), int(grids[order[0]][r, c]), int(grids[order[1]][r, c]), int(expected[r, c]))
        for r, c in np.argwhere(codes != expected)
    }
    assert wrong == {tuple(row) for row in found.exceptions.tolist()}
    assert found.pairs == codes.size
    if wrong:
        column, first, second, _ = found.exceptions.T
        heights = first * found.multiplier[column] + second * found.factor[column]
        heights += found.offset[column]
        assert np.all((heights + found.near) % (1 << found.shift) <= 2 * found.near)


def test_uneven_codes_are_no_plane() -> None:
    q = quantizer(3)
    uneven = np.float32([0.5, 1, 2, 4, 8, 16, 32])
    q = replace(q, tables={**q.tables, "thresholds": uneven})
    slopes = np.float32([[0.07], [0.7]])
    assert plane(two(slopes, (0, 0), (5000, 60)), q) is None


def test_codes_that_fall_and_rise_are_no_thresholds() -> None:
    source = Source("s", np.array([-9]), np.array([9]), lambda s: (s * s).astype(np.float32), False)
    given = Expression((source,), (1,), lambda x: source.values(x[0]))
    assert decide(given, quantizer(4)) is None


def test_accumulators_stay_between_their_ends() -> None:
    images = pixels(16, 9, 8, 2)
    model = packed(Images("symmetric:4", "uniform:4", padding=1), images)
    plan = lower(model.graph, pixels=PIXELS)
    for step in plan.steps:
        assert isinstance(step, Product)
        rows = step.weights.reshape(step.n, -1)
        for x in (np.where(rows > 0, step.input_high, step.input_low),) * 1:
            np.testing.assert_array_equal((rows * x).sum(axis=1), step.high)
        decision = decision_of(step)
        if decision is not None:
            assert np.all(decision.low <= decision.high)


@pytest.mark.parametrize(
    "model", [Residual(), Linears("binary", "uniform:2", (42, 9, 8, 3), ops.relu)]
)
def test_values_that_are_needed_together_lie_apart(model: Residual | Linears) -> None:
    plan = lower(packed(model, pixels(8, 42)).graph, pixels=PIXELS)
    places = arena(plan, [12 * (n % 2) for n in range(len(plan.steps))])
    sizes = {s.target.place: s.target.size * s.target.nbytes for s in plan.steps}
    kept = {o.value.place for o in plan.outputs}
    for number, step in enumerate(plan.steps):
        later = {v.place for s in plan.steps[number + 1 :] for v in s.sources} | kept
        made = {s.target.place for s in plan.steps[: number + 1]}
        needed = ({v.place for v in step.sources} | {step.target.place} | later) & made
        spans = [(places.offsets[p], places.offsets[p] + sizes[p]) for p in needed]
        if number in places.work:
            spans.append((places.work[number], places.work[number] + 12))
        spans.sort()
        assert all(a[1] <= b[0] for a, b in pairwise(spans))
        assert all(start % 4 == 0 and end <= places.nbytes for start, end in spans)


def test_the_summary_adds_up(tmp_path: Path) -> None:
    images = pixels(8, 9, 8, 2)
    model = Images("symmetric:4", "uniform:4", padding=1)
    summary = packed(model, images).summary("c")
    made = export(model, images, tmp_path)
    assert made.summary.tables == summary.tables
    assert summary.macs == sum(s.macs for s in made.plan.steps if isinstance(s, Product))
    assert f"#define NET_SCRATCH {summary.scratch} " in (made.folder / "net.h").read_text()
    for target, cycles in summary.cycles.items():
        assert cycles == sum(row.cycles[target] for row in summary.rows) > summary.macs
    assert "Cortex-M0+" not in str(summary)
    assert "in all" in str(summary)
