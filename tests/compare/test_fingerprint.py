"""A study is another one if what its builder does is, and only then; messages name what differs."""

import copy
import functools
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import cloudpickle
import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare.experiment.code_versions import COMPARE, CORE, measuring
from qnn_compare.experiment.fingerprint import fingerprint, libraries
from qnn_compare.experiment.plan import differences
from qnn_core.errors import CompareError

CODE = """
import abc, argparse, dataclasses, functools, logging, threading

WIDTH = 10
SIZES = {"h": [12], "i": [13]}
LAYERS = [3, 4]
args = argparse.Namespace(width=5, seeds=3)
log = logging.getLogger("a test")
LOCK = threading.RLock()
CALLS = 0

@dataclasses.dataclass
class Options:
    rate: float = 0.5

OPTIONS = Options()

@functools.cache
def helper():
    return 1

def block(n):
    return n + 7

class Base(abc.ABC):
    __slots__ = ("slot",)

    def deep(self):
        return 5

    @abc.abstractmethod
    def must(self):
        "Nothing."

class Net(Base):
    kind = "mlp"

    def __init__(self, width):
        self.slot = width + helper()

    def must(self):
        return 6

    @functools.cached_property
    def kept(self):
        return 61

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
    "A net."
    blocks = [block(n) for n in range(3)]
    total = sum(blocks)
    total += args.width
    assert total > 0, "no blocks"
    print("blocks", len(blocks))
    log.debug("a net of %s", total)
    with LOCK:
        return Net(WIDTH), SIZES, LAYERS, OPTIONS, total, lambda: 51

class Builder:
    def __init__(self, width):
        self.width = width
        self.calls = 0
        self.lock = threading.Lock()

    def make(self, seed):
        global CALLS
        CALLS += 1
        self.calls += 1
        return Net(self.width), helper(), Net(3).kept

    __call__ = make

def made(width):
    return lambda seed: Net(width)
"""


@pytest.fixture
def module(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Return what makes a module with a file of its own, anew."""
    count = iter(range(1000))

    def make(code: str = CODE, folder: str = "") -> Any:
        place = tmp_path / (folder or f"{next(count)}")
        place.mkdir(exist_ok=True)
        file = place / "a_module_of_the_test.py"
        file.write_text(code, "utf-8")
        found = ModuleType("a_module_of_the_test")
        found.__file__ = str(file)
        sys.modules[found.__name__] = found
        exec(compile(code, str(file), "exec"), vars(found))
        return found

    yield make
    sys.modules.pop("a_module_of_the_test", None)


CHANGES = [
    ("WIDTH = 10", "WIDTH = 11"),
    ('"h": [12]', '"h": [14]'),
    ('"h": [12], "i": [13]', '"i": [13], "h": [12]'),
    ("[3, 4]", "[3, 5]"),
    ("rate: float = 0.5", "rate: float = 0.6"),
    ("return 1\n", "return 2\n"),
    ("n + 7", "n + 8"),
    ("return 5", "return 7"),
    ("return 6\n", "return 8\n"),
    ("return 61", "return 62"),
    ('"mlp"', '"cnn"'),
    ("width + helper()", "width - helper()"),
    ("return 21", "return 22"),
    ("    @staticmethod\n", ""),
    ("return 31", "return 32"),
    ("41", "42"),
    ("lambda: 51", "lambda: 52"),
    ("bias=True", "bias=False"),
    ("range(3)", "range(4)"),
    ("width=5", "width=6"),
    ("total += args.width", "total -= args.width"),
    ("assert total > 0", "assert blocks.pop() > 0"),
    ('print("blocks", len(blocks))', 'print("blocks", blocks.pop())'),
    ("lambda: 51", "lambda: CALLS"),
]
NO_CHANGES = [
    ('"A net."', '"Another text."'),
    ('    "A net."\n', ""),
    ("total", "count"),
    ("blocks = [block(n) for n in range(3)]", "blocks = [block(k) for k in range(3)]  # three"),
    ('    assert total > 0, "no blocks"\n', ""),
    ('    print("blocks", len(blocks))\n', ""),
    ('log.debug("a net of %s", total)', 'log.info("a net of %s and %s", total, WIDTH)'),
    ("seeds=3", "seeds=5"),
    ("CALLS = 0", "CALLS = 17"),
    ("WIDTH = 10", "\n\n# A comment\nWIDTH = 10"),
    ("def build(seed, bias=True)", "def build(seed: int, bias: bool = True) -> object"),
]


@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_a_change_of_what_it_uses_is_seen(module: Any, before: str, after: str) -> None:
    assert before in CODE
    once = fingerprint(module().build)
    assert fingerprint(module().build) == once
    assert fingerprint(module(CODE.replace(before, after)).build) != once


@pytest.mark.parametrize(("before", "after"), NO_CHANGES)
def test_what_cannot_change_a_number_is_not_seen(module: Any, before: str, after: str) -> None:
    assert before in CODE
    once = fingerprint(module().build)
    assert fingerprint(module(CODE.replace(before, after)).build) == once


def test_without_its_source_code_counts_too(module: Any) -> None:
    def found(code: str) -> Any:
        made = module(code)
        Path(made.__file__).unlink()
        return fingerprint(made.build)

    once = found(CODE)
    assert found(CODE) == once
    assert found(CODE.replace("lambda: 51", "lambda: 52")) != once


def test_a_file_that_was_edited_after_it_was_imported_tells_nothing(module: Any) -> None:
    made = module()
    once = fingerprint(made.build)
    Path(made.__file__).write_text(CODE.replace("range(3)", "range(4)"), "utf-8")
    assert fingerprint(made.build) in (once, fingerprint(made.build))
    assert fingerprint(module(CODE.replace("range(3)", "range(4)")).build) != once


def test_using_copying_and_sending_an_object_change_nothing(module: Any) -> None:
    made = module()
    builder = made.Builder(12)
    once, of_function = fingerprint(builder), fingerprint(made.build)
    for _ in range(2):
        builder(0)
        made.build(0)
    copy.deepcopy(made.Net(3))
    copy.deepcopy(made.OPTIONS)
    pickle.loads(pickle.dumps(made.OPTIONS))
    assert issubclass(made.Net, made.Base)
    assert not isinstance(3, made.Base)
    assert (fingerprint(builder), fingerprint(made.build)) == (once, of_function)
    sent = cloudpickle.loads(cloudpickle.dumps(made.build))
    assert fingerprint(sent) == of_function


def test_copying_and_quantizing_nets_changes_no_builder() -> None:
    class Net(qnn.Sequential):
        pass

    def build(weight: Any, input: Any, seed: int) -> qnn.Module:
        return Net(qnn.Linear(3, 2, seed=seed))

    once = fingerprint(build)
    net = copy.deepcopy(build(None, None, 0))
    pickle.loads(cloudpickle.dumps(net))
    qnn.quantize(build(None, None, 0), last_weight="binary")
    assert fingerprint(build) == once


@pytest.mark.parametrize("attribute", ["", "make"])
def test_of_objects_and_their_methods_too(module: Any, attribute: str) -> None:
    def found(width: int, code: str = CODE) -> Any:
        builder = module(code).Builder(width)
        return fingerprint(getattr(builder, attribute) if attribute else builder)

    assert found(12) == found(12) != found(200)
    assert found(12, CODE.replace("return 1\n", "return 2\n")) != found(12)


def test_a_counter_that_something_reads_counts(module: Any) -> None:
    code = CODE.replace("Net(3).kept", "self.calls")
    builder = module(code).Builder(3)
    once = fingerprint(builder)
    builder(0)
    assert fingerprint(builder) != once


def test_what_a_function_was_made_with_counts(module: Any) -> None:
    made = module().made
    assert fingerprint(made(3)) == fingerprint(made(3)) != fingerprint(made(4))


def test_arguments_count_by_their_names(module: Any) -> None:
    build = module().build
    some = functools.partial(build, bias=False)
    assert fingerprint(some) == fingerprint(functools.partial(build, bias=False))
    assert fingerprint(some) != fingerprint(build)
    by_place = functools.partial(qnn.MLP, [3, 2])
    assert fingerprint(by_place) == fingerprint(functools.partial(qnn.MLP, sizes=[3, 2]))
    large = np.zeros(5000)
    once = fingerprint(functools.partial(build, bias=large))
    large[2500] = 1
    assert fingerprint(functools.partial(build, bias=large)) != once


@pytest.fixture
def helpers() -> Iterator[Callable[[str], None]]:
    """Return what makes the module `helpers_of_the_test` anew."""
    made = ModuleType("helpers_of_the_test")
    sys.modules[made.__name__] = made

    def make(text: str) -> None:
        exec(compile(text, "<helpers>", "exec"), vars(made))

    yield make
    del sys.modules[made.__name__]


@pytest.mark.parametrize("source", [True, False])
@pytest.mark.parametrize("used", ["h.width() + h.MORE", "[f() for f in (h.width, lambda: h.MORE)]"])
def test_helper_modules_of_the_user_count_as_far_as_they_are_used(
    module: Any, helpers: Any, used: str, source: bool
) -> None:
    code = f"import helpers_of_the_test as h\ndef build(seed):\n    return {used}\n"
    found = []
    for width, more, unused in ((3, 4, 5), (3, 4, 6), (8, 4, 5), (3, 8, 5)):
        helpers(f"def width():\n    return {width}\nMORE = {more}\nUNUSED = {unused}\n")
        made = module(code)
        if not source:
            Path(made.__file__).unlink()
        found.append(fingerprint(made.build))
    assert found[0] == found[1]
    assert found[0] != found[2]
    assert found[0] != found[3]


@pytest.mark.parametrize("source", [True, False])
@pytest.mark.parametrize("inside", [True, False])
@pytest.mark.parametrize("used", ["getattr(h, name)()", "vars(h)[name]()", "(h or 0).width()"])
def test_of_a_module_that_is_used_whole_all_counts(
    module: Any, helpers: Any, used: str, inside: bool, source: bool
) -> None:
    line, head = "import helpers_of_the_test as h", "def build(seed, name='width'):"
    code = f"{head}\n    {line}\n" if inside else f"{line}\n{head}\n"
    code += f"    return {used}\n"
    found = []
    for width in (3, 3, 8):
        helpers(f"import helpers_of_the_test as me\ndef width():\n    return {width}\n")
        made = module(code)
        if not source:
            Path(made.__file__).unlink()
        found.append(fingerprint(made.build))
    assert found[0] == found[1] != found[2]


def test_what_is_imported_in_a_function_counts(module: Any, helpers: Any) -> None:
    code = "def build(seed):\n    from helpers_of_the_test import width\n    return width()\n"
    found = []
    for width, unused in ((3, 4), (3, 5), (8, 4)):
        helpers(f"def width():\n    return {width}\nUNUSED = {unused}\n")
        found.append(fingerprint(module(code).build))
    assert found[0] == found[1] != found[2]
    gone = "def build(seed):\n    import a_module_that_there_is_not\n"
    assert "cannot be imported" in str(fingerprint(module(gone).build))
    version = "def build(seed):\n    import polars.exceptions\n"
    assert "polars" in libraries(module(version).build)


SEVERAL = """
import collections, enum
import numpy as np
from pathlib import PurePosixPath

one, two = lambda: 101, lambda: 102

def helper():
    return 103
before = helper
def helper():
    return 104

class Part:
    size = 105
earlier = Part
class Part:
    size = 106

factors = [lambda k=k: k for k in (107, 108)]

class Point(collections.namedtuple("Point", "x")):
    def far(self):
        return 109

class Names(dict):
    def __missing__(self, name):
        return 110

class Widths(list):
    def total(self):
        return 111

class Grid(np.ndarray):
    def step(self):
        return 112

class Place(PurePosixPath):
    def size(self):
        return 113

class Mode(enum.Enum):
    A = 1
    def wide(self):
        return 114

class Width(int):
    def twice(self):
        return 115

class Word(str):
    def long(self):
        return 116

named = Widths([1])
named.label = 117

made = [
    Point(1), Names(a=1), Widths([1]), np.zeros(2).view(Grid), Place("x"), Mode.A, Width(118),
    Word("119"), named,
]

def build(seed):
    return one() + two() + before() + helper() + earlier().size + Part().size, factors, made
"""


@pytest.mark.parametrize("number", range(101, 120))
def test_things_of_one_name_and_classes_of_what_has_values_count(module: Any, number: int) -> None:
    once = fingerprint(module(SEVERAL).build)
    assert fingerprint(module(SEVERAL).build) == once
    assert fingerprint(module(SEVERAL.replace(f"{number}", "999")).build) != once
    made = module(SEVERAL).build
    assert fingerprint(cloudpickle.loads(cloudpickle.dumps(made))) == once
    assert " at 0x" not in str(once)


def test_a_folder_may_be_moved(module: Any) -> None:
    code = (
        "from pathlib import Path\nHERE = Path(__file__).parent\nTEXT = str(HERE / 'a')\n"
        "def build(seed):\n    return HERE / 'x.npz', TEXT, __file__\n"
    )
    one, other = (fingerprint(module(code, folder).build) for folder in ("one", "other"))
    assert one == other
    assert one != fingerprint(module(code.replace("'a'", "'b'"), "one").build)


def test_of_libraries_names_count_and_no_addresses() -> None:
    def with_default(seed: int, activation: Any = np.tanh, more: Any = (max, print)) -> Any:
        return activation, more

    assert " at 0x" not in str(fingerprint(with_default))
    assert fingerprint(functools.partial(with_default, lambda: 3)) == fingerprint(
        functools.partial(with_default, lambda: 3)
    )
    assert libraries(with_default)["numpy"] == np.__version__


def test_what_tells_nothing_is_named_by_the_way_to_it(module: Any) -> None:
    class Log:
        def __init__(self) -> None:
            self.handlers = [object()]

    class Builder:
        def __init__(self) -> None:
            self.log = Log()

        def __call__(self, seed: int) -> Any:
            return self.log

    with pytest.raises(CompareError, match=r"Builder -> log -> handlers -> \[0\] is <object"):
        fingerprint(Builder())
    with (
        pytest.raises(CompareError, match=r"-> bias -> .* cannot be told whether it is the same"),
        Path(__file__).open("rb") as file,
    ):
        fingerprint(functools.partial(module().build, bias=[file]))


def test_differences_name_the_values() -> None:
    def of(build: Any) -> Any:
        return {"build": fingerprint(build)}

    def told(one: Any, other: Any) -> str:
        return differences(of(one), of(other))

    net = functools.partial
    assert told(net(qnn.MLP, [3, 128]), net(qnn.MLP, [3, 64])) == (
        "build.sizes[1] is 128 there and 64 here"
    )
    assert told(net(qnn.MLP, [3, 2]), net(qnn.MLP, [3, 4, 2])) == (
        "build.sizes is list of 2 there and list of 3 here, build.sizes[1] is 2 there and 4 here, "
        "build.sizes[2] is nothing there and 2 here"
    )
    assert told(lambda seed: 1, lambda seed: 2) == "the code of build is other there than here"


SCRIPT = """
import json
import qnn_core as qnn
from qnn_compare.experiment.fingerprint import fingerprint
class Net(qnn.Sequential):
    def extra(self):
        return {extra}
def build(seed):
    return Net({layer}()), [n for n in range(3)]
print(json.dumps(fingerprint(build)))
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
    assert once.startswith('{"is": "script.build"')
    assert found("ReLU") == once
    assert found("HardTanh") != once
    assert found("ReLU", extra=2) != once


def test_what_trains_and_measures_uses_no_code_that_does_not_count() -> None:
    code = (
        "import sys, types, pathlib\n"
        "import sys, qnn_compare.experiment.run\n"
        "for m in [*sys.modules.values()]:\n"
        "    ours = m.__name__.startswith(('qnn_core', 'qnn_compare'))\n"
        "    if ours and getattr(m, '__file__', '').endswith('.py'):\n"
        "        print(m.__file__)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # How a recipe's functions are told changes what they are called, and no number.
    names = ("arguments", "failures", "fingerprint", "function_code", "releases", "result")
    telling = {COMPARE / "experiment" / f"{name}.py" for name in names}
    # What the faces of the packages bring along, and draws and prints.
    telling |= {CORE / "analysis/drawing.py", CORE / "extensions.py", CORE / "terminal/tables.py"}
    telling |= {COMPARE / "__init__.py", COMPARE / "experiment/__init__.py"}
    # How values of a metric are written.
    telling |= {COMPARE / "metric.py", COMPARE / "formatting.py"}
    used = {Path(line) for line in run.stdout.split()}
    assert used >= {COMPARE / "experiment/run.py", CORE / "training/fit.py"}
    assert used - {*measuring()} <= telling
