"""What a module holds: in any nesting, under names that last; what has no name is refused."""

import copy
import functools
import pickle
import weakref
from collections import OrderedDict, UserDict, deque, namedtuple
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given, settings
from hypothesis import strategies as st
from qnn_core import Buffer, Parameter, Tensor, nn
from qnn_core.errors import QnnError, StructureError
from qnn_core.nn.parts import Composite, first_parameter, held

Pair = namedtuple("Pair", ["left", "right"])


class Holder(nn.Module):
    """Holds what it is given, and applies the layers of its walk."""

    def __init__(self, parts: Any) -> None:
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        for _, module in list(self.named_modules())[1:]:
            if isinstance(module, nn.Linear | nn.BatchNorm):
                x = module(x)
        return x


def linear(seed: int = 0) -> nn.Linear:
    return nn.Linear(2, 2, seed=seed)


# Found in any nesting

LEAVES = st.sampled_from(["module", "parameter", "buffer", "number", "text", "array"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(st.sampled_from(["a", "b", "1", "2"]), inner, max_size=3),
    ),
    max_leaves=12,
)
MAKE: dict[str, Any] = {
    "module": linear,
    "parameter": lambda: Parameter([1.0]),
    "buffer": lambda: Buffer([1.0]),
    "number": lambda: 3,
    "text": lambda: "text",
    "array": lambda: np.zeros(2),
}


def grown(tree: Any, path: str, found: dict[str, Any]) -> Any:
    """Return the tree with parts for its leaves; they go into `found` under their paths."""
    if isinstance(tree, str):
        made = MAKE[tree]()
        if isinstance(made, Composite | Tensor):
            found[path] = made
        return made
    if isinstance(tree, dict):
        return {key: grown(value, f"{path}.{key}", found) for key, value in tree.items()}
    return type(tree)(grown(value, f"{path}.{n}", found) for n, value in enumerate(tree))


@settings(derandomize=True, deadline=None)
@given(TREES)
def test_parts_are_found_in_any_nesting(tree: Any) -> None:
    expected: dict[str, Any] = {}
    model = Holder(grown(tree, "parts", expected))
    modules = {n: m for n, m in expected.items() if isinstance(m, nn.Module)}
    assert dict(model.named_modules()) == {"": model, **modules}
    own = {n: p for n, p in expected.items() if isinstance(p, Parameter)}
    inner = {f"{n}.{k}": p for n, m in modules.items() for k, p in m.named_parameters()}
    # Those of a module itself come before those of the modules in it.
    assert list(model.named_parameters()) == [*own.items(), *inner.items()]
    buffers = {n: b for n, b in expected.items() if isinstance(b, Buffer)}
    assert list(model.named_buffers()) == list(buffers.items())
    assert set(model.state_dict()) == {*own, *inner, *buffers}
    assert not any(m.training for m in modules.values() if model.eval())
    first = next(model.parameters(), None)
    assert first_parameter(model) is first
    model.astype(np.float64)
    assert model.dtype == (np.float32 if first is None else np.float64)
    for name in modules:
        assert f"  {name}: Linear(2, 2, bias=True)" in repr(model)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ([[linear(), nn.BatchNorm(2)]], "parts.0.0"),
        ([({"a": [linear()]},)], "parts.0.0.a.0"),
        (OrderedDict(a=Pair(linear(), None)), "parts.a.0"),
        ({("x", 1): linear()}, "parts.('x', 1)"),
        ({1: {2: linear()}}, "parts.1.2"),
        ({None: linear(), 1.5: 2}, "parts.None"),
    ],
)
def test_names(parts: Any, name: str) -> None:
    assert f"{name}.weight" in Holder(parts).state_dict()


def test_nested_layers_are_trained_saved_switched_quantized_and_packed_as_flat_ones() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 2)), rng.integers(0, 2, 40)
    results = []
    for nested in (True, False):
        layers = [linear(1), nn.BatchNorm(2), linear(2)]
        model = Holder([[layers[0], {"norm": layers[1]}], layers[2]] if nested else layers)
        optimizer = qnn.optim.Adam(model.parameters(), lr=0.1)
        history = qnn.fit(model, [(x, y)], epochs=5, optimizer=optimizer, progress=False)
        assert not layers[1].training
        quantized = qnn.quantize(model, weight="symmetric:4", input="uniform:4", calibration=x)
        packed = qnn.pack(quantized, x[:3])
        found = qnn.allocate(quantized, (x, y), budget=10_000, bits=(2, 4))
        rows = [row.signal for row in qnn.anatomy(quantized, (x, y)).rows]
        results.append(
            (
                [epoch.loss for epoch in history.epochs],
                list(model.state_dict().values()),
                packed(x),
                list(found.bits.values()),
                rows,
                str(qnn.summary(quantized, x[:1])).count("Linear"),
            )
        )
    for one, other in zip(*results, strict=True):
        for a, b in zip(one, other, strict=True) if isinstance(one, list) else [(one, other)]:
            np.testing.assert_array_equal(a, b)


def test_a_module_that_is_a_container_holds_its_items() -> None:
    class Blocks(nn.Module, list):  # type: ignore[type-arg] # of anything
        def forward(self, x: Tensor) -> Tensor:
            for layer in self:
                x = layer(x)
            return x

    model = nn.Sequential(Blocks([linear(), linear(1)]))
    names = [name for name, _ in model.named_modules()]
    assert names == ["", "layers.0", "layers.0.0", "layers.0.1"]
    assert list(held(model[0])) == [("0", model[0][0]), ("1", model[0][1])]


def test_parts_in_slots_are_found() -> None:
    class Slotted(nn.Module):
        __slots__ = ("inner",)

        def __init__(self) -> None:
            self.inner = linear()

    model = Slotted()
    assert [name for name, _ in model.named_parameters()] == ["inner.weight", "inner.bias"]
    twin = copy.deepcopy(model)
    assert twin.inner is not model.inner
    np.testing.assert_array_equal(twin.inner.weight.data, model.inner.weight.data)


def test_a_shared_part_counts_once_under_its_first_name() -> None:
    layer, gain = linear(), Parameter(1.0)
    model = Holder([layer, [layer], {"gain": gain}, gain])
    assert [n for n, _ in model.named_modules()] == ["", "parts.0"]
    assert list(model.state_dict()) == ["parts.2.gain", "parts.0.weight", "parts.0.bias"]
    nodes = qnn.trace(nn.Sequential(layer, layer), np.zeros((1, 2))).nodes
    assert [node.scope for node in nodes] == ["layers.0", "layers.0"]


# Refused


class Plain:
    def __init__(self, part: Any) -> None:
        self.part = part


def captured(part: Any) -> Any:
    def function() -> Any:
        return part

    return function


def _boxed(part: Any) -> np.ndarray:
    """Return an array of objects that holds a part."""
    box = np.empty(2, dtype=object)
    box[0] = part
    return box


HIDDEN = [
    lambda p: {p},
    lambda p: frozenset([p]),
    lambda p: [[{p}]],
    lambda p: deque([p]),
    Plain,
    lambda p: Plain([{"a": (p,)}]),
    lambda p: [Plain(Plain(p))],
    lambda p: UserDict(a=p),
    captured,
    lambda p: functools.partial(max, p),
    _boxed,
    lambda p: {p: 1},
    lambda p: {"a": p}.values(),
    lambda p: {"a": p}.items(),
    lambda p: Plain({p: 1}),
]
PARTS = [linear, lambda: Parameter([1.0]), lambda: Buffer([1.0])]
ASKED = {
    "call": lambda m: m(np.zeros((1, 2))),
    "parameters": lambda m: m.parameters(),
    "named_parameters": lambda m: m.named_parameters(),
    "named_modules": lambda m: m.named_modules(),
    "named_buffers": lambda m: m.named_buffers(),
    "state_dict": lambda m: m.state_dict(),
    "load_state_dict": lambda m: m.load_state_dict({}),
    "astype": lambda m: m.astype(np.float64),
    "requires_grad_": lambda m: m.requires_grad_(False),
    "trace": lambda m: qnn.trace(m, np.zeros((1, 2))),
    "summary": lambda m: qnn.summary(m, np.zeros((1, 2))),
    "pack": lambda m: qnn.pack(m, np.zeros((1, 2))),
    "quantize": lambda m: qnn.quantize(m, weight="binary"),
    "anatomy": lambda m: qnn.anatomy(m, np.zeros((1, 2))),
    "allocate": lambda m: qnn.allocate(m, (np.zeros((1, 2)), np.zeros(1, int)), budget=9999),
    "evaluate": lambda m: qnn.evaluate(m, [(np.zeros((1, 2)), np.zeros(1, int))]),
    "fit": lambda m: qnn.fit(
        m,
        [(np.zeros((1, 2)), np.zeros(1, int))],
        epochs=1,
        optimizer=qnn.optim.SGD([Parameter(1.0)], lr=1),
    ),
}


class Lost(nn.Module):
    def __init__(self, parts: Any) -> None:
        self.first = linear()
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        return self.first(x)


@pytest.mark.parametrize("hide", HIDDEN)
@pytest.mark.parametrize("make", PARTS)
def test_what_has_no_name_is_refused(hide: Any, make: Any) -> None:
    with pytest.raises(StructureError, match=r"Lost: .*parts.*(Linear|Parameter|Buffer)"):
        Lost(hide(make())).state_dict()


@pytest.mark.parametrize("asked", ASKED)
def test_it_is_refused_wherever_the_model_is_first_used(asked: str) -> None:
    with pytest.raises(StructureError, match=r"Lost: parts\.part is a Linear that is not found"):
        ASKED[asked](Lost(Plain(linear())))


@pytest.mark.parametrize("mode", [True, False])
def test_a_call_that_was_refused_is_refused_again(mode: bool) -> None:
    model = Lost(Plain(linear())).train(mode)
    for _ in range(2):
        with pytest.raises(StructureError):
            model(np.zeros((1, 2)))


def test_attributes_of_a_class_are_refused() -> None:
    class Net(nn.Module):
        layer = linear()

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(x)

    class Shadowed(Net):
        def __init__(self) -> None:
            self.layer = linear(1)

    with pytest.raises(StructureError, match=r"layer is a Linear .* attribute of the class Net"):
        Net()(np.zeros((1, 2)))
    assert Shadowed()(np.zeros((1, 2))).shape == (1, 2)


@pytest.mark.parametrize(
    "parts",
    [
        {1: linear(), "1": linear(1)},
        {1: Parameter(1.0), "1": Parameter(2.0)},
        {"a.b": linear(), "a": {"b": linear(1)}},
        {"a": {"": linear()}, "": {"a": linear(1)}},
        {"weight": linear(), "": {"weight": linear(1)}},
        {1: linear(), "1": Parameter(2.0)},
    ],
)
def test_two_parts_of_one_name_are_refused(parts: Any) -> None:
    with pytest.raises(StructureError, match=r"Holder: two parts are called parts\."):
        Holder(parts).parameters()


def test_names_that_change_are_refused() -> None:
    with pytest.raises(StructureError, match="another text in every process"):
        Holder({object(): linear()}).parameters()


@pytest.mark.parametrize("asked", [*ASKED, "train", "eval", "freeze"])
def test_a_module_inside_of_itself_is_refused(asked: str) -> None:
    model = Lost(Holder([]))
    model.parts.parts.append(model)
    ask = ASKED.get(asked) or (lambda m: getattr(m, asked)())
    with pytest.raises(StructureError, match=r"parts.* is the model itself, which holds it"):
        ask(model)
    assert "..." in repr(model)


def test_a_container_inside_of_itself_is_refused() -> None:
    inside: list[Any] = [linear()]
    inside.append(inside)
    with pytest.raises(StructureError, match=r"parts\.1 is a container that holds itself"):
        Holder(inside).parameters()


def test_what_is_found_elsewhere_may_be_held_in_any_way() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.layer = linear()
            self.helper = Plain({self.layer, self.layer.weight})
            self.owner = Plain(self)
            self.bound = self.layer.forward
            self.optimizer = qnn.optim.SGD([self.layer.weight], lr=1.0)
            self.back = weakref.ref(self)
            self.layer.helper = Plain(self)  # an owner is no lost part

        def forward(self, x: Tensor) -> Tensor:
            return self.bound(x)

    net = Net()
    assert net(np.zeros((1, 2))).shape == (1, 2)
    assert list(net.layer.state_dict()) == ["weight", "bias"]


# Called in a forward, but not held

outside = linear()


def made_inside(x: Tensor) -> Tensor:
    return nn.Linear(2, 2)(x)


def outside_called(x: Tensor) -> Tensor:
    return outside(x)


def no_layer(x: Tensor) -> Tensor:
    return x @ x.T


@pytest.mark.parametrize("function", [made_inside, outside_called, no_layer])
def test_layers_that_forward_calls_but_the_model_does_not_hold(function: Any) -> None:
    class Net(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return function(x)

    net, x = nn.Sequential(Net()), np.ones((2, 2))
    outside._checked = 0  # as if it had not been called
    net.eval()(x)  # nothing is trained
    with qnn.no_grad():
        net.train()(x)
    for _ in range(2):
        if function is not no_layer:
            with pytest.raises(StructureError, match="forward calls a Linear that it does not"):
                net(x)
        else:
            net(x)
    outside._checked = 0
    outside.requires_grad_(False)
    if function is not made_inside:
        net(x)
    outside.requires_grad_(True)


# What finding costs, and what it leaves behind


def test_a_call_looks_once() -> None:
    model = Holder([[linear()]])
    model(np.zeros((1, 2)))
    walks = []
    # The walk asks for `parts`; a list that counts says how often.

    class Counting(list):  # type: ignore[type-arg] # of anything
        def __iter__(self) -> Any:
            walks.append(1)
            return super().__iter__()

    flat = nn.Sequential(linear())
    flat.more = Counting([linear(1)])
    for _ in range(3):
        flat(Tensor(np.zeros((1, 2))))
    assert len(walks) == 1


def test_copies_and_pickles_hold_no_trace_of_a_call() -> None:
    model = qnn.MLP([2, 2, 2], seed=0)
    model(np.zeros((1, 2)))
    for twin in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert vars(twin).keys() == vars(qnn.MLP([2, 2, 2])).keys()


def test_the_error_is_one_of_ours() -> None:
    assert issubclass(StructureError, QnnError)
    assert issubclass(StructureError, TypeError)


# Several outputs


class Several(nn.Module):
    def __init__(self, shape: Any) -> None:
        self.first, self.second = linear(1), linear(2)
        self.shape = shape

    def forward(self, x: Tensor) -> Any:
        return self.shape(self.first(x), self.second(x))


@pytest.mark.parametrize(
    "shape",
    [
        lambda a, b: (a, b),
        lambda a, b: [a, b],
        lambda a, b: {"a": a, "b": b},
        lambda a, b: {"a": a, "rest": (b,)},
        Pair,
    ],
)
def test_a_forward_may_return_several_outputs(shape: Any) -> None:
    model, x = Several(shape), np.ones((3, 2), np.float32)
    given = model(x)
    assert type(given) is type(shape(0, 0))
    graph = qnn.trace(model, x)
    for value, layer in zip(graph.outputs, (model.first, model.second), strict=True):
        np.testing.assert_array_equal(value.data, layer(x).data)
    assert "Linear" in str(qnn.summary(model, x))


def test_a_private_slot_is_looked_into() -> None:
    class Slotted(qnn.Module):
        __slots__ = ("__weight",)

        def __init__(self) -> None:
            self.__weight = qnn.Parameter([1.0])

        def forward(self, x: qnn.Tensor) -> qnn.Tensor:
            return x * self.__weight

    assert [name for name, _ in Slotted().named_parameters()] == ["_Slotted__weight"]


def test_a_class_is_looked_at_for_each_module() -> None:
    class Shadowed(qnn.Module):
        layer = qnn.Linear(2, 2, seed=0)

        def __init__(self, own: bool) -> None:
            if own:
                self.layer = qnn.Linear(2, 2, seed=1)

        def forward(self, x: qnn.Tensor) -> qnn.Tensor:
            return self.layer(x)

    for first in (True, False):
        with pytest.raises(StructureError, match="an attribute of the class Shadowed"):
            list(qnn.Sequential(Shadowed(first), Shadowed(not first)).parameters())
