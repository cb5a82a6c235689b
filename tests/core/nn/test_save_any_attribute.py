"""Whatever a module holds comes back equal and as shared as it was, or is refused by its name."""

import os
import subprocess
import sys
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.errors import FileError, SpecError, StructureError
from qnn_core.files import load_arrays, save_arrays
from qnn_core.nn.kept_arrays import KEPT
from qnn_core.nn.model_file import canonical
from qnn_core.registry import get_quantizer


class Holds(qnn.Module):
    def __init__(self, **what: Any) -> None:
        vars(self).update(what)


@dataclass
class Box:
    inside: Any
    more: Any = None


@dataclass(frozen=True)
class Fixed:
    inside: Any = None

    @cached_property
    def twice(self) -> Any:
        return self.inside, self.inside


class Pair(NamedTuple):
    one: Any
    two: Any


class Color(Enum):
    RED = 1


def back(model: qnn.Module) -> Any:
    with TemporaryDirectory() as folder:
        qnn.save(model, Path(folder, "net"))
        return qnn.load(Path(folder, "net"))


def check_same(mine: Any, other: Any, met: dict[int, int]) -> None:
    """Check that two values are equal in every bit, and that what is one in one is so in both."""
    assert type(mine) is type(other)
    if isinstance(mine, list | dict | np.ndarray | Box | np.random.Generator):
        assert met.setdefault(id(mine), id(other)) == id(other)
    if isinstance(mine, np.ndarray | np.generic):
        assert (mine.dtype, mine.shape) == (other.dtype, other.shape)
        assert mine.tobytes() == other.tobytes()
    elif isinstance(mine, list | tuple):
        assert len(mine) == len(other)
        for one, two in zip(mine, other, strict=True):
            check_same(one, two, met)
    elif isinstance(mine, dict):
        check_same(tuple(mine.items()), tuple(other.items()), met)
    elif isinstance(mine, Box | Fixed):
        check_same(tuple(vars(mine).items()), tuple(vars(other).items()), met)
    elif isinstance(mine, np.random.Generator):
        assert mine.random(5).tolist() == other.random(5).tolist()
        assert mine.spawn(1)[0].random() == other.spawn(1)[0].random()
    elif isinstance(mine, float):
        assert np.float64(mine).tobytes() == np.float64(other).tobytes()
    else:
        assert mine == other


numbers = st.one_of(
    st.integers(),
    st.integers(min_value=1).map(lambda n: -(n**97)),
    st.floats(),
    st.sampled_from([-np.nan, -0.0, 2**5000]),
)
hashable_leaves = st.one_of(
    st.none(),
    st.booleans(),
    numbers,
    st.text(st.characters(codec="utf-8")),
    st.binary(),
    st.sampled_from([np.dtype(t) for t in ("f4", ">i8", "M8[ns]", "U3", "c16", "O")]),
    st.sampled_from([qnn.ops.relu, qnn.ops.sum, get_quantizer("symmetric:4")]),
)
of_numpy = st.builds(
    lambda dtype, content: np.frombuffer(content, dtype)[0],
    st.sampled_from([kept for kept in KEPT if kept != "bool"]),
    st.binary(min_size=8, max_size=8),
)
arrays = st.builds(
    lambda number, shape: np.full(shape, number),
    of_numpy,
    st.sampled_from([(), (0,), (2, 3), (1, 0, 4)]),
)
generators = st.builds(
    lambda kind, seed: np.random.Generator(kind(seed)),
    st.sampled_from([np.random.PCG64, np.random.MT19937, np.random.Philox, np.random.SFC64]),
    st.integers(0, 2**70),
)
in_sets = st.recursive(
    hashable_leaves.filter(lambda leaf: leaf == leaf),  # noqa: PLR0124 (two NaN are two elements)
    lambda inner: st.one_of(
        st.frozensets(inner, max_size=3), st.tuples(inner, inner), st.builds(Fixed, inner)
    ),
    max_leaves=4,
)


def containers(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def repeated(value: Any) -> Any:
        return st.sampled_from([[value, value], {"a": value, 1: [value]}, Box(value, (value,))])

    return st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(hashable_leaves, inner, max_size=3),
        st.builds(Box, inner, inner),
        st.builds(Fixed, inner),
        st.builds(Pair, inner, inner),
        inner.flatmap(repeated),
    )


anything = st.recursive(
    st.one_of(hashable_leaves, of_numpy, arrays, generators, st.sets(in_sets, max_size=3)),
    containers,
    max_leaves=8,
)


@given(anything)
def test_values_come_back_equal_and_as_shared_as_they_were(value: Any) -> None:
    model = Holds(first=value, again=[value], training=False)
    again = back(model)
    assert list(vars(again)) == list(vars(model))
    check_same(tuple(vars(model).values()), tuple(vars(again).values()), {})


def test_what_is_shared_stays_shared() -> None:
    table, rng = np.arange(3.0), np.random.default_rng(3)
    other = np.random.Generator(rng.bit_generator)
    again = back(Holds(table=table, by_name={"a": [table]}, rng=rng, rngs=(rng, other)))
    again.table[0] = 7
    assert again.by_name["a"][0] is again.table
    assert again.rngs[0] is again.rng
    assert again.rngs[1] is not again.rng
    assert again.rngs[1].bit_generator is again.rng.bit_generator
    inner = qnn.Sequential(Holds(box=(box := Box(1))), Holds(boxes=[box]))
    found = back(inner)
    assert found[0].box is found[1].boxes[0]


class Acts(qnn.Module):
    """Of a class with something to call, which is no method."""

    act: Any = qnn.ops.relu
    layer: Any = qnn.ReLU()
    known: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        self.act, self.layer = qnn.ops.tanh, qnn.nn.Tanh()


class Made(qnn.Module):
    def __new__(cls, width: int) -> "Made":
        made = super().__new__(cls)
        made.width = width
        return made

    def __init__(self, width: int) -> None:
        self.twice = 2 * width

    width: int


class Slotted(qnn.Module):
    __slots__ = ("__hidden", "name")

    def __init__(self) -> None:
        self.name, self.__hidden, self.other = "a", [1], 2

    @cached_property
    def shown(self) -> int:
        return len(self.__hidden)


class Shows(qnn.Module):
    """Shows what is another text in every process: a set's order, and an address."""

    def __init__(self) -> None:
        self.words, self.act = set("qnn_core"), qnn.ops.sum

    def describe(self) -> str:
        return f"{self.words}, {self.act}, {object()}"


def test_classes_of_every_kind_come_back() -> None:
    acts = back(Acts())
    assert (acts.act, type(acts.layer)) == (qnn.ops.tanh, qnn.nn.Tanh)
    made = back(Made(3))
    assert (made.width, made.twice) == (3, 6)
    slotted = Slotted()
    assert slotted.shown == 1
    again = back(slotted)
    assert (again.name, again.other, again.shown, vars(again)) == ("a", 2, 1, vars(slotted))
    assert again._Slotted__hidden == [1]
    assert back(Shows()).words == set("qnn_core")


def test_another_process_with_another_order_of_sets_loads_it(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "import qnn_core as qnn\n"
        "class Net(qnn.Module):\n"
        "    def __init__(self):\n"
        "        self.words = {'quantized', 'neural', 'nets', 'of', 'few', 'bits'}\n"
        "    def describe(self):\n"
        "        return f'{self.words}'\n"
        "if sys.argv[1:]:\n"
        "    qnn.save(Net(), 'net')\n"
        "print(sorted(qnn.load('net').words))\n"
    )
    for number, words in (("1", ["save"]), ("2", []), ("3", [])):
        environment = {**os.environ, "PYTHONHASHSEED": number}
        command = [sys.executable, "program.py", *words]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, check=True, env=environment
        )
        assert done.stdout == "['bits', 'few', 'nets', 'neural', 'of', 'quantized']\n"


def test_another_order_of_attributes_is_another_model() -> None:
    assert canonical("Net(2, 3)") != canonical("Net(3, 2)")
    assert canonical("Net({2, 3})") == canonical("Net({3, 2})")


class Counts(qnn.Module):
    """Shows itself otherwise each time."""

    count: ClassVar[int] = 0

    def describe(self) -> str:
        Counts.count += 1
        return f"{Counts.count}"


class Hides(qnn.Module):
    """Does not show itself."""

    def describe(self) -> str:
        raise OSError("no such thing")


class Old(np.ndarray):  # type: ignore[type-arg] # of anything
    pass


class Listed(list):  # type: ignore[type-arg] # likewise
    pass


@dataclass
class BoxOfList(list):  # type: ignore[type-arg] # likewise
    inside: int = 0


class PairAndMore(Pair):
    pass


def around() -> Box:
    box = Box(None)
    box.inside = (box,)
    return box


def used() -> Fixed:
    fixed = Fixed(1)
    assert fixed.twice == (1, 1)
    return fixed


def pair_and_more() -> PairAndMore:
    pair = PairAndMore(1, 2)
    pair.three = 3  # type: ignore[attr-defined] # set on the object
    return pair


def deep() -> list[Any]:
    found: list[Any] = []
    for _ in range(400):
        found = [found]
    return found


BASE = np.arange(6.0)
OF_MODEL = "which a file of a model cannot"
ALONE = "would keep the numbers alone"
APART = "shares its memory with"

REFUSED: dict[str, tuple[Callable[[], dict[str, Any]], str]] = {
    "a method": (lambda: {"forward": qnn.ops.relu}, "forward: 'forward' would stand in for a met"),
    "no name": (lambda: {"__x__": 1}, "__x__: '__x__' is no attribute"),
    "unstable": (lambda: {"a": [Counts()]}, r"save: a\.0 shows itself otherwise"),
    "does not show itself": (lambda: {"a": Hides()}, "does not show itself: OSError"),
    "surrogates": (lambda: {"a": "\ud83d\ude00"}, "save: a would not come back as it is"),
    "longdouble": (lambda: {"a": [np.zeros(2, np.longdouble)]}, rf"a\.0 holds .*{OF_MODEL}"),
    "a longdouble": (lambda: {"a": np.longdouble(1)}, f"a holds a numpy.longdouble, {OF_MODEL}"),
    "complex": (lambda: {"a": np.ones(2) * 1j}, f"complex128.*{OF_MODEL}"),
    "objects": (lambda: {"a": np.array([1, None], object)}, rf"dtype\('O'\), {OF_MODEL}"),
    "fields": (lambda: {"a": np.zeros(2, "f4,i4")}, OF_MODEL),
    "times": (lambda: {"a": np.zeros(2, "M8[ns]")}, OF_MODEL),
    "text": (lambda: {"a": np.zeros(2, "U3")}, OF_MODEL),
    "other order of bytes": (lambda: {"a": np.zeros(2, ">f4")}, OF_MODEL),
    "masked": (lambda: {"a": Box(np.ma.masked_array([1, 2], [0, 1]))}, rf"a\.inside .*{ALONE}"),
    "matrix": (lambda: {"a": np.ones((1, 1)).view(np.matrix)}, ALONE),
    "of one's own": (lambda: {"a": np.ones(3).view(Old)}, ALONE),
    "records": (lambda: {"a": np.zeros(2, "f4,i4").view(np.recarray)}, ALONE),
    "dtype of fields": (lambda: {"a": np.dtype("f4,i4")}, "a holds a numpy.dtype"),
    "dtype of parts": (lambda: {"a": np.dtype("(2,)f4")}, "a holds a numpy.dtype"),
    "float16 parameter": (lambda: {"p": half()}, "p: DtypeError: a tensor is float32 or float64"),
    "views": (lambda: {"a": BASE, "b": {"c": BASE[1:3]}}, rf"b\.c {APART} a"),
    "transposed": (lambda: {"a": BASE[::-1], "b": BASE[2:3]}, f"{APART}"),
    "data of a tensor": (lambda: {"a": (t := qnn.Tensor(np.ones(2))), "b": t.array}, APART),
    "data of a parameter": (lambda: {"a": (p := qnn.Parameter([1.0])), "b": p.array}, APART),
    "cycle": (around, r"a\.inside\.0 is a Box that holds itself"),
    "enum": (lambda: {"a": Color.RED}, "a holds a .*Color"),
    "partial": (lambda: {"a": partial(qnn.ops.sum, axis=0)}, "a holds a functools.partial"),
    "list of one's own": (lambda: {"a": Listed()}, "a holds a .*Listed"),
    "ordered": (lambda: {"a": OrderedDict(b=1)}, "a holds a collections.OrderedDict"),
    "deque": (lambda: {"a": deque([1])}, "a holds a collections.deque"),
    "dataclass of a list": (lambda: {"a": BoxOfList()}, "a holds a .*BoxOfList"),
    "beside fields": (lambda: {"a": used()}, r"attributes beside its fields \(twice\)"),
    "beside names": (lambda: {"a": pair_and_more()}, "a holds a .*PairAndMore"),
    "set of generators": (lambda: {"a": {np.random.default_rng(0)}}, "a holds a Generator in a s"),
    "old generator": (lambda: {"a": np.random.RandomState(0)}, "a holds a .*RandomState"),
    "seeded of old": (lambda: {"a": seeded_of_old()}, "generator on MT19937 that"),
    "deep": (lambda: {"a": deep()}, "nested too deeply"),
}


def half() -> qnn.Parameter:
    parameter = qnn.Parameter([1.0])
    parameter.put(np.ones(1, np.float16))
    return parameter


def seeded_of_old() -> np.random.Generator:
    old: Any = np.random.RandomState(0)
    return np.random.Generator(old._bit_generator)


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_not_come_back_is_refused_by_name(name: str, tmp_path: Path) -> None:
    make, told = REFUSED[name]
    found = make()
    model = Holds(a=found) if isinstance(found, Box) else Holds(**found)
    (tmp_path / "net").write_bytes(b"before")
    with pytest.raises(SpecError, match=told):
        qnn.save(model, tmp_path / "net")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"before"]


def test_parameters_that_share_memory_are_refused() -> None:
    model = qnn.Sequential(qnn.Linear(2, 2, seed=0), qnn.Linear(2, 2, seed=1))
    model[1].weight.data = model[0].weight.data
    with pytest.raises(SpecError, match=r"layers\.1\.weight shares its memory with layers\.0\.wei"):
        back(model)
    model[1].weight = model[0].weight
    again = back(model)
    assert again[1].weight is again[0].weight


def test_parts_of_one_array_that_lie_apart_are_kept() -> None:
    again = back(Holds(even=BASE[::2], odd=BASE[1::2], columns=list(np.ones((50, 9)).T)))
    assert again.odd.tolist() == [1, 3, 5]
    assert len(again.columns) == 9


def test_an_attribute_without_a_name_is_kept_or_named() -> None:
    assert vars(back(Holds(**{"": 1}))) == {"": 1}
    with pytest.raises(StructureError, match="two parts are called '', a Holds and a Parameter"):
        back(Holds(**{"": qnn.Parameter([1.0])}))
    with pytest.raises(SpecError, match=r"save: '' holds a builtins\.complex"):
        back(Holds(**{"": 1j}))


# Files that somebody has made up


def forged(folder: Path, value: Any) -> Path:
    qnn.save(Holds(a=[1.5], rng=np.random.Generator(np.random.Philox(0))), folder / "f")
    arrays, about = load_arrays(folder / "f")
    arrays |= {"key": np.zeros(624, np.uint32), "four": np.zeros(4, np.uint64)}
    about["modules"][0]["attributes"].append(["x", value])
    save_arrays(folder / "f", arrays, about)
    return folder / "f"


SEEDS = {"entropy": 1, "spawn_key": {"tuple": []}, "pool_size": 4, "n_children_spawned": 0}


def seeds(**changed: Any) -> dict[str, Any]:
    return {"seeds": [list(pair) for pair in {**SEEDS, **changed}.items()]}


def twister(place: Any) -> dict[str, Any]:
    inner = {"dict": [["key", {"array": "key"}], ["pos", place]]}
    state = {"dict": [["bit_generator", "MT19937"], ["state", inner]]}
    return {"generator": {"bits": "MT19937", "state": state, "seeds": seeds()}}


def philox(place: Any) -> dict[str, Any]:
    four, two = {"array": "four"}, {"list": [0, 0]}
    inner = {"dict": [["counter", four], ["key", two]]}
    told = [["bit_generator", "Philox"], ["state", inner], ["buffer", four]]
    told += [["buffer_pos", place], ["has_uint32", 0], ["uinteger", 0]]
    return {"generator": {"bits": "Philox", "state": {"dict": told}, "seeds": seeds()}}


def doubled() -> dict[str, Any]:
    """Lists that hold the one before twice, so that each line of a few bytes doubles the whole."""
    found: list[Any] = [{"list": [1], "id": 0}]
    for number in range(60):
        twice = [{"again": number}, {"again": number}]
        found.append({"list": twice, "id": number + 1})
    return {"list": found}


def nested(count: int) -> Any:
    found: Any = 1
    for _ in range(count):
        found = {"list": [found]}
    return found


def codebook(bits: Any) -> dict[str, Any]:
    return {"quantizer": "qnn_quantizers.codebook:LearnedCodebook", "fields": [["bits", bits]]}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (twister(10**9), "MT19937 has no place 1000000000 among"),
        (twister(-1), "MT19937 has no place -1 among"),
        (twister(True), "MT19937 has no place True among"),
        (philox(-(10**6)), "Philox has no place -1000000 among"),
        (philox(5), "Philox has no place 5 among"),
        ({"bits": "MT19937", "state": 1, "seeds": None}, "'MT19937' has no seeds"),
        (seeds(pool_size=10**9), "no generator has a pool of 1000000000"),
        (seeds(entropy={"int": "f" * 10**6}), "no generator's entropy is that large"),
        (seeds(spawn_key={"tuple": [1] * 10**4}), "no generator's spawn_key is that large"),
        (doubled(), "in more places than in any model"),
        ({"again": 0}, "nothing before has the id 0"),
        ({"list": [{"again": 9}], "id": 9}, "nothing before has the id 9"),
        ({"list": [1], "id": []}, "TypeError"),
        ({"dtype": "f4,f4"}, "is no dtype that a model holds"),
        ({"dtype": "<f99"}, "x: TypeError"),
        ({"number": "00" * 16, "dtype": "<f16"}, "a number of float128 is nothing"),
        ({"number": "00", "dtype": "<f8"}, "x: ValueError"),
        ({"nan": "00"}, "x: error"),
        ({"int": "z"}, "x: ValueError"),
        ({"dict": [[{"list": []}, 1]]}, "x: TypeError"),
        (nested(450), "x: RecursionError"),
        (codebook(10**9), "bits must be a whole number from 1 to 8"),
        (codebook({"int": "f" * 999}), "bits must be a whole number from 1 to 8"),
    ],
)
def test_what_somebody_made_up_is_refused(value: Any, told: str, tmp_path: Path) -> None:
    path = forged(tmp_path, value)
    with pytest.raises(FileError, match=told):
        qnn.load(path)


@pytest.mark.parametrize("value", [twister(0), twister(624), philox(0), philox(4)])
def test_every_place_of_a_generator_is_read(value: Any, tmp_path: Path) -> None:
    assert 0 <= qnn.load(forged(tmp_path, value)).x.random() < 1


def test_what_a_class_raises_when_it_is_shown_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = forged(tmp_path, 1)

    def fails(_: object) -> str:
        raise OSError("no such thing")

    monkeypatch.setattr(Holds, "describe", fails)
    with pytest.raises(FileError, match="describes no model: OSError: no such thing"):
        qnn.load(path)


def test_quantizers_that_are_equal_are_one_where_they_were() -> None:
    scheme = get_quantizer("symmetric:4")
    again = back(Holds(a=scheme, b=[scheme], c=replace(scheme)))
    assert again.a is again.b[0]
    assert again.c == again.a
    assert again.c is not again.a
