"""Whole numbers as bytes: they add up, and each product of bytes fits."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.deploy.onnx.digits import digits, spaced

NUMBERS = st.lists(st.integers(-(2**15) + 1, 2**15 - 1), min_size=1, max_size=20)


@given(NUMBERS)
def test_digits_add_up(numbers: list[int]) -> None:
    found = digits(np.array(numbers))
    total = sum(d.weight * (d.bytes.astype(np.int64) - d.zero) for d in found)
    np.testing.assert_array_equal(total, numbers)
    assert all(0 <= d.zero <= 255 for d in found)
    # One where 8 bits hold them with 0 among them.
    span = max(*numbers, 0) - min(*numbers, 0)
    assert len(found) == (1 if span <= 255 else 2)


@given(st.integers(-40, 40), st.integers(1, 9), st.integers(2, 30))
def test_codes_are_digits_where_numbers_are_even(first: int, step: int, count: int) -> None:
    numbers = first + step * np.arange(count)
    found = spaced(numbers)
    has_zero = first <= 0 and first % step == 0
    assert (found is not None) == has_zero
    if found is not None:
        np.testing.assert_array_equal(found[0] * (np.arange(count) - found[1]), numbers)
