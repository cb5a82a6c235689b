"""Quantizers of every kind that is registered."""

import pytest
from every_scheme import SPECS
from qnn_core.quantizer import CALIBRATIONS, SURROGATES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give tests that take `scheme`, `axis`, `ste` or `calibration` every one there is."""
    every = {
        "scheme": SPECS,
        "axis": [None, 0, 1, -1],
        "ste": sorted(SURROGATES),
        "calibration": sorted(CALIBRATIONS),
    }
    # In this order always: pytest-xdist wants every worker to collect the same.
    for name, values in every.items():
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, values)
