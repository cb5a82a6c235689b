"""Nets as C are what they were packed from, on every target, and cost no more than they did."""

import json
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
import qnn_data
from board_budgets import FILE, compiler, costs
from exported_nets import NETS as EXPORTED
from exported_nets import Exported, export, images_of_test
from qnn_core.boards import TARGETS, CNet, find_target, run_many, selftest

pytestmark = [pytest.mark.boards, pytest.mark.slow]

everywhere = pytest.mark.parametrize("target", TARGETS)
# A change is noted before it is a twentieth; the same machine gives the same numbers.
MORE, LESS = 1.01, 0.95
# An emulator takes minutes for 10,000 images of a net of a million multiplications.
FEWER = {"digits_cnn": 1000}


@pytest.fixture(scope="module", params=EXPORTED)
def net(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return export(request.param, tmp_path_factory.mktemp("exported") / request.param)


@everywhere
def test_the_selftest_passes(net: Exported, target: str) -> None:
    assert selftest(net.folder, target) == 0


@everywhere
def test_all_images(net: Exported, target: str) -> None:
    count = FEWER.get(net.name, len(net.pixels)) if target != "avr" else 20
    found = CNet.find(net.folder)
    classes, sums = run_many(found, find_target(target), net.pixels[:count])
    np.testing.assert_array_equal(classes, net.classes[:count])
    for column, logits in zip(sums.T, net.logits[:count].T, strict=True):
        check_affine(column, logits)


@pytest.mark.parametrize(("name", "accuracy"), [("digits_cnn", 0.9957), ("digits_fc", 0.9906)])
def test_nets_of_mnist_are_as_good_as_is_said(name: str, accuracy: float) -> None:
    pixels = images_of_test()
    if len(pixels) != 10_000:
        pytest.skip("QNN_DATA has no MNIST: no full test set here")
    file, transform = EXPORTED[name]
    labels = qnn_data.MNIST(train=False).labels
    assert np.mean(qnn.load(file).predict(transform(pixels)) == labels) == accuracy


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
