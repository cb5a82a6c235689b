"""Nets as C are what they were packed from, on every target, and cost no more than they did."""

import json
from pathlib import Path

import numpy as np
import pytest
from board_budgets import FILE, compiler, costs
from exported_nets import NETS, Exported, export
from qnn_core.boards import TARGETS, CNet, find_target, run_many, selftest

pytestmark = [pytest.mark.boards, pytest.mark.slow]

everywhere = pytest.mark.parametrize("target", TARGETS)
# A change is noted before it is a twentieth; the same machine gives the same numbers.
MORE, LESS = 1.01, 0.95


@pytest.fixture(scope="module", params=NETS)
def net(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(request.param, tmp_path_factory.mktemp("exported") / request.param)


@everywhere
def test_the_selftest_passes(net: Exported, target: str) -> None:
    assert selftest(net.folder, target) == 0


@everywhere
def test_all_images(net: Exported, target: str) -> None:
    count = 20 if target == "avr" else len(net.pixels)
    found = CNet.find(net.folder)
    classes, sums = run_many(found, find_target(target), net.pixels[:count])
    np.testing.assert_array_equal(classes, net.classes[:count])
    for column, logits in zip(sums.T, net.logits[:count].T, strict=True):
        check_affine(column, logits)


def check_affine(sums: np.ndarray, logits: np.ndarray) -> None:
    """Check that each logit is one float32 product and one sum away from its integer."""
    distinct = np.unique(np.stack([sums.astype(np.float64), logits.astype(np.float64)]), axis=1)
    values, numbers = distinct
    assert len(np.unique(values)) == len(values)  # equal sums, equal logits
    scale, bias = np.polyfit(values, numbers, 1) if len(values) > 1 else (0.0, numbers[0])
    np.testing.assert_allclose(values * scale + bias, numbers, rtol=1e-5, atol=1e-5)


@everywhere
def test_it_costs_no_more_than_it_did(net: Exported, target: str) -> None:
    golden = json.loads(FILE.read_text(encoding="utf-8"))
    found = costs(net, target)
    if compiler(target) != golden["compilers"][target]:
        pytest.skip(f"budgets are of {golden['compilers'][target]}, here is {compiler(target)}")
    budget = golden["budgets"][net.name][target]
    assert set(found) == set(budget)
    for what, number in found.items():
        assert number <= budget[what] * MORE, f"{what}: more than the budget of {budget[what]:,}"
        assert number >= budget[what] * LESS, (
            f"{what}: far less than the budget of {budget[what]:,}: make it anew, by {MAKE}"
        )


MAKE = f"python {Path('tests', 'boards', 'board_budgets.py')}"
