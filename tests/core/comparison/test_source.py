"""A study is another one if the code of its builder is."""

import functools
import linecache
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from qnn_core.comparison.source import source_of

CODE = """
WIDTH = 10

def helper():
    return 1

class Net:
    def __init__(self, width):
        self.width = width + helper()

class Builder:
    def __call__(self, seed):
        return Net(WIDTH)

def build(seed, bias=True):
    return Net(WIDTH)

def made(width):
    return lambda seed: Net(width)
"""


def module(code: str) -> Any:
    """Return a module whose source can be read, as that of a file."""
    found = ModuleType("a_module_of_the_test")
    linecache.cache["<a test>"] = (len(code), None, code.splitlines(keepends=True), "<a test>")
    found.__file__ = "<a test>"
    sys.modules[found.__name__] = found
    exec(compile(code, "<a test>", "exec"), vars(found))
    return found


CHANGES = [
    ("WIDTH = 10", "WIDTH = 11"),
    ("return 1", "return 2"),
    ("width + helper()", "width - helper()"),
    ("bias=True", "bias=False"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_change_of_what_it_uses_is_seen(before: str, after: str) -> None:
    once = source_of(module(CODE).build)
    assert source_of(module(CODE).build) == once
    assert source_of(module(CODE.replace(before, after)).build) != once


@pytest.mark.parametrize(("before", "after"), CHANGES[:3])
def test_of_an_object_that_is_called_too(before: str, after: str) -> None:
    once = source_of(module(CODE).Builder())
    assert source_of(module(CODE).Builder()) == once
    assert source_of(module(CODE.replace(before, after)).Builder()) != once


def test_what_a_function_was_made_with_counts() -> None:
    made: Callable[[int], Any] = module(CODE).made
    assert source_of(made(3)) == source_of(made(3)) != source_of(made(4))


def test_arguments_count() -> None:
    build = module(CODE).build
    some = functools.partial(build, bias=False)
    assert source_of(some) == source_of(functools.partial(build, bias=False)) != source_of(build)
    assert source_of(some).startswith("a_module_of_the_test.build ")
    assert source_of(some).endswith("(bias=False)")
