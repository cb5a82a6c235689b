"""Every example in a docstring of the installed packages is true."""

import ast
import doctest
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from qnn_core import ops
from qnn_core.autodiff import Op


def modules(package: str) -> Iterator[str]:
    """Yield the names of a package and of all that is in it."""
    yield package
    try:
        path = importlib.import_module(package).__path__
    except ModuleNotFoundError:
        return  # the test of the package itself then fails with this error
    for module in pkgutil.walk_packages(path, f"{package}."):
        yield module.name


PACKAGES = ("qnn_core", "qnn_quantizers", "qnn_data", "qnn_compare")


@pytest.mark.parametrize("name", [name for package in PACKAGES for name in modules(package)])
def test_examples(name: str) -> None:
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    module = importlib.import_module(name)
    failed, attempted = doctest.testmod(module, optionflags=options)
    assert failed == 0
    # Of a compiled module too, where doctest might pass over what it does not know.
    assert attempted >= examples_in_source(module)


OPERATIONS = [name for name in ops.__all__ if isinstance(getattr(ops, name), Op)]


@pytest.mark.parametrize("name", OPERATIONS)
def test_examples_of_operations(name: str) -> None:
    # Objects, whose docstrings doctest does not look for.
    documented = getattr(ops, name).__doc__ or ""
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    test = doctest.DocTestParser().get_doctest(documented, dict(vars(ops)), name, None, 0)
    assert any(name in example.source for example in test.examples)
    assert doctest.DocTestRunner(optionflags=options).run(test).failed == 0


def examples_in_source(module: ModuleType) -> int:
    """Count the examples in the docstrings of the .py that a module was made from; 0 without."""
    assert module.__file__ is not None
    file = Path(module.__file__)
    source = file.with_name(file.name.partition(".")[0] + ".py")
    if not source.exists():
        return 0
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    nodes = [n for n in ast.walk(ast.parse(source.read_text())) if isinstance(n, documented)]
    parse = doctest.DocTestParser().get_examples
    examples = [e for node in nodes for e in parse(ast.get_docstring(node) or "")]
    return sum(not e.options.get(doctest.SKIP) for e in examples)
