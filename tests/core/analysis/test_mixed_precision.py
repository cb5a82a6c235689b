"""Mixed precision: the search is exact, the files are real and never above the budget."""

import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given, settings
from hypothesis import strategies as st
from qnn_core import nn
from qnn_core.analysis.mixed_precision.search import Item, best
from qnn_core.analysis.mixed_precision.sizes import Sizes
from qnn_core.analysis.mixed_precision.trial import Trial
from qnn_core.errors import NonFiniteError, ShapeError, SpecError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 12)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] + X[:, 2] > 0).astype(int)
LAYERS = ["layers.0", "layers.3", "layers.6"]


def model_of(scheme: str, input: str | None) -> nn.Module:
    """A net that was trained as float, with quantizers in all layers."""
    model = qnn.MLP([12, 24, 24, 2], batch_norm=True, seed=0)
    qnn.fit(model, [(X, Y)], epochs=20, optimizer=qnn.optim.Adam(model.parameters(), lr=0.02))
    every = {"weight": scheme, "input": input, "last_weight": scheme, "last_input": input}
    return qnn.quantize(model, **every, calibration=X)


MODEL = model_of("symmetric:4", "uniform:4")


def by_hand(model: nn.Module, quantizers: dict[str, Any]) -> nn.Module:
    """The model with other quantizers of its weights, put there without any of what is tested."""
    made = copy.deepcopy(model).eval()
    for path, quantizer in quantizers.items():
        layer = made.layers[int(path.partition(".")[2])]
        if quantizer is None:
            layer.weight_quantizer = None
        elif quantizer != layer.weight_quantizer.quantizer:
            layer.weight_quantizer = nn.QuantizeWeight(quantizer, layer.weight)
    return made


def size_on_disk(model: nn.Module, folder: Path) -> int:
    qnn.pack(model, X[:4]).save(folder / "model.qnn")
    return (folder / "model.qnn").stat().st_size


def loss_of(model: nn.Module) -> float:
    return qnn.evaluate(model, [(X, Y)]).loss


def quantizer_of(scheme: str, choice: int | str) -> qnn.Quantizer | None:
    if choice == 32:
        return None
    return (
        qnn.get_quantizer(choice)
        if isinstance(choice, str)
        else qnn.get_quantizer(scheme, bits=choice)
    )


def named(choice: int | str) -> str:
    return "float" if choice == 32 else str(choice)


# The search


ITEMS = st.builds(
    Item,
    st.floats(-10, 10) | st.integers(-3, 3).map(float),
    st.integers(0, 60),
    st.frozensets(st.sampled_from("ab"), max_size=2),
)


@settings(max_examples=300)
@given(
    groups=st.lists(st.lists(ITEMS, min_size=1, max_size=4), min_size=1, max_size=4),
    limit=st.integers(0, 200),
    tables=st.fixed_dictionaries({"a": st.integers(0, 50), "b": st.integers(0, 50)}),
    refused=st.integers(1, 5),
)
def test_the_search_finds_what_trying_everything_finds(
    groups: list[list[Item]], limit: int, tables: dict[str, int], refused: int
) -> None:
    def value(chosen: tuple[int, ...]) -> float:
        return sum(group[n].value for group, n in zip(groups, chosen, strict=True))

    def nbytes(chosen: tuple[int, ...]) -> int:
        items = [group[n] for group, n in zip(groups, chosen, strict=True)]
        needed = frozenset().union(*(item.tables for item in items))
        return sum(item.nbytes for item in items) + sum(tables[table] for table in needed)

    def accept(chosen: tuple[int, ...]) -> bool:
        return sum(chosen) % refused == 0

    every = itertools.product(*(range(len(group)) for group in groups))
    possible = [chosen for chosen in every if nbytes(chosen) <= limit and accept(chosen)]
    found = best(groups, limit, tables, accept)
    assert (found is None) == (not possible)
    if found is not None:
        assert found in possible
        assert value(found) == pytest.approx(min(map(value, possible)), abs=1e-12)


# The allocation

CASES = {
    "few bits": ("symmetric:4", "uniform:4", (2, 3, 4)),
    "shared tables": ("symmetric:4,axis=0", "uniform:8", (2, 6, 8)),
    "float and others": ("uniform:8", None, (2, 8, 32, "binary:1,axis=0")),
    "only with tables": ("uniform:5,axis=0", "uniform:3", (5, 6, 7)),
}


@pytest.mark.parametrize(("scheme", "input", "bits"), CASES.values(), ids=CASES)
def test_it_is_what_trying_everything_on_real_files_finds(
    scheme: str, input: str | None, bits: tuple[Any, ...], tmp_path: Path
) -> None:
    model = model_of(scheme, input)
    found = qnn.allocate(model, (X, Y), budget=10**6, bits=bits)
    options = {named(choice): quantizer_of(scheme, choice) for choice in bits}
    base = loss_of(by_hand(model, dict.fromkeys(LAYERS)))
    assert found.float_result.loss == base
    for path in LAYERS:
        assert list(found.sensitivities[path]) == list(options)
        for name, quantizer in options.items():
            alone = by_hand(model, dict.fromkeys(LAYERS) | {path: quantizer})
            assert found.sensitivities[path][name].value == loss_of(alone) - base
    every = []
    for names in itertools.product(options, repeat=3):
        chosen = dict(zip(LAYERS, (options[name] for name in names), strict=True))
        predicted = sum(
            found.sensitivities[path][name].value for path, name in zip(LAYERS, names, strict=True)
        )
        every.append((predicted, size_on_disk(by_hand(model, chosen), tmp_path)))
    sizes = sorted(size for _, size in every)
    smallest = sizes[0]
    for budget in (smallest, sizes[len(sizes) // 3], sizes[-1] - 1):
        found = qnn.allocate(model, (X, Y), budget=budget, bits=bits)
        least = min(predicted for predicted, size in every if size <= budget)
        assert found.plan.predicted == pytest.approx(least, abs=1e-12)
        found.packed.save(tmp_path / "packed.qnn")
        size = (tmp_path / "packed.qnn").stat().st_size
        assert size == found.nbytes == found.plan.nbytes <= budget
        assert size == size_on_disk(by_hand(model, found.plan.quantizers), tmp_path)
    with pytest.raises(SpecError, match=f"for these options has {smallest:,}$"):
        qnn.allocate(model, (X, Y), budget=smallest - 1, bits=bits)


@settings(max_examples=8)
@given(st.data())
def test_with_any_sensitivity_and_budget_it_is_the_least_and_fits(data: st.DataObject) -> None:
    values = {
        (path, bits): data.draw(st.floats(0, 1) | st.sampled_from([0.0, 0.5]))
        for path in LAYERS
        for bits in (2, 3, 4)
    }
    every = {bits: with_size(bits) for bits in itertools.product((2, 3, 4), repeat=3)}
    budget = data.draw(st.integers(min(every.values()), max(every.values())))
    found = qnn.allocate(
        MODEL, (X, Y), budget=budget, bits=(2, 3, 4), sensitivity=lambda p, q: values[p, q.bits]
    )
    sums = {bits: sum(values[p, b] for p, b in zip(LAYERS, bits, strict=True)) for bits in every}
    assert found.plan.predicted == pytest.approx(
        min(sums[bits] for bits, size in every.items() if size <= budget), abs=1e-12
    )
    assert qnn.pack(found.model, X[:4]).nbytes == found.nbytes <= budget
    assert found.nbytes == every[tuple(found.bits.values())]


SIZES: dict[tuple[int, ...], int] = {}


def with_size(bits: tuple[int, ...]) -> int:
    if bits not in SIZES:
        own = qnn.get_quantizer("symmetric:4")
        quantizers = {p: qnn.get_quantizer(own, bits=b) for p, b in zip(LAYERS, bits, strict=True)}
        SIZES[bits] = qnn.pack(by_hand(MODEL, quantizers), X[:4]).nbytes
    return SIZES[bits]


def test_the_answer_holds_what_was_measured() -> None:
    before = MODEL.state_dict()
    found = qnn.allocate(MODEL, [(X[:30], Y[:30]), (X[30:], Y[30:])], budget=5500)
    assert list(found.bits) == LAYERS
    assert set(found.bits.values()) <= set(range(2, 9))
    assert found.nbytes == found.packed.nbytes <= 5500
    np.testing.assert_array_equal(found.packed(X), found.model(X).data)
    assert found.plan.result == qnn.evaluate(found.model, [(X[:30], Y[:30]), (X[30:], Y[30:])])
    assert found.plan.predicted_accuracy == pytest.approx(
        found.float_result.accuracy
        - sum(found.sensitivities[p][str(b)].accuracy for p, b in found.bits.items())
    )
    assert [plan.name for plan in found.uniform] == list("2345678")
    for plan in found.uniform:
        assert plan.bits == dict.fromkeys(LAYERS, int(plan.name))
        made = by_hand(MODEL, plan.quantizers)
        assert plan.nbytes == qnn.pack(made, X[:4]).nbytes
        assert plan.result.loss == pytest.approx(loss_of(made), rel=1e-6)
        assert loss_of(plan.model) == loss_of(made)
    inside = [plan for plan in found.uniform if plan.nbytes <= 5500]
    assert found.best_uniform in inside
    # A sum over the same costs, of which uniform bits are one: never above them.
    assert found.plan.predicted <= found.best_uniform.predicted
    found.model.layers[0].weight.data[:] = 0
    assert loss_of(found.plan.model) != loss_of(found.model)
    for name, array in MODEL.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    none = qnn.allocate(MODEL, (X, Y), budget=5500, bits={"layers.0": [4], "layers.3": [2]})
    assert [plan.bits["layers.6"] for plan in none.uniform] == list(range(2, 9))


def test_the_bits_that_were_trained_keep_what_was_learned() -> None:
    model = qnn.MLP([12, 20, 2], weight="symmetric:3", seed=0)
    qnn.fit(model, [(X, Y)], epochs=10, optimizer=qnn.optim.Adam(model.parameters(), lr=0.05))
    learned = model.layers[0].weight_quantizer.qparams().scale
    fitted = model.layers[0].weight_quantizer.quantizer.fit(model.layers[0].weight.data).scale
    assert learned != fitted
    kept = qnn.allocate(model, (X, Y), budget=10**6, bits=[3])
    assert kept.model.layers[0].weight_quantizer.qparams().scale == learned
    assert kept.plan.result == qnn.evaluate(model, [(X, Y)])
    assert repr(kept.model) == repr(model)


def test_targets_that_are_no_labels_have_losses_only() -> None:
    def squared(outputs: qnn.Tensor, targets: Any) -> qnn.Tensor:
        return ((outputs - targets) ** 2).mean()

    outputs = by_hand(MODEL, dict.fromkeys(LAYERS))(X).data
    found = qnn.allocate(MODEL, (X, outputs), budget=10**6, bits=(2, 8), loss=squared)
    assert found.float_result.loss == 0
    assert set(found.bits.values()) == {8}
    assert found.plan.predicted_accuracy is None
    assert str(found).splitlines()[-1].split()[0] == "allocated"


def test_convolutional_nets_are_allocated_and_trained_on(tmp_path: Path) -> None:
    images = RNG.random((6, 28, 28, 1)).astype(np.float32)
    labels = np.arange(6)
    model = qnn.ResNet(weight="symmetric:4,axis=0", input="uniform:4", seed=0)
    model(images)
    budget = qnn.pack(model.eval(), images[:1]).nbytes - 4000
    found = qnn.allocate(model, (images, labels), budget=budget, bits=(2, 4))
    found.packed.save(tmp_path / "net.qnn")
    assert (tmp_path / "net.qnn").stat().st_size <= budget
    assert set(found.bits.values()) == {2, 4}
    optimizer = qnn.optim.SGD(found.model.parameters(), lr=0.1)
    qnn.fit(found.model, [(images, labels)], epochs=1, optimizer=optimizer)
    assert qnn.pack(found.model, images).nbytes <= budget + 64  # scales have other digits now


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        self.first = qnn.Linear(12, 12, bias=False, seed=0)
        self.second = qnn.Linear(12, 12, bias=False, seed=1)
        self.second.weight = self.first.weight
        self.last = qnn.Linear(12, 2, seed=2)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return self.last(self.second(qnn.ops.relu(self.first(x))))


def test_tied_weights_with_options_in_other_orders_are_stored_once() -> None:
    model = qnn.quantize(Tied(), weight="symmetric:8", input="uniform:8", calibration=X)
    bits = {"first": (8, 4, 2), "second": (2, 8, 4)}
    costs = {2: 10.0, 4: 3.0, 8: 1.0}

    def size(first: int, second: int) -> int:
        made = copy.deepcopy(model).eval()
        for layer, width in ((made.first, first), (made.second, second)):
            if width != 8:
                scheme = qnn.get_quantizer(layer.weight_quantizer.quantizer, bits=width)
                layer.weight_quantizer = nn.QuantizeWeight(scheme, layer.weight)
        return qnn.pack(made, X[:4]).nbytes

    every = {pair: size(*pair) for pair in itertools.product(costs, repeat=2)}
    for budget in sorted(every.values()):
        found = qnn.allocate(
            model, (X, Y), budget=budget, bits=bits, sensitivity=lambda path, q: costs[q.bits]
        )
        least = min(sum(costs[b] for b in pair) for pair, size in every.items() if size <= budget)
        assert found.plan.predicted == least
        assert found.nbytes <= budget


def test_few_files_are_made_for_many_small_layers_and_a_budget_too_small() -> None:
    model = qnn.MLP([12, *[8] * 6, 2], seed=0)
    every = {"weight": "symmetric:8", "input": "uniform:8", "last_weight": "symmetric:8"}
    trial = Trial(
        qnn.quantize(model, **every, calibration=X), (X, Y), None, qnn.ops.softmax_cross_entropy
    )
    made: list[tuple[int, ...]] = []

    def measure(chosen: tuple[int, ...]) -> int:
        made.append(chosen)
        return trial.nbytes(chosen)

    sizes = Sizes([*trial.groups.values()], measure)
    assert sizes.within(500) is None
    smallest = sizes.smallest()
    assert sizes.within(smallest) is not None
    # 7 options in each of 7 layers, most of them differing by a few bytes: 823,543 files.
    assert len(made) == len(set(made)) < 150


@pytest.mark.parametrize("bits", [np.array([2, 4]), range(2, 5, 2), iter((2, 4))])
def test_choices_may_be_anything_to_go_through(bits: Any) -> None:
    found = qnn.allocate(MODEL, (X, Y), budget=10**6, bits=bits)
    assert [[*costs] for costs in found.sensitivities.values()] == [["2", "4"]] * 3


def test_tables_say_the_choice_and_what_fits() -> None:
    found = qnn.allocate(MODEL, (X, Y), budget=5500, bits=(2, 4, 32))
    layers, plans = (part.splitlines() for part in str(found).split("\n\n"))
    assert layers[0].split() == ["layer", "2", "4", "float"]
    assert [line.count("*") for line in layers[2:]] == [1, 1, 1]
    assert [line.split()[0] for line in plans[3:]] == ["2", "4", "float", "allocated"]
    for line, plan in zip(plans[3:], [*found.uniform, found.plan], strict=True):
        assert ("<=" in line) == (plan.nbytes <= 5500)
        assert f"{plan.nbytes:,}" in line
    assert found.table("markdown").count("|") > 40
    assert found._repr_html_().count("<table") == 2
    assert repr(found) == str(found)


FLOAT = qnn.MLP([12, 8, 2], seed=0)


@pytest.mark.parametrize(
    ("model", "arguments", "error", "message"),
    [
        (FLOAT, {}, SpecError, r"no layer of this MLP has a quantized weight; qnn\.quantize"),
        (MODEL, {"budget": 100}, SpecError, "a budget of 100 bytes is too small.* has [0-9],"),
        (MODEL, {"budget": 0}, SpecError, "in bytes, must be a whole number >= 1, got 0"),
        (MODEL, {"budget": 1e6}, SpecError, "in bytes, must be a whole number >= 1, got 1000000.0"),
        (MODEL, {"bits": (1, 2)}, SpecError, "'layers.0' cannot have 1 .*one bit"),
        (MODEL, {"bits": (2, "binry")}, SpecError, "cannot have 'binry'.*mean 'binary'"),
        (MODEL, {"bits": 4}, SpecError, "needs choices such as .* got 4"),
        (MODEL, {"bits": np.int64(4)}, SpecError, r"needs choices such as .* got np\.int64\(4\)"),
        (MODEL, {"bits": {"layers.0": "4"}}, SpecError, "'layers.0' needs choices .* got '4'"),
        (MODEL, {"bits": []}, SpecError, r"needs choices such as .* got \[\]"),
        (MODEL, {"bits": {"layers.1": [2]}}, SpecError, "no 'layers.1'; did you mean"),
        (MODEL, {"data": X}, ShapeError, "batch 0 has no targets"),
        (MODEL, {"data": []}, ShapeError, "no batch"),
        (MODEL, {"data": (X * np.nan, Y)}, NonFiniteError, "allocate: batch 0 holds nan"),
        (
            MODEL,
            {"sensitivity": lambda path, quantizer: np.nan},
            NonFiniteError,
            "the sensitivity of 'layers.0' to 2 is nan",
        ),
        *(
            (
                MODEL,
                {"sensitivity": lambda path, quantizer, given=given: given},
                SpecError,
                f"the sensitivity of 'layers.0' to 2 must be a number, got {given!r}",
            )
            for given in ("high", "0.5", None)
        ),
    ],
)
def test_what_cannot_be_done_is_refused(
    model: nn.Module, arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    given_ = {"data": (X, Y), "budget": 10**6, "bits": (2, 4)} | arguments
    with pytest.raises(error, match=message):
        qnn.allocate(model, **given_)


def test_learned_bits_keep_the_budget_and_tell_layers_apart(tmp_path: Path) -> None:
    """A layer that matters gets more bits than one whose output is nearly thrown away."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 8)).astype(np.float32)
    y = (x[:, :4].sum(axis=1) > 0).astype(int)
    net = qnn.MLP([8, 32, 32, 2], seed=0)
    qnn.fit(net, (x, y), epochs=10, optimizer=qnn.optim.Adam(net.parameters(), lr=0.01))
    model = qnn.quantize(net, weight="symmetric:8", input="uniform:8", calibration=x)
    before = model.state_dict()
    options: dict[str, Any] = {"bits": (2, 3, 4, 8), "epochs": 4, "batch_size": 50}
    free = qnn.learn_bits(model, (x, y), budget=10**6, progress=False, **options)
    assert set(free.bits.values()) <= {2, 3, 4, 8}
    budget = free.nbytes - 700
    found = qnn.learn_bits(model, (x, y), budget=budget, progress=False, **options)
    assert found.nbytes == size_on_disk_of(found.model, x, tmp_path) <= budget
    assert sum(found.bits.values()) < sum(free.bits.values())
    # The trained weights are those of the model; what was given is as it was.
    assert np.any(found.model.state_dict()["layers.0.weight"] != before["layers.0.weight"])
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    again = qnn.learn_bits(model, (x, y), budget=budget, progress=False, **options)
    assert again.bits == found.bits
    # It trains on.
    optimizer = qnn.optim.Adam(found.model.parameters(), lr=1e-3)
    qnn.fit(found.model, (x, y), epochs=1, batch_size=50, optimizer=optimizer)


def size_on_disk_of(model: nn.Module, x: Any, folder: Path) -> int:
    qnn.pack(model, x[:4]).save(folder / "learned.qnn")
    return (folder / "learned.qnn").stat().st_size


def test_bits_that_cannot_be_learned_are_refused() -> None:
    given: dict[str, Any] = {"epochs": 1, "batch_size": 20}
    with pytest.raises(SpecError, match=r"learn_bits: a budget of 10 bytes is too small.* has \d"):
        qnn.learn_bits(MODEL, (X, Y), budget=10, **given)
    with pytest.raises(SpecError, match="no layer has more than one width"):
        qnn.learn_bits(MODEL, (X, Y), budget=10**6, bits=[4], **given)
    with pytest.raises(ValueError, match="bits_lr must be above 0"):
        qnn.learn_bits(MODEL, (X, Y), budget=10**6, bits_lr=0, **given)


@pytest.mark.parametrize(
    "bits",
    [
        (2, 32),
        (2, "codebook:4"),
        ("binary", 2, "nf4", 4),
        {"layers.0": (2, 32), "layers.3": (2, 8)},
    ],
)
def test_learned_bits_are_among_the_choices(bits: Any) -> None:
    """Also where float, another scheme, or a layer of its own is one of them."""
    most, least = (size_of(MODEL, bits, rank) for rank in (max, min))
    found = qnn.learn_bits(
        MODEL, (X, Y), budget=(most + 2 * least) // 3, bits=bits, epochs=2, batch_size=20,
        bits_lr=0.3, progress=False,
    )  # fmt: skip # one call
    assert [*found.bits] == LAYERS
    for path in LAYERS:
        choices = bits.get(path, range(2, 9)) if isinstance(bits, dict) else bits
        allowed = [quantizer_of("symmetric", choice) for choice in choices]
        assert found.plan.quantizers[path] in allowed


def size_of(model: nn.Module, bits: Any, rank: Any) -> int:
    trial = Trial(model, (X, Y), bits, qnn.ops.softmax_cross_entropy)
    sizes = [[option.bits for option in group] for group in trial.groups.values()]
    return trial.nbytes(tuple(row.index(rank(row)) for row in sizes))
