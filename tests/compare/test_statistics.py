"""Estimates, tests and verdicts against values worked out by hand."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from qnn_compare.statistics import (
    Pair,
    StatisticsError,
    estimate,
    pairs,
    resolution,
    verdict_matrix,
)
from qnn_compare.statistics.difference import Difference, paired
from qnn_compare.statistics.holm import holm
from qnn_compare.statistics.images import image_test, majority
from scipy import stats

IMAGES = 1000
Counts = dict[str, dict[int, int]]


def right(count: int, images: int = IMAGES) -> NDArray[np.bool_]:
    return np.arange(images) < count


def judge(counts: Counts, **options: Any) -> list[Pair]:
    """Compare configs of which it is known how many of the images they had right."""
    correct = {a: {s: right(c) for s, c in seeds.items()} for a, seeds in counts.items()}
    accuracies = {a: {s: c / IMAGES for s, c in seeds.items()} for a, seeds in counts.items()}
    return pairs(accuracies, correct, **options)


# Estimates


def test_estimate_by_hand() -> None:
    # Mean 4, sd 2; t(2 degrees, 97.5 %) = 4.3027, so half a width of 4.3027 * 2 / sqrt(3).
    found = estimate([2.0, 4.0, 6.0])
    assert (found.n, found.mean, found.sd) == (3, 4.0, 2.0)
    assert found.high == pytest.approx(4 + 4.968275, abs=1e-6)
    assert found.low == pytest.approx(4 - 4.968275, abs=1e-6)


def test_estimate_of_two_by_hand() -> None:
    # One degree of freedom is Cauchy's distribution: its 75 % point is 1.
    found = estimate([1.0, 3.0], confidence=0.5)
    assert [found.low, found.high] == pytest.approx([1.0, 3.0])


def test_equal_accuracies_are_known_to_a_rounded_image() -> None:
    found = estimate([0.98, 0.98], step=0.001)
    assert found.sd == 0
    half = 12.706205 * 0.001 / math.sqrt(12) / math.sqrt(2)
    assert found.high == pytest.approx(0.98 + half, abs=1e-9)
    assert estimate([0.98, 0.98]).high == 0.98


def test_one_value_has_no_spread() -> None:
    found = estimate([0.98])
    assert (found.n, found.mean, found.sd, found.low, found.high) == (1, 0.98, None, None, None)


def test_estimate_refuses() -> None:
    with pytest.raises(StatisticsError, match="estimate: there are no values"):
        estimate([])
    with pytest.raises(StatisticsError, match=r"finite, got \[0.5, nan\]"):
        estimate([0.5, math.nan])
    with pytest.raises(StatisticsError, match="confidence must be between 0 and 1, got 95"):
        estimate([0.5, 0.6], confidence=95)


# Tests of many, and of images, are those of statsmodels


def test_holm_is_that_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests  # noqa: PLC0415 # it takes seconds

    rng = np.random.default_rng(0)
    for count in (2, 3, 14, 105):
        tested = [*rng.uniform(size=count) ** 4, 0.5, 0.5]
        np.testing.assert_array_equal(holm(tested), multipletests(tested, method="holm")[1])
        assert [p for p in holm([None, *tested, None]) if p is not None] == holm(tested)
    assert holm([0.3]) == [0.3]
    assert holm([None]) == [None]


def test_the_image_test_is_that_of_statsmodels() -> None:
    from statsmodels.stats.contingency_tables import mcnemar  # noqa: PLC0415 # it takes seconds

    rng = np.random.default_rng(0)
    for images in (1, 7, 60, 10_000):
        for share in (0.5, 0.9, 1.0):
            first, second = rng.uniform(size=(2, images)) < share
            table = [[0, np.sum(first & ~second)], [np.sum(second & ~first), 0]]
            expected = mcnemar(table, exact=True).pvalue
            assert image_test(first, second) == pytest.approx(expected, rel=1e-9)


def test_what_could_be_found_is_known_at_any_level() -> None:
    for n in (2, 3, 5, 30):
        found = Difference(n, 0.0, 1.0)
        levels = [found.detectable(10.0**-k) or 0 for k in range(1, 13)]
        assert all(np.isfinite(levels))
        assert levels == sorted(levels)
    # Both ways of computing it meet.
    near = [Difference(2, 0.0, 1.0).detectable(alpha) or 0 for alpha in (6.4e-5, 6.3e-5)]
    assert near[1] / near[0] == pytest.approx(6.4 / 6.3, rel=1e-3)


# The paired t test


def test_paired_test_by_hand() -> None:
    # Differences 1, 2, 3 thousandths: t = 2 / (1 / sqrt(3)); with 2 degrees of freedom
    # p = 1 - t / sqrt(2 + t^2).
    [pair] = judge({"a": {0: 981, 1: 984, 2: 979}, "b": {0: 980, 1: 982, 2: 976}})
    t = 2 * math.sqrt(3)
    assert pair.n == 3
    assert pair.difference == pytest.approx(0.002)
    assert pair.p == pytest.approx(1 - t / math.sqrt(2 + t**2))
    assert pair.low == pytest.approx(0.002 - 4.302653 * 0.001 / math.sqrt(3))
    assert pair.high == pytest.approx(0.002 + 4.302653 * 0.001 / math.sqrt(3))
    assert pair.verdict == "not distinguishable"


@given(st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=2, max_size=8))
def test_paired_test_is_that_of_scipy_above_the_rounding(counts: list[tuple[int, int]]) -> None:
    first, second = np.array(counts).T / 1000
    found = paired(dict(enumerate(first)), dict(enumerate(second)), step=0.001)
    if np.std(first - second, ddof=1) > 0.001:
        theirs = stats.ttest_rel(first, second)
        assert found.p == pytest.approx(theirs.pvalue)
        assert found.interval(0.9) == pytest.approx(tuple(theirs.confidence_interval(0.9)))
        assert found.p_greater == pytest.approx(
            stats.ttest_rel(first, second, alternative="greater").pvalue
        )


def test_equal_differences_are_not_certain() -> None:
    # One image of 1000, twice: t = 0.001 / (0.001 / sqrt(6) / sqrt(2)) = sqrt(12), and with one
    # degree of freedom p = 1 - 2 / pi * atan(t).
    [pair] = judge({"a": {0: 981, 1: 971}, "b": {0: 980, 1: 970}})
    assert pair.p == pytest.approx(1 - 2 / math.pi * math.atan(math.sqrt(12)))
    assert pair.verdict == "not distinguishable"


def test_identical_configs() -> None:
    seeds = {seed: 980 + seed for seed in range(5)}
    [pair] = judge({"a": seeds, "b": seeds})
    assert (pair.difference, pair.p, pair.p_holm, pair.p_images) == (0, 1, 1, 1)
    assert (pair.verdict, pair.reason) == ("not distinguishable", "")
    assert pair.detectable is not None
    assert pair.detectable > 0


def test_only_common_seeds_count() -> None:
    [pair] = judge({"a": {0: 981, 1: 984, 7: 100}, "b": {9: 1000, 1: 982, 0: 980}})
    assert pair.n == 2
    assert pair.difference == pytest.approx(0.0015)


def test_seeds_may_have_test_sets_of_different_size() -> None:
    first, second = {0: right(98, 100), 1: right(980)}, {0: right(97, 100), 1: right(970)}
    accuracies = {"a": {0: 0.98, 1: 0.98}, "b": {0: 0.97, 1: 0.97}}
    [pair] = pairs(accuracies, {"a": first, "b": second})
    # Rounded to the hundredths of the smaller one.
    assert pair.p == pytest.approx(1 - 2 / math.pi * math.atan(math.sqrt(12)))


# Holm's correction


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 gives 0.04, 0.06, 0.06, 0.04: never falling.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, None, 0.8]) == [1.0, None, 1.0]
    assert holm([None]) == [None]
    assert holm([]) == []


def test_pairs_are_corrected_over_the_study() -> None:
    counts = {
        "a": [980, 983, 981],
        "b": [970, 975, 970],
        "c": [979, 984, 980],
        "d": [960, 968, 962],
    }
    found = judge({config: dict(enumerate(seeds)) for config, seeds in counts.items()})
    assert [(p.first, p.second) for p in found] == [
        ("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d"),
    ]  # fmt: skip
    by_p = sorted(found, key=lambda pair: pair.p or 0)
    assert by_p[0].p is not None
    assert by_p[0].p_holm == pytest.approx(6 * by_p[0].p)
    alone = judge({config: dict(enumerate(counts[config])) for config in "ab"})[0]
    assert alone.p == alone.p_holm == found[0].p
    # Among more pairs only greater differences can be found.
    assert alone.detectable is not None
    assert found[0].detectable is not None
    assert alone.detectable < found[0].detectable


def test_a_pair_without_a_test_does_not_count_for_holm() -> None:
    counts: Counts = {"a": {0: 980, 1: 990, 2: 985}, "b": {0: 970, 1: 975, 2: 972}}
    alone = judge(counts)[0]
    among = judge(counts | {"c": {2: 900}})[0]
    assert (alone.p_holm, alone.detectable) == (among.p_holm, among.detectable)


# McNemar's test


def test_mcnemar_by_hand() -> None:
    # 1 against 4: 2 * (1 + 5) / 2^5. The images that both have right do not matter.
    a, b = np.ones(100, dtype=bool), np.ones(100, dtype=bool)
    a[:1], b[10:14] = False, False
    assert image_test(a, b) == image_test(b, a) == pytest.approx(12 / 32)
    assert image_test(a, a) == 1


def test_mcnemar_of_many_images() -> None:
    # Near the normal distribution: (|500 - 600| - 1) / sqrt(1100) = 2.985.
    a, b = np.ones(10_000, dtype=bool), np.ones(10_000, dtype=bool)
    a[:500], b[500:1100] = False, False
    assert image_test(a, b) == pytest.approx(2 * stats.norm.sf(99 / math.sqrt(1100)), rel=0.01)
    a[:] = False
    assert image_test(a, ~a) == pytest.approx(0, abs=1e-300)


def test_majority_by_hand() -> None:
    assert majority([0.02]) == 0.02
    assert majority([0.02, 0.01]) == 0.02  # both of two
    assert majority([0.9, 0.01, 0.02]) == pytest.approx(0.03)  # second of three, times 3/2
    assert majority([0.9, 0.8, 0.7]) == 1
    # Never above what is often taken, twice the median.
    rng = np.random.default_rng(0)
    for n in range(2, 9):
        p_values = rng.uniform(size=n)
        upper = np.sort(p_values)[n // 2]
        assert majority([*p_values]) <= 2 * upper


def test_images_can_differ_where_seeds_do_not() -> None:
    # Each seed's nets differ, once this way and once that way: training does not.
    [pair] = judge({"a": {0: 950, 1: 980}, "b": {0: 980, 1: 950}})
    assert pair.p_images is not None
    assert pair.p_images < 1e-6
    assert (pair.p, pair.verdict) == (1, "not distinguishable")


# The smallest detectable difference


def test_detectable_is_as_in_the_tables() -> None:
    # Cohen's tables: an effect of 0.5 sd needs 34 pairs for a power of 0.8 at 0.05, two-sided,
    # one of 0.8 sd needs 15 (14.3 rounded up).
    for effect, n in ((0.5, 34), (0.8, 15)):
        enough, too_few = (Difference(k, 0.0, 1.0).detectable(0.05) for k in (n, n - 1))
        assert enough is not None
        assert too_few is not None
        assert enough <= effect < too_few


def test_detectable_for_many_pairs_and_few_seeds() -> None:
    # Where statsmodels' solver stops at wrong numbers.
    alphas = [0.05 / pairs_ for pairs_ in (1, 3, 15, 45, 190, 1000)]
    for n in (2, 3, 5, 10):
        found = [Difference(n, 0.0, 1.0).detectable(alpha) or math.nan for alpha in alphas]
        assert found == sorted(found)
        critical = stats.t.isf(np.array(alphas) / 2, n - 1) / math.sqrt(n)
        assert (np.array(found) > critical).all()
        assert (np.array(found) < 2 * critical).all()


# Verdicts


def test_verdicts() -> None:
    float_, one_bit = [984, 983, 985, 984, 984], [934, 932, 936, 935, 933]
    found = judge({"1 bit": dict(enumerate(one_bit)), "float": dict(enumerate(float_))})
    assert (found[0].verdict, found[0].reason) == ("worse", "")
    assert verdict_matrix(found) == {("1 bit", "float"): "worse", ("float", "1 bit"): "better"}


def test_significant_but_below_the_resolution() -> None:
    # Differences 0, 1, 3, 3, 4 have the mean 2.2 and the sd 1.64, so t = 2.99: beyond 2.78, where
    # p is 0.05, and below 3.76, what is found in four of five studies.
    first = {seed: 980 + more for seed, more in enumerate((0, 1, 3, 3, 4))}
    [pair] = judge({"a": first, "b": dict.fromkeys(first, 980)})
    assert pair.p_holm is not None
    assert 0.01 < pair.p_holm < 0.05
    assert pair.detectable == pytest.approx(0.001 * 3.761 * math.sqrt(2.7 / 5), rel=1e-3)
    assert pair.verdict == "not distinguishable"
    assert "significant, but below the 0.28 points" in pair.reason


@given(
    st.dictionaries(
        st.sampled_from("abcd"),
        st.dictionaries(st.integers(0, 5), st.integers(970, 1000), max_size=6),
        max_size=4,
    )
)
def test_laws_of_verdicts(counts: Counts) -> None:
    found = judge(counts)
    assert len(found) == len(counts) * (len(counts) - 1) // 2
    for pair in found:
        if pair.verdict != "not distinguishable":
            assert pair.difference is not None
            assert pair.detectable is not None
            assert pair.p_holm is not None
            assert pair.p_holm < 0.05
            assert abs(pair.difference) >= pair.detectable
            assert (pair.difference > 0) == (pair.verdict == "better")
        assert (pair.p is None) == (pair.n < 2)
        assert (pair.p_images is None) == (pair.n < 1)
        assert bool(pair.reason) >= (pair.n < 2)
    # The order of the configs says who is first, and nothing else.
    backwards = judge(dict(reversed(counts.items())))
    assert verdict_matrix(backwards) == verdict_matrix(found)
    assert resolution(backwards) == resolution(found)


def test_too_few_seeds_say_so() -> None:
    found = judge({"a": {0: 980}, "b": {0: 900}, "c": {1: 980}})
    one, none, _ = found
    assert (one.n, one.p, one.low) == (1, None, None)
    assert one.difference == pytest.approx(0.08)
    assert one.p_images is not None
    assert one.p_images < 1e-9
    assert (one.verdict, one.reason[:18]) == ("not distinguishable", "one seed in common")
    assert (none.n, none.difference, none.p_images) == (0, None, None)
    assert (none.verdict, none.reason) == ("not distinguishable", "no seed in common")
    assert resolution(found) is None


def test_no_pairs() -> None:
    assert judge({}) == judge({"a": {0: 980}}) == []
    assert resolution([]) is None
    assert verdict_matrix([]) == {}


# Bad input


@pytest.mark.parametrize(
    ("accuracy", "correct", "message"),
    [
        (0.97, right(980), "accuracy of 'b', seed 0, is 0.97, but 0.98 of its images"),
        (math.nan, right(980), "is nan, but 0.98"),
        (0.98, right(980).astype(int), "correct of 'b', seed 0, must be bool"),
        (0.98, right(980)[None], r"must be \[images\], one or more, got shape \(1, 1000"),
        (0.98, right(0, 0), r"got shape \(0,\)"),
        (0.98, right(98, 100), "'a' was tested on 1000 images and 'b' on 100"),
    ],
)
def test_pairs_refuses(accuracy: float, correct: Any, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        pairs({"a": {0: 0.98}, "b": {0: accuracy}}, {"a": {0: right(980)}, "b": {0: correct}})


def test_pairs_refuses_what_is_missing() -> None:
    with pytest.raises(StatisticsError, match="correct of 'a', seed 3, is missing"):
        pairs({"a": {3: 0.98}}, {"a": {2: right(980)}})
    with pytest.raises(StatisticsError, match="pairs: alpha must be between 0 and 1, got 0"):
        pairs({}, {}, alpha=0)


def test_float32_accuracies_are_those_of_their_images() -> None:
    counts = [right(count, 10_000) for count in (9801, 9833)]
    accuracies = {"a": {0: float(np.float32(0.9801))}, "b": {0: float(np.float32(0.9833))}}
    assert len(pairs(accuracies, {"a": {0: counts[0]}, "b": {0: counts[1]}})) == 1
