"""Estimates, tests and verdicts against values worked out by hand, and laws that they keep."""

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
    against,
    all_pairs,
    estimate,
    sequential,
)
from qnn_compare.statistics.holm import holm
from qnn_compare.statistics.looks import spent
from qnn_compare.statistics.needs import needs
from qnn_compare.statistics.variance import difference, moderate
from scipy import stats

Results = dict[str, dict[int, NDArray[Any]]]


def simulated(seed: int, lost: dict[str, float], seeds: int = 5, samples: int = 2000) -> Results:
    """Return answers of nets that err independently, on samples of different difficulty."""
    rng = np.random.default_rng(seed)
    hard = rng.random(samples) ** 12
    return {
        name: {s: rng.random(samples) >= hard + share for s in range(seeds)}
        for name, share in lost.items()
    }


def by_name(pairs: list[Pair]) -> dict[str, Pair]:
    return {pair.config: pair for pair in pairs}


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


# Many tests


def test_holm_is_that_of_statsmodels() -> None:
    from statsmodels.stats.multitest import multipletests  # noqa: PLC0415 # it takes seconds

    rng = np.random.default_rng(0)
    for count in (2, 3, 14, 105):
        tested = [*rng.uniform(size=count) ** 4, 0.5, 0.5]
        np.testing.assert_array_equal(holm(tested), multipletests(tested, method="holm")[1])
        assert [p for p in holm([None, *tested, None]) if p is not None] == holm(tested)
    assert holm([0.3]) == [0.3]
    assert holm([None]) == [None]


def test_holm_by_hand() -> None:
    # Sorted 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 gives 0.04, 0.06, 0.06, 0.04: never falling.
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.9, None, 0.8]) == [1.0, None, 1.0]
    assert holm([None]) == [None]
    assert holm([]) == []


# Variances


def test_the_predicted_variance_by_hand() -> None:
    # Of sample 0 the differences are 1, 0: variance 1/2; of sample 1 they are 0, 0; of samples 2
    # and 3 -1, 0 and 0, 1: 1/2 each. 3/2 / 4^2.
    delta = np.array([[1.0, 0.0, -1.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    found = difference(delta, whole=True)
    assert found.by_seed.tolist() == [0.0, 0.25]
    assert found.predicted == pytest.approx(1.5 / 16)
    assert found.own == pytest.approx(0.25**2 / 2)
    # Means over seeds 1/2, 0, -1/2, 1/2: variance 0.75/3 - ... = 0.2292 over samples, by 4.
    assert found.between == pytest.approx(np.var([0.5, 0, -0.5, 0.5], ddof=1) / 4)


def test_identical_answers_are_known_to_a_rounded_sample() -> None:
    found = difference(np.zeros((5, 100)), whole=True)
    assert found.own == found.predicted == pytest.approx(0.01**2 / 6)


def test_independent_errors_predict_the_spread_of_the_mean() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(400) ** 3
    delta = (rng.random((20_000, 400)) < p) - 1.0 * (rng.random((20_000, 400)) < p)
    found = difference(delta, whole=True)
    assert found.own == pytest.approx(found.predicted, rel=0.03)


def test_the_moderated_variance_by_hand() -> None:
    # 5 seeds, 5 configs: nu = 4, and three others teach d = 6 * 3 / 6 = 3. Of four ratios the upper
    # of the two in the middle is 2, and the median of chi2(4) / 4 is 0.8392: c = 2 / 0.8392.
    own, predicted = np.array([0.5, 1.0, 2.0, 3.0]), np.ones(4)
    variance, df, _, _ = moderate(own, predicted, np.full(4, 4.0), 5)
    excess = 2 / (stats.chi2.median(4) / 4)
    assert df.tolist() == [7.0] * 4
    assert variance == pytest.approx((4 * own + 3 * excess) / 7)
    # Of runs alone d = 4 * 3 / 6 = 2.
    _, df, _, _ = moderate(own, predicted, np.full(4, 4.0), 5, sampled=False)
    assert df.tolist() == [6.0] * 4


def test_the_prediction_is_never_made_smaller() -> None:
    own = np.array([0.01, 0.02, 0.03, 0.03])
    variance, *_ = moderate(own, np.ones(4), np.full(4, 4.0), 5)
    assert variance == pytest.approx((4 * own + 3) / 7)


def test_what_stands_out_is_not_moderated() -> None:
    own = np.array([1.0, 1.0, 50.0])
    variance, df, over, chance = moderate(own, np.ones(3), np.full(3, 4.0), 4)
    assert (variance[2], df[2]) == (50.0, 4.0)
    assert over[2] > 10
    assert chance[2] < 1e-3 < chance[0]


def test_two_configs_alone_have_the_plain_paired_t_test() -> None:
    results = simulated(1, {"float": 0.0, "low": 0.004})
    [pair] = against(results, "float")
    first, second = ([r.mean() for r in results[name].values()] for name in ("low", "float"))
    theirs = stats.ttest_rel(first, second)
    assert pair.p == pytest.approx(theirs.pvalue)
    assert (pair.low, pair.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)))


# Verdicts


def test_planted_differences_get_their_verdicts() -> None:
    lost = {"float": 0.0, "same": 0.0, "a little": 0.003, "much": 0.05}
    results = simulated(2, lost, seeds=10, samples=40_000)
    found = by_name(against(results, "float"))
    assert {name: pair.verdict for name, pair in found.items()} == {
        "same": "equivalent", "a little": "worse", "much": "worse",
    }  # fmt: skip # one line each would hide that it is a table
    assert found["a little"].within_margin
    assert not found["much"].within_margin
    assert all(pair.holds_for_new for pair in found.values())
    # Of errors, lower is better.
    wrong = {name: {s: 1.0 * ~r for s, r in runs.items()} for name, runs in results.items()}
    errors = by_name(against(wrong, "float", higher_is_better=False))
    assert {n: p.verdict for n, p in errors.items()} == {n: p.verdict for n, p in found.items()}
    assert errors["much"].difference == pytest.approx(-(found["much"].difference or 0))


def test_identical_configs_are_equivalent() -> None:
    results = simulated(3, {"float": 0.0}, samples=1000)
    [pair] = against(results | {"again": results["float"]}, "float")
    assert (pair.difference, pair.p, pair.verdict) == (0, 1, "equivalent")


def test_what_is_undecided_says_what_would_decide_it() -> None:
    results = simulated(4, {"float": 0.0, "a": 0.004, "b": 0.004}, samples=600, seeds=3)
    for pair in against(results, "float"):
        assert pair.verdict == "undecided"
        assert pair.needs is not None
        assert pair.needs.seeds is not None
        assert pair.needs.seeds > 3
        assert pair.needs.samples is not None
        assert pair.needs.samples > 600


def test_what_is_needed_decides() -> None:
    found = needs(0.001, 1e-6, 8, 5, alpha=0.05, level=0.05 / 14, margin=0.004)
    assert found.seeds is not None
    n = found.seeds
    half = stats.t.ppf(0.975, 8 + n - 5) * math.sqrt(1e-6 / n)
    assert 0.001 + half < 0.004
    assert str(needs(0.1, 1e6, 2, 3, alpha=0.05, level=0.05, margin=0.1)) == "more than 200 seeds"


def test_an_unstable_config_is_marked_with_its_seeds() -> None:
    results = simulated(5, {"float": 0.0, "a": 0.0, "b": 0.0, "wild": 0.0})
    for seed in (1, 3):
        results["wild"][seed][:400] = False
    found = by_name(against(results, "float"))
    assert found["wild"].unstable
    assert found["wild"].unstable_seeds == (1, 3)
    assert not found["a"].unstable
    assert found["a"].verdict == "equivalent" or found["a"].needs is not None


def test_intervals_for_new_samples_are_wider() -> None:
    for pair in against(simulated(6, {"float": 0.0, "a": 0.01, "b": 0.03}), "float"):
        assert pair.low_new is not None
        assert pair.high_new is not None
        assert pair.low_new <= (pair.low or 0)
        assert pair.high_new >= (pair.high or 0)


def test_one_number_a_run_is_moderated_over_the_configs() -> None:
    rng = np.random.default_rng(7)
    results = {f"{n}": dict(enumerate(rng.normal(0.9, 0.01, 5))) for n in range(6)}
    results["low"] = dict(enumerate(rng.normal(0.8, 0.01, 5)))
    found = by_name(against(results, "0"))
    assert found["low"].verdict == "worse"
    assert all(found[f"{n}"].verdict == "undecided" for n in range(1, 6))
    assert found["low"].low_new is None
    assert not found["low"].holds_for_new


def test_runs_without_any_spread_say_nothing() -> None:
    [pair] = against({"a": {0: 0.98, 1: 0.98}, "b": {0: 0.75, 1: 0.75}}, "a", margin=0.01)
    assert pair.p == 1
    assert pair.verdict == "undecided"
    assert "the same difference" in pair.remark


def test_too_few_seeds_say_so() -> None:
    results = {"a": {0: 0.9}, "b": {0: 0.8}, "c": {1: 0.9}}
    one, none = against(results, "a")
    assert (one.n, one.verdict, one.p) == (1, "undecided", None)
    assert one.difference == pytest.approx(-0.1)
    assert one.remark.startswith("one seed in common")
    assert (none.n, none.difference, none.remark) == (0, None, "no seed in common")


# Laws

LOST = st.lists(st.sampled_from([0.0, 0.002, 0.01, 0.05]), min_size=2, max_size=5)


@given(LOST, st.integers(2, 5), st.integers(0, 10), st.randoms(use_true_random=False))
def test_laws_of_verdicts(lost: list[float], seeds: int, seed: int, random: Any) -> None:
    names = [f"config {n}" for n in range(len(lost))]
    results = simulated(seed, dict(zip(names, lost, strict=True)), seeds, samples=300)
    found = by_name(against(results, names[0]))
    for pair in found.values():
        assert pair.p is not None
        assert pair.p_holm is not None
        assert pair.p <= pair.p_holm
        assert (pair.p_holm < 0.05) == (pair.verdict in ("better", "worse"))
        assert (pair.needs is not None) == (pair.verdict == "undecided")
        assert pair.holds_for_new <= pair.decided
        assert pair.verdict != "equivalent" or pair.within_margin
    # The order of configs and seeds, and what they are called, make no difference.
    shuffled = [*names]
    random.shuffle(shuffled)
    order = [*range(seeds)]
    random.shuffle(order)
    called = {name: f"{n} {name}" for n, name in enumerate(shuffled)}
    again = by_name(
        against(
            {called[name]: {s + 7: results[name][s] for s in order} for name in shuffled},
            called[names[0]],
        )
    )
    for name, pair in found.items():
        other = again[called[name]]
        assert (other.verdict, other.unstable) == (pair.verdict, pair.unstable)
        assert other.p == pytest.approx(pair.p)
        assert (other.low, other.high) == pytest.approx((pair.low, pair.high))
    # In a family of all pairs, each is the other way around from the other side.
    pairs = all_pairs(results)
    backwards = all_pairs(dict(reversed(results.items())))
    turned = {(p.config, p.reference): p for p in map(Pair.turned, backwards)}
    assert len(pairs) == len(names) * (len(names) - 1) // 2
    for pair in pairs:
        other = turned[pair.config, pair.reference]
        assert other.verdict == pair.verdict
        assert (other.low, other.high) == pytest.approx((pair.low, pair.high))
        assert pair.turned().turned() == pair


def test_only_common_seeds_count() -> None:
    results = simulated(8, {"float": 0.0, "a": 0.01, "b": 0.0})
    some = {seed: results["a"][seed] for seed in (0, 2, 4)} | {9: results["b"][0]}
    assert by_name(against(results | {"a": some}, "float"))["a"].n == 3


# Looks


def test_alpha_is_spent_and_no_more() -> None:
    for looks in range(1, 8):
        assert sum(spent(0.05, looks)) == pytest.approx(0.05)
    assert spent(0.05, 0) == []


def test_what_is_decided_stays_so_and_needs_no_more_seeds() -> None:
    results = simulated(9, {"float": 0.0, "much": 0.05, "near": 0.004}, seeds=8, samples=1500)
    first = {name: {s: r for s, r in runs.items() if s < 3} for name, runs in results.items()}
    found = sequential(first, "float")
    assert (found.seeds, found.open) == (3, ("near",))
    assert by_name(found.pairs)["much"].verdict == "worse"
    # More seeds of the others change nothing of it.
    more = results | {"much": first["much"]}
    later = sequential(more, "float")
    assert later.seeds in (5, 8)
    assert by_name(later.pairs)["much"] == by_name(found.pairs)["much"]
    assert by_name(later.pairs)["near"].n == later.seeds
    # As if one had looked each time; and not before all seeds of a look are there.
    assert sequential(results, "float").pairs == later.pairs
    del more["near"][4]
    assert sequential(more, "float").seeds == 3
    assert sequential(more, "float", missing=[("near", 4)]).seeds >= 5


def test_before_the_first_look_nothing_is_said() -> None:
    found = sequential(simulated(0, {"float": 0.0, "much": 0.2}, seeds=2), "float")
    assert (found.seeds, found.open) == (0, ("much",))
    assert found.pairs[0].verdict == "undecided"
    assert "fewer seeds than the 3" in found.pairs[0].remark


# Bad input


RIGHT = np.arange(100) < 98


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([RIGHT], r"results of 'b' must be a mapping \{seed: right\}, got a list"),
        ({0: RIGHT[None]}, r"results of 'b', seed 0 must be \[samples\].* got shape \(1, 100\)"),
        ({0: RIGHT[:0]}, r"got shape \(0,\)"),
        ({0: RIGHT[:50]}, "'a', seed 0 have 100 answers, but 'b', seed 0 has 50 answers"),
        ({0: 0.98}, "'a', seed 0 have 100 answers, but 'b', seed 0 has one number"),
        ({0: 1.0 * RIGHT}, "100 answers, but 'b', seed 0 has 100 scores"),
        ({0: 98 * RIGHT}, "must say of each sample whether it was right .* got int64 up to 98"),
        ({0: np.where(RIGHT, 1.0, np.nan)}, "must be finite, got nan for sample 98"),
        ({0: 98.0 * RIGHT}, "98 is no share from 0 to 1; divide per cent by 100"),
        ({0: 98.4}, "98.4 is no share from 0 to 1"),
        ({0: -0.1}, "-0.1 is no share"),
        ({0: math.inf}, "must be finite, got inf"),
        ({0: "98 %"}, "must be bool or float .samples., or one number, got a str"),
        ({0: True}, "must be bool .samples., got one bool"),
        ({0: [[1, 0], [1]]}, "results of 'b', seed 0: "),
        ({"0": RIGHT}, "a seed must be a whole number, got '0'"),
        ({True: RIGHT}, "a seed must be a whole number, got True"),
    ],
)
def test_results_of_another_form_are_refused(given: Any, message: str) -> None:
    with pytest.raises(StatisticsError, match=message):
        against({"a": {0: RIGHT}, "b": given}, "a")


def test_more_is_refused() -> None:
    with pytest.raises(StatisticsError, match=r"results must be a mapping .* got a list"):
        against([RIGHT], "a")  # type: ignore[arg-type] # what is refused
    with pytest.raises(StatisticsError, match="no config 'c' to compare with; there are a, b"):
        against({"a": {0: RIGHT}, "b": {0: RIGHT}}, "c")
    for margin in (0, -1, math.nan, math.inf, "1"):
        with pytest.raises(StatisticsError, match="margin must be a number above 0"):
            all_pairs({"a": {0: RIGHT}, "b": {0: RIGHT}}, margin=margin)  # type: ignore[arg-type] # likewise
    with pytest.raises(StatisticsError, match="alpha must be between 0 and 1, got 5"):
        all_pairs({"a": {0: RIGHT}, "b": {0: RIGHT}}, alpha=5)


def test_lists_and_whole_numbers_of_right_and_wrong_will_do() -> None:
    plain: Any = {name: {s: [1, 0, 1, 1] for s in range(3)} for name in "ab"}
    assert against(plain, "a")[0].difference == 0


def test_other_metrics_need_no_shares() -> None:
    rng = np.random.default_rng(0)
    results = {n: {s: rng.exponential(3.0 + n, 500) for s in range(5)} for n in (0, 1)}
    named: Any = {f"{n}": runs for n, runs in results.items()}
    [pair] = against(named, "0", margin=0.2, higher_is_better=False, shares=False)
    assert pair.verdict == "worse"
