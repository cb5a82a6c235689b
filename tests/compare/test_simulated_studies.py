"""Verdicts over many simulated studies, of which the truth is known.

A share that was simulated is uncertain itself. So a binomial test says what each one shows: that
the true share is below, or above, a bound, at 95 % confidence.
"""

import numpy as np
import pytest
from qnn_compare.statistics import Pair, estimate, pairs, resolution
from qnn_compare.statistics.difference import Difference
from scipy import stats
from simulated_nets import SEEDS, Study, points


def shown_below(count: int, n: int, bound: float) -> bool:
    return bool(stats.binomtest(count, n, bound, alternative="less").pvalue < 0.05)


def shown_above(count: int, n: int, bound: float) -> bool:
    return bool(stats.binomtest(count, n, bound, alternative="greater").pvalue < 0.05)


def compatible(count: int, n: int, share: float) -> bool:
    return bool(stats.binomtest(count, n, share).pvalue > 0.01)


def judge(study: Study) -> list[Pair]:
    return pairs(study.accuracies, study.correct)


def test_simulated_nets_are_as_mnist_shows() -> None:
    rng = np.random.default_rng(0)
    for luck, spread in ((0.01, 0.10), (0.025, 0.15)):
        study = Study(rng, [0.0], luck=luck, seeds=300)
        accuracies = 100 * np.array([*study.accuracies["config 0"].values()])
        assert accuracies.mean() == pytest.approx(98, abs=0.3)
        assert accuracies.std() == pytest.approx(spread, abs=0.015)
    right = np.array([*study.correct["config 0"].values()])
    assert np.mean(right[0::2] != right[1::2]) == pytest.approx(0.017, abs=0.002)


def test_two_identical_configs_are_not_distinguishable() -> None:
    # False verdicts are below 5 %, and p below 0.05 in 5 %: the second condition of a verdict,
    # a difference of at least `detectable`, is what brings them down.
    rng = np.random.default_rng(1)
    found = [judge(Study(rng, [0, 0], images=2000))[0] for _ in range(600)]
    false = sum(pair.verdict != "not distinguishable" for pair in found)
    assert shown_below(false, len(found), 0.05)
    small = sum(pair.p < 0.05 for pair in found if pair.p is not None)
    assert compatible(small, len(found), 0.05)


def test_six_identical_configs_are_all_not_distinguishable() -> None:
    # The share of studies with one or more false verdicts among 15 pairs.
    rng = np.random.default_rng(2)
    studies = [judge(Study(rng, [0] * 6, images=1000)) for _ in range(300)]
    false = sum(any(pair.verdict != "not distinguishable" for pair in study) for study in studies)
    assert shown_below(false, len(studies), 0.05)
    # Without a correction most studies would have one.
    uncorrected = sum(any(pair.p < 0.05 for pair in study if pair.p) for study in studies)
    assert uncorrected > len(studies) / 4


@pytest.mark.parametrize(
    ("luck", "power"),
    [pytest.param(0.01, 0.95, id="sd 0.10"), pytest.param(0.025, 0.8, id="sd 0.15")],
)
def test_half_a_point_is_found_with_five_seeds(luck: float, power: float) -> None:
    rng = np.random.default_rng(3)
    found = [judge(Study(rng, [points(0.5), 0], luck))[0] for _ in range(300)]
    better = sum(pair.verdict == "better" for pair in found)
    assert shown_above(better, len(found), power)
    assert not any(pair.verdict == "worse" for pair in found)
    # And these very nets would differ on other images.
    other_images = sum(pair.p_images < 0.05 for pair in found if pair.p_images is not None)
    assert shown_above(other_images, len(found), 0.5)


def test_half_a_point_is_found_among_six_configs() -> None:
    # 15 pairs, 5 of them with a difference. 0.1 points of spread, as MNIST shows or more.
    rng = np.random.default_rng(4)
    studies = [judge(Study(rng, [points(0.5)] + [0] * 5, luck=0.01)) for _ in range(40)]
    real = [pair for study in studies for pair in study if pair.first == "config 0"]
    assert np.mean([pair.verdict == "better" for pair in real]) > 0.5
    false = [pair for study in studies for pair in study if pair.first != "config 0"]
    assert np.mean([pair.verdict != "not distinguishable" for pair in false]) < 0.01


def test_a_fifth_of_a_point_is_below_the_resolution() -> None:
    # A study that cannot find a difference says so beside the verdict.
    rng = np.random.default_rng(5)
    studies = [judge(Study(rng, [points(0.2), 0])) for _ in range(50)]
    assert np.mean([pairs_[0].verdict == "better" for pairs_ in studies]) < 0.5
    resolutions = [resolution(pairs_) for pairs_ in studies]
    assert np.median([r for r in resolutions if r is not None]) > 0.002


def test_nets_of_equal_ability_pass_the_test_on_images() -> None:
    # No luck: on all images of the world these nets are equally good.
    rng = np.random.default_rng(6)
    found = [judge(Study(rng, [0, 0], luck=0, images=4000))[0] for _ in range(300)]
    false = sum(pair.p_images < 0.05 for pair in found if pair.p_images is not None)
    assert shown_below(false, len(found), 0.05)


def test_intervals_of_a_mean_cover_it() -> None:
    rng = np.random.default_rng(7)
    found = [estimate(values) for values in rng.normal(0.98, 0.0015, size=(2000, SEEDS))]
    covered = sum(e.low < 0.98 < e.high for e in found if e.low is not None and e.high is not None)
    assert compatible(covered, len(found), 0.95)


def test_intervals_of_a_difference_cover_it() -> None:
    # The difference on these images, over all seeds there might be.
    rng = np.random.default_rng(8)
    shift, covered, studies = points(0.5), 0, 400
    for _ in range(studies):
        study = Study(rng, [shift, 0], images=4000)
        [pair] = judge(study)
        assert pair.low is not None
        assert pair.high is not None
        covered += pair.low < study.expected(shift) - study.expected(0) < pair.high
    assert compatible(covered, studies, 0.95)


@pytest.mark.parametrize("n", [2, 5, 10])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 15, 0.05 / 190])
def test_a_detectable_difference_is_found_in_four_of_five_studies(n: int, alpha: float) -> None:
    # With the true spread known, by t tests of SciPy.
    studies, sd = 4000, 0.002
    gap = Difference(n, 0.0, sd).detectable(alpha)
    assert gap is not None
    differences = np.random.default_rng(9).normal(gap, sd, size=(n, studies))
    found = int((stats.ttest_1samp(differences, 0).pvalue < alpha).sum())
    assert compatible(found, studies, 0.8)
