"""The reference: every public name has an example, and those of data run too."""

import doctest
import importlib

import numpy as np
import pytest
import qnn_core as qnn
from docsite.data import docstrings
from docsite.names import HOMES, ROOMS, docstring, home, public_names

DATA = [
    (module, name)
    for module in ROOMS
    for name in public_names(module)
    if home(module, name) == f"{module}.{name}" and name in docstrings(module)
]


@pytest.mark.parametrize("full", HOMES.values())
def test_a_public_name_has_an_example(full: str) -> None:
    module, name = full.rsplit(".", 1)
    text = docstring(module, name)
    assert doctest.DocTestParser().get_examples(text), f"{full} has no example in its docstring"


def test_each_of_the_four_packages_is_there() -> None:
    packages = {full.partition(".")[0] for full in HOMES.values()}
    assert packages == {"qnn_core", "qnn_quantizers", "qnn_data", "qnn_compare"}
    # A name that several rooms have is documented once.
    assert home("qnn_core", "Linear") == home("qnn_core.nn", "Linear") == "qnn_core.nn.Linear"
    assert home("qnn_core", "compare") == "qnn_compare.compare"


def test_all_that_qnn_core_lists_is_at_home_somewhere() -> None:
    assert {name for name in qnn.__all__ if home_of(name) is None} == set()


def home_of(name: str) -> str | None:
    value = getattr(qnn, name)
    if name == "__version__" or type(value).__name__ == "module":
        return "a text or a module"
    return home("qnn_core", name)


@pytest.mark.parametrize(("module", "name"), DATA)
def test_examples_of_data(module: str, name: str) -> None:
    # Python forgets these docstrings, so doctest does not find them.
    text = docstring(module, name)
    names = {"np": np, **vars(importlib.import_module(module))}
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
    assert doctest.DocTestRunner(optionflags=options).run(test).failed == 0
