"""Verdicts over many simulated studies, of which the truth is known.

A share that was simulated is uncertain itself. So a binomial test says what each one shows: that
the true share is below, or above, a bound, at 95 % confidence. `studies/verdicts.py` has many more
studies, and the numbers.
"""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qnn_compare import Comparison
from qnn_compare.statistics import against, all_pairs, estimate
from scipy import stats

ROOT = Path(__file__).parents[2]
STUDIES = 4000


@cache
def simulations() -> Any:
    spec = importlib.util.spec_from_file_location("verdicts", ROOT / "studies" / "verdicts.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["verdicts"] = module
    spec.loader.exec_module(module)
    return module


@cache
def images() -> Any:
    return simulations().Images()


def shown_below(count: float, n: int, bound: float) -> bool:
    return bool(stats.binomtest(int(count), n, bound, alternative="less").pvalue < 0.05)


def shown_above(count: float, n: int, bound: float) -> bool:
    return bool(stats.binomtest(int(count), n, bound, alternative="greater").pvalue < 0.05)


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("configs", [2, 3, 6, 15])
def test_false_verdicts_are_rare_however_trainings_vary(configs: int, seeds: int) -> None:
    rng = np.random.default_rng([configs, seeds])
    for name, factors in simulations().settings(configs).items():
        wrong = simulations().rejected(rng, factors, seeds, STUDIES).any(axis=1).sum()
        bound = 0.06 if configs == 2 else 0.065 if seeds == 3 else 0.055
        # Shown not to be above; the note has so many studies that it shows them to be below.
        assert not shown_above(wrong, STUDIES, bound), name


def test_more_seeds_make_nothing_worse_of_an_identical_pair() -> None:
    rng = np.random.default_rng(0)
    for seeds in (3, 5, 8, 12, 20, 30):
        wrong = simulations().rejected(rng, np.ones(6), seeds, STUDIES).any(axis=1).sum()
        assert shown_below(wrong, STUDIES, 0.055), seeds


def test_a_fifth_of_a_point_is_found_with_five_seeds() -> None:
    rng = np.random.default_rng(3)
    found = [against(images().study(rng, [0.2, 0.0, 0.0, 0.0, 0.0], 5), "float") for _ in range(60)]
    assert sum(pairs[0].verdict == "worse" for pairs in found) >= 44  # 0.80 is the mark
    same = [pair.verdict == "equivalent" for pairs in found for pair in pairs[1:]]
    assert np.mean(same) >= 0.95


def test_what_loses_the_margin_is_not_equivalent() -> None:
    rng = np.random.default_rng(4)
    found = [against(images().study(rng, [0.5, 0.0, 0.0], 5), "float")[0] for _ in range(100)]
    assert shown_below(sum(pair.verdict == "equivalent" for pair in found), 100, 0.05)


def test_intervals_for_new_samples_hold_the_truth() -> None:
    rng = np.random.default_rng(5)
    truth = images().probabilities(0.3).mean() - images().good.mean()
    held = 0
    for _ in range(150):
        chosen = rng.integers(len(images().good), size=2000)
        [pair, *_] = against(images().study(rng, [0.3] * 3, 5, chosen), "float")
        held += pair.low_new <= truth <= pair.high_new
    assert 0.89 <= held / 150 <= 0.99


def test_intervals_of_a_mean_cover_it() -> None:
    rng = np.random.default_rng(7)
    found = [estimate(values) for values in rng.normal(0.98, 0.0015, size=(2000, 5))]
    covered = sum(e.low < 0.98 < e.high for e in found if e.low is not None and e.high is not None)
    assert stats.binomtest(covered, len(found), 0.95).pvalue > 0.01


# The study of full MNIST, from its stored answers


@cache
def mnist() -> Comparison:
    return Comparison.load(ROOT / "docs" / "results" / "bits")


def test_the_study_of_mnist_is_decided() -> None:
    found = {pair.config: pair for pair in mnist().against()}
    assert len(found) == 14
    assert sum(pair.decided for pair in found.values()) >= 13
    verdicts = {name: pair.verdict for name, pair in found.items()}
    for name in ("binary:1", "symmetric:2", "logarithmic:2", "uniform:2"):
        assert verdicts[name] == "worse"
    for name in ("uniform", "symmetric", "logarithmic"):
        assert {verdicts[f"{name}:{bits}"] for bits in (3, 4, 8)} == {"equivalent"}
    assert found["uniform:2"].within_margin
    assert [name for name, pair in found.items() if pair.unstable] == ["uniform:1"]


def test_all_pairs_are_a_family_of_their_own() -> None:
    pairs = mnist().pairs
    assert len(pairs) == 105
    assert pairs == all_pairs(mnist().scores())
    assert sum(pair.decided for pair in pairs) >= 85
