"""A study is another one if what its builder does is, and only then."""

import functools
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from qnn_core.comparison.source import source_of
from qnn_core.errors import CompareError

CODE = """
import dataclasses, functools

WIDTH = 10
SIZES = {"h": [12]}
LAYERS = [3, 4]

@dataclasses.dataclass
class Options:
    rate: float = 0.5

OPTIONS = Options()

def helper():
    return 1

def block(n):
    return n + 7

class Base:
    def deep(self):
        return 5

class Net(Base):
    kind = "mlp"

    def __init__(self, width):
        self.width = width + helper()

    @staticmethod
    def fixed():
        return 21

    @property
    def size(self):
        return 31

def decorated(function):
    @functools.wraps(function)
    def wrapper(*given):
        return function(*given), 41
    return wrapper

@decorated
def build(seed, bias=True):
    blocks = [block(n) for n in range(3)]
    return Net(WIDTH), SIZES, LAYERS, OPTIONS, blocks, lambda: 51

class Builder:
    def __init__(self, width):
        self.width = width

    def make(self, seed):
        return Net(self.width), helper()

    __call__ = make

def made(width):
    return lambda seed: Net(width)
"""


def module(code: str = CODE) -> Any:
    """Return a module, anew."""
    found = ModuleType("a_module_of_the_test")
    sys.modules[found.__name__] = found
    exec(compile(code, "<a test>", "exec"), vars(found))
    return found


CHANGES = [
    ("WIDTH = 10", "WIDTH = 11"),
    ('"h": [12]', '"h": [13]'),
    ("[3, 4]", "[3, 5]"),
    ("rate: float = 0.5", "rate: float = 0.6"),
    ("return 1\n", "return 2\n"),
    ("n + 7", "n + 8"),
    ("return 5", "return 6"),
    ('"mlp"', '"cnn"'),
    ("width + helper()", "width - helper()"),
    ("return 21", "return 22"),
    ("return 31", "return 32"),
    ("41", "42"),
    ("lambda: 51", "lambda: 52"),
    ("bias=True", "bias=False"),
    ("range(3)", "range(4)"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_change_of_what_it_uses_is_seen(before: str, after: str) -> None:
    assert before in CODE
    once = source_of(module().build)
    assert source_of(module().build) == once
    assert source_of(module(CODE.replace(before, after)).build) != once


@pytest.mark.parametrize("attribute", ["", "make"])
def test_of_objects_and_their_methods_too(attribute: str) -> None:
    def found(width: int, code: str = CODE) -> str:
        builder = module(code).Builder(width)
        return source_of(getattr(builder, attribute) if attribute else builder)

    assert found(12) == found(12) != found(200)
    assert found(12, CODE.replace("return 1\n", "return 2\n")) != found(12)


def test_what_a_function_was_made_with_counts() -> None:
    made = module().made
    assert source_of(made(3)) == source_of(made(3)) != source_of(made(4))


def test_arguments_count() -> None:
    build = module().build
    some = functools.partial(build, bias=False)
    assert source_of(some) == source_of(functools.partial(build, bias=False)) != source_of(build)
    assert source_of(some).startswith("a_module_of_the_test.build(bias=False) ")
    large = np.zeros(5000)
    once = source_of(functools.partial(build, table=large))
    large[2500] = 1
    assert source_of(functools.partial(build, table=large)) != once


def test_of_other_modules_names_count_and_no_addresses() -> None:
    def with_default(seed: int, activation: Any = np.tanh, more: Any = (max, print)) -> Any:
        return activation, more

    assert " at 0x" not in source_of(with_default)
    assert source_of(functools.partial(with_default, lambda: 3)) == source_of(
        functools.partial(with_default, lambda: 3)
    )


def test_an_object_that_tells_nothing_is_refused() -> None:
    with pytest.raises(CompareError, match="cannot be told whether it is the same"):
        source_of(functools.partial(max, object()))


SCRIPT = """
import qnn_core as qnn
from qnn_core.comparison.source import source_of
class Net(qnn.Sequential):
    def extra(self):
        return {extra}
def build(seed):
    return Net({layer}()), [n for n in range(3)]
print(source_of(build))
"""


@pytest.mark.parametrize("typed", [True, False])
def test_code_at_a_prompt_and_in_a_script_is_seen_and_the_same_in_each_process(
    typed: bool, tmp_path: Path
) -> None:
    def found(layer: str, extra: int = 1) -> str:
        script = SCRIPT.format(layer=f"qnn.{layer}", extra=extra)
        (tmp_path / "script.py").write_text(script, "utf-8")
        command = [sys.executable, *(["-c", script] if typed else [str(tmp_path / "script.py")])]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    once = found("ReLU")
    assert once.startswith("script.build ")
    assert found("ReLU") == once
    assert found("HardTanh") != once
    assert found("ReLU", extra=2) != once
