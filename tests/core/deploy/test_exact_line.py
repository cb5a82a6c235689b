"""Lines that have the steps of thresholds, compared with counting at every sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.deploy.compile.exact_line import MOST_SHIFT, Lines, exact_line, exact_lines


def counted(thresholds, sums, flip):
    """The meaning of thresholds: how many of them the sum, or its complement, reaches."""
    turned = sums ^ flip
    return (thresholds[:, None, :] <= turned[None]).sum(axis=0)


def all_sums(reach, channels):
    return np.arange(-reach, reach + 1)[:, None] + np.zeros(channels, np.int64)


def check(lines: Lines, thresholds, reach, flip, *, clamped):
    """A line has the codes of its thresholds at all sums, and is narrow if its numbers are."""
    exact, sums = lines.exact, all_sums(reach, thresholds.shape[1])
    assert np.array_equal(lines.codes(sums)[:, exact], counted(thresholds, sums, flip)[:, exact])
    s = np.clip(sums, lines.lowest, lines.highest)
    if not clamped:
        assert np.array_equal(s, sums)
    numbers = np.stack([s * lines.multiplier, s * lines.multiplier + lines.offset])
    fits = np.all(np.abs(2 * numbers + 1) < 2**32, axis=(0, 1))
    fits &= np.abs(2 * lines.offset + 1) < 2**32
    assert np.array_equal(lines.narrow[exact], fits[exact])
    assert np.all(np.abs(lines.multiplier) < 2**31)


def has_line(thresholds, low, high, shift):
    """Whether some whole M and B have the steps: all slopes are tried."""
    i = np.arange(1, len(thresholds) + 1)
    always, never = thresholds <= low, thresholds > high
    for m in range(((len(thresholds) + 1) << shift) + 1):
        least = ((i << shift) - np.where(always, low, thresholds) * m)[~never]
        most = ((i << shift) - 1 - np.where(never, high, thresholds - 1) * m)[~always]
        if least.max(initial=-(2**40)) <= most.min(initial=2**40):
            return True
    return False


def evenly_spaced(rng, count, n, reach):
    """Thresholds of rounded lines, of slopes from many codes a sum to none at all."""
    slope = np.exp(rng.uniform(np.log(0.3 / reach), np.log(4), n)) * (1 + (count > 3))
    first = rng.uniform(-1.5 * reach, reach, n)
    return np.ceil(first + np.arange(count)[:, None] / slope).astype(np.int64)


@pytest.mark.parametrize("clamped", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3, 15, 31, 255])
def test_lines_of_rounded_lines_are_found_and_right(count, clamped):
    rng = np.random.default_rng(count)
    for reach in (1, 7, 100, 3000):
        t = np.clip(evenly_spaced(rng, count, 60, reach), -reach - 5, reach + 1)
        flip = rng.integers(-1, 1, 60)
        lines = exact_lines(t, reach, flip=flip, clamped=clamped)
        assert lines.exact.all()
        check(lines, t, reach, flip, clamped=clamped)


@given(st.lists(st.integers(-25, 25), min_size=1, max_size=5), st.booleans(), st.booleans())
def test_a_line_is_found_exactly_if_there_is_one_of_the_least_shift(numbers, clamped, falls):
    t, reach, flip = np.sort(np.array(numbers)), 20, -int(falls)
    lines = exact_lines(t[:, None], reach, flip=np.array([flip]), clamped=clamped)
    low, high = -reach + flip, reach + flip
    reached = t[(t > low) & (t <= high)]
    if clamped and reached.size:
        low, high = int(reached[0]) - 1, int(reached[-1])
    most = int(lines.shift[0]) if lines.exact[0] else 9
    found = [shift for shift in range(most + 1) if has_line(t, low, high, shift)]
    if lines.exact[0]:
        check(lines, t[:, None], reach, np.array([flip]), clamped=clamped)
        assert found == [most]
    else:
        assert not found


@given(st.lists(st.integers(-60, 60), min_size=1, max_size=12), st.booleans())
def test_any_line_that_is_found_is_right(numbers, clamped):
    t = np.sort(np.array(numbers))[:, None]
    check(exact_lines(t, 50, clamped=clamped), t, 50, np.zeros(1, np.int64), clamped=clamped)


def test_thresholds_that_are_always_or_never_reached():
    always, never = -11, 11
    t = np.array([[always, never, always, always], [always, never, never, 3]])
    t = np.concatenate([t, np.full((1, 4), never)])
    lines = exact_lines(t, 10)
    assert lines.exact.all()
    check(lines, t, 10, np.zeros(4, np.int64), clamped=False)
    assert lines.codes(all_sums(10, 4))[-1].tolist() == [2, 0, 1, 2]
    assert lines.multiplier.tolist()[:3] == [0, 0, 0]


def test_the_ends_of_32_bits():
    top = 2**31 - 1
    t = np.arange(-127, 128)[:, None] << 24
    for clamped in (False, True):
        line = exact_line(t[:, 0], top, clamped=clamped)
        assert line is not None
        assert not line.narrow
        lines = exact_lines(t, top, clamped=clamped)
        sums = np.concatenate([t, t - 1, [[-top], [top]]])
        assert np.array_equal(lines.codes(sums), counted(t, sums, np.zeros(1, np.int64)))
        assert 0 <= line.shift <= MOST_SHIFT


def test_clamping_makes_more_lines_narrow():
    rng = np.random.default_rng(0)
    t = evenly_spaced(rng, 255, 200, 10**6)
    kept = (t > -(10**6)).all(axis=0) & (t < 10**6).all(axis=0)
    plain, clamped = (exact_lines(t[:, kept], 10**6, clamped=c) for c in (False, True))
    assert clamped.exact.all()
    assert clamped.narrow.sum() >= plain.narrow.sum()
    assert np.all(clamped.shift <= plain.shift)


@pytest.mark.parametrize(
    ("thresholds", "reach", "message"),
    [
        (np.zeros((256, 1)), 5, "at most 255"),
        (np.array([[3], [2]]), 5, "ascend"),
        (np.array([[3]]), 2**31, "32 bits"),
        (np.array([[2**40]]), 9, "32 bits"),
    ],
)
def test_what_is_no_thresholds_is_refused(thresholds, reach, message):
    with pytest.raises(ValueError, match=message):
        exact_lines(thresholds, reach)


def test_ends_that_lie_nearer_than_the_reach_leave_lines_that_it_would_not():
    low, high = np.array([-90]), np.array([30])
    given = np.array([[10], [20], [31], [31], [31]])
    assert not exact_lines(given, 90).exact[0]
    lines = exact_lines(given, 90, ends=(low, high))
    assert lines.exact[0]
    sums = np.arange(-90, 31)[:, None]
    assert np.array_equal(lines.codes(sums)[:, 0], (sums >= [10, 20]).sum(axis=1))
