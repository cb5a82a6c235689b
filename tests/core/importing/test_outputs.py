"""Outputs of two nets, compared."""

import numpy as np
import pytest
from qnn_core.errors import ConversionError
from qnn_core.importing.outputs import difference

NAN, INF = np.nan, np.inf


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ([1, -2], [1, -2], 0),
        ([1, -2], [1, -1], 0.5),
        ([0, 0], [0, 1e-6], 1),
        ([], [], 0),
        ([NAN, 4], [NAN, 3], 0.25),
        ([INF, -INF, 1], [INF, -INF, 1], 0),
        ([NAN, 1], [1, 1], INF),
        ([1, 1], [NAN, 1], INF),
        ([INF, 1], [-INF, 1], INF),
        ([INF, 1], [NAN, 1], INF),
        ([3e38, 1], [INF, 1], INF),
        ([NAN], [NAN], 0),
    ],
)
def test_a_difference_is_of_the_greatest_and_none_is_lost(
    theirs: list[float], ours: list[float], expected: float
) -> None:
    same = np.ones((2, 3), np.float32)
    first, second = np.array(theirs, np.float32), np.array(ours, np.float32)
    assert difference([first], [second]) == pytest.approx(expected)
    assert difference([same, first], [same, second]) == pytest.approx(expected)


def test_other_shapes_and_counts_are_said() -> None:
    one, other = np.ones((2, 3)), np.ones((3, 2))
    with pytest.raises(
        ConversionError, match=r"has 1 output of shape \(2, 3\), .* 1 output of shape \(3, 2\)"
    ):
        difference([one], [other])
    with pytest.raises(
        ConversionError, match=r"2 outputs of shape \(2, 3\) and \(3, 2\), .* 1 output of"
    ):
        difference([one, other], [one])
    with pytest.raises(ConversionError, match=r"has no output, .* 1 output of shape \(2, 3\)"):
        difference([], [one])
