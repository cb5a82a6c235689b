"""The scheme keeps the laws, and has the levels that it should have."""

import numpy as np
from qnn_core import get_quantizer
from qnn_core.testing import check_quantizer


def test_it_keeps_the_laws() -> None:
    """At every width: which law is broken, on which input, what was expected."""
    check_quantizer("my-quantizer")


def test_levels() -> None:
    """Those that the paper gives, or that you worked out by hand."""
    np.testing.assert_array_equal(get_quantizer("my-quantizer:2").levels, [-3, -1, 1, 3])
