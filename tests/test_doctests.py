"""Every example in a docstring of the installed packages is true."""

import doctest
import importlib
import pkgutil
from collections.abc import Iterator

import pytest


def modules(package: str) -> Iterator[str]:
    """Yield the names of a package and of all that is in it."""
    yield package
    try:
        path = importlib.import_module(package).__path__
    except ModuleNotFoundError:
        return  # the test of the package itself then fails with this error
    for module in pkgutil.walk_packages(path, f"{package}."):
        yield module.name


PACKAGES = ("qnn_core", "qnn_quantizers", "qnn_data")


@pytest.mark.parametrize("name", [name for package in PACKAGES for name in modules(package)])
def test_examples(name: str) -> None:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=options)
    assert failed == 0
