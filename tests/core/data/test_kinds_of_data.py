"""One kind of data everywhere: what `fit`, `evaluate` and all others take, and what they refuse."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import numpy as np
import pandas
import polars
import pytest
import qnn_core as qnn
import qnn_data
from hypothesis import given
from hypothesis import strategies as st
from qnn_core import Tensor, ops
from qnn_core.data import Batch, batches_of, joined
from qnn_core.errors import DtypeError, NonFiniteError, ShapeError, SpecError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(250, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)
WEIGHTS = RNG.uniform(0, 2, 250)
NAMES = list("abcdef")


class BySample:
    """As PyTorch's data sets: a whole number gives a sample, anything else is an error."""

    def __init__(self, *parts: Any) -> None:
        self.parts = parts

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, index: int) -> Any:
        sample = tuple(part[int(index)] for part in self.parts)
        return sample if len(sample) > 1 else sample[0]


class ByIndices(BySample):
    """As those of qnn-data: an array of indices gives them all."""

    def __getitem__(self, index: Any) -> Any:
        return tuple(part[index] for part in self.parts)


class Tensors:
    """What PyTorch's tensors are to us: an array behind detach and cpu."""

    def __init__(self, array: np.ndarray) -> None:
        self._array, self.shape, self.ndim = array, array.shape, array.ndim

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise RuntimeError("can't call numpy() on a tensor that requires grad")

    def __len__(self) -> int:
        return len(self._array)

    def detach(self) -> Any:
        outer = self

        class Detached:
            def cpu(self) -> np.ndarray:
                return outer._array

        return Detached()


class Loader:
    """As PyTorch's: lists of tensors."""

    dataset = BySample(X, Y)
    batch_size = 100
    drop_last = False

    def __iter__(self) -> Iterator[list[Any]]:
        return iter([[Tensors(X[n : n + 100]), Tensors(Y[n : n + 100])] for n in (0, 100, 200)])

    def __len__(self) -> int:
        return 3


KINDS: dict[str, Callable[[], Any]] = {
    "arrays": lambda: (X, Y),
    "float64": lambda: (X.astype(float), Y.astype(np.int8)),
    "lists": lambda: (X.tolist(), Y.tolist()),
    "tensors": lambda: (Tensor(X), Y),
    "pandas": lambda: (pandas.DataFrame(X, columns=NAMES), pandas.Series(Y)),
    "polars": lambda: (polars.DataFrame(X, schema=NAMES), polars.Series(Y)),
    "nullable": lambda: (pandas.DataFrame(X).convert_dtypes(), pandas.Series(Y, dtype="Int64")),
    "data set": lambda: ByIndices(X, Y),
    "data set by sample": lambda: BySample(X, Y),
    "qnn-data": lambda: qnn_data.ArrayDataset(X, Y),
    "list of batches": lambda: [(X[:100], Y[:100]), (X[100:], Y[100:])],
    "tuple of batches": lambda: ((X[:100], Y[:100]), (X[100:], Y[100:])),
    "lists of two": lambda: [[X[:100], Y[:100]], [X[100:], Y[100:]]],
    "generator": lambda: ((X[n : n + 50], Y[n : n + 50]) for n in range(0, 250, 50)),
    "loader": lambda: qnn_data.DataLoader((X, Y), batch_size=64),
    "loader of tensors": Loader,
    "batches of frames": lambda: [(pandas.DataFrame(X), pandas.Series(Y))],
}


@pytest.fixture(params=KINDS)
def data(request: pytest.FixtureRequest) -> Any:
    return KINDS[request.param]()


MODEL = qnn.MLP([6, 8, 2], seed=0)
QUANTIZED = qnn.quantize(MODEL, weight="symmetric:3", input="uniform:3", calibration=X)


def same(a: qnn.nn.Module, b: qnn.nn.Module) -> bool:
    ours, theirs = a.state_dict(), b.state_dict()
    return all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_evaluate(data: Any) -> None:
    found, expected = qnn.evaluate(MODEL, data), qnn.evaluate(MODEL, [(X, Y)])
    assert (found.accuracy, found.samples) == (expected.accuracy, 250)
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)


def test_quantize(data: Any) -> None:
    found = qnn.quantize(MODEL, weight="symmetric:3", input="uniform:3", calibration=data)
    assert same(found, QUANTIZED)


def test_anatomy(data: Any) -> None:
    found, expected = qnn.anatomy(QUANTIZED, data), qnn.anatomy(QUANTIZED, [(X, Y)])
    for mine, theirs in zip(found.rows, expected.rows, strict=True):
        np.testing.assert_array_equal(mine.counts, theirs.counts)
        assert mine.among.accuracy == theirs.among.accuracy


def test_allocate(data: Any) -> None:
    found = qnn.allocate(QUANTIZED, data, budget=10**6, bits=(2, 32))
    expected = qnn.allocate(QUANTIZED, [(X, Y)], budget=10**6, bits=(2, 32))
    assert found.bits == expected.bits
    assert found.plan.result.accuracy == expected.plan.result.accuracy


def test_pack(data: Any) -> None:
    packed = qnn.pack(QUANTIZED, data)
    assert packed(X).tobytes() == qnn.pack(QUANTIZED, X)(X).tobytes()


def trained(data: Any, **options: Any) -> tuple[Any, Any]:
    model = qnn.MLP([6, 8, 2], seed=0)
    optimizer = qnn.optim.Adam(model.parameters(), lr=0.01)
    history = qnn.fit(model, data, **{"epochs": 2, "optimizer": optimizer, **options})
    return model, history


def test_fit(data: Any, request: pytest.FixtureRequest) -> None:
    epochs = 1 if "generator" in request.node.name else 2
    _, history = trained(data, epochs=epochs, validation=(X, Y))
    assert len(history.epochs) == epochs
    assert history.last.val_loss < qnn.evaluate(qnn.MLP([6, 8, 2], seed=0), (X, Y)).loss


@pytest.mark.parametrize("kind", ["lists", "pandas", "polars", "data set", "data set by sample"])
def test_whatever_holds_the_samples_trains_to_the_same_bits(kind: str) -> None:
    model, _ = trained(KINDS[kind]())
    assert same(model, trained((X, Y))[0])


BUILD = partial(qnn.MLP, [6, 8, 2])


@pytest.mark.parametrize(
    "kind",
    ["arrays", "lists", "pandas", "polars", "data set", "data set by sample", "qnn-data"],
)
def test_compare(kind: str) -> None:
    def run(data: Any, test: Any) -> Any:
        with ThreadPoolExecutor(1) as executor:
            return qnn.compare(
                BUILD,
                (data, test),
                weights=["symmetric:2", None],
                seeds=1,
                epochs=1,
                executor=executor,
                progress=False,
            )

    x, y = np.random.default_rng(1).normal(size=X.shape).astype(X.dtype), Y
    found = run(KINDS[kind](), qnn_data.DataLoader((x, y), 100))
    expected = run((X, Y), (x, y))
    for config in expected.configs:
        assert found.accuracy(config) == expected.accuracy(config)


def test_a_loader_has_no_order_of_the_seed() -> None:
    loader = qnn_data.DataLoader((X, Y), 100)
    with pytest.raises(qnn.QnnError, match="a function of the seed that returns the batches"):
        qnn.compare(BUILD, (loader, (X, Y)), weights=["symmetric:2"], epochs=1)


@pytest.mark.parametrize("kind", ["pandas", "polars", "lists"])
def test_packed_models(kind: str) -> None:
    packed = qnn.pack(QUANTIZED, X)
    inputs = KINDS[kind]()[0]
    assert packed(inputs).tobytes() == packed(X).tobytes()
    np.testing.assert_array_equal(packed.predict(inputs), packed.predict(X))


# How data are cut


def sizes(data: Any, **options: Any) -> list[int]:
    found: list[int] = []

    def loss(scores: Tensor, labels: Any) -> Tensor:
        found.append(len(labels))
        return ops.softmax_cross_entropy(scores, labels)

    trained(data, epochs=1, loss=loss, **options)
    return found


def test_arrays_are_cut_into_batches() -> None:
    assert sizes((X, Y)) == [100, 100, 50]
    assert sizes((X, Y), batch_size=32) == [32] * 7 + [26]
    assert sizes(BySample(X, Y), batch_size=np.int64(200)) == [200, 50]
    many = np.zeros((2500, 6)), np.zeros(2500, int)
    counted = [batch.samples for batch in batches_of(many)]
    assert counted == [1000, 1000, 500]


def test_the_order_is_one_of_the_seed_and_the_epoch() -> None:
    seen: list[np.ndarray] = []

    def loss(scores: Tensor, labels: Any) -> Tensor:
        seen.append(labels)
        return ops.mean_squared_error(scores[:, 0], labels)

    ids = np.arange(250)
    for seed in (0, 0, 1):
        trained((X, ids), loss=loss, seed=seed, epochs=2, metric=None)
    runs = [np.concatenate(seen[n : n + 3]) for n in range(0, 18, 3)]
    assert all(np.array_equal(np.sort(order), ids) for order in runs)
    assert np.array_equal(runs[0], runs[2])
    assert np.array_equal(runs[1], runs[3])
    assert len({order.tobytes() for order in (runs[0], runs[1], runs[4])}) == 3


def test_an_interrupted_run_on_arrays_is_resumed_to_the_same_bits(tmp_path: Any) -> None:
    whole, _ = trained((X, Y), epochs=3)
    trained((X, Y), epochs=1, checkpoint=tmp_path / "run.qnn")
    resumed, _ = trained((X, Y), epochs=3, checkpoint=tmp_path / "run.qnn", resume=True)
    assert same(whole, resumed)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "32"])
def test_sizes_that_are_none(size: Any) -> None:
    with pytest.raises(ValueError, match="fit: batch_size must be a whole number >= 1"):
        trained((X, Y), batch_size=size)


def test_batches_are_not_cut_again() -> None:
    with pytest.raises(ValueError, match="batch_size=32 is for arrays and data sets; a DataLoader"):
        trained(qnn_data.DataLoader((X, Y), 50), batch_size=32)


@given(count=st.integers(1, 40), size=st.integers(1, 50))
def test_cut_and_joined_is_the_whole(count: int, size: int) -> None:
    whole = (X[:count], {"a": Y[:count], "b": X[:count, 0]}, WEIGHTS[:count])
    parts = list(batches_of(whole, size=size))
    assert {part.samples for part in parts[:-1]} <= {size}
    assert sum(part.samples for part in parts) == count
    again = Batch(*(joined([part[n] for part in parts]) for n in range(3)))
    np.testing.assert_array_equal(again.inputs, X[:count])
    np.testing.assert_array_equal(again.targets["b"], X[:count, 0])
    np.testing.assert_array_equal(again.weights, WEIGHTS[:count])


def test_a_data_set_that_changes_each_sample_is_asked_for_each() -> None:
    class Centred(ByIndices):
        def __getitem__(self, index: Any) -> Any:
            x, y = super().__getitem__(index)
            return x - x.mean(), y

    centred = X - X.mean(axis=1, keepdims=True)
    found = joined([batch.inputs for batch in batches_of(Centred(X, Y))])
    np.testing.assert_allclose(found, centred, atol=1e-6)


# Several outputs, targets and inputs; weights


class TwoHeads(qnn.Module):
    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.body = qnn.Linear(6, 8, seed=0)
        self.heads = [qnn.Linear(8, 2, seed=1), qnn.Linear(8, 1, seed=2)]

    def forward(self, x: Tensor) -> Any:
        hidden = ops.relu(self.body(x))
        both = (head(hidden) for head in self.heads)
        return (
            dict(zip(("label", "number"), both, strict=True))
            if self.kind is dict
            else self.kind(both)
        )


def two_losses(outputs: Any, targets: Any, sample_weight: Any = None) -> Tensor:
    first, second = outputs.values() if isinstance(outputs, dict) else outputs
    labels, numbers = targets.values() if isinstance(targets, dict) else targets
    return ops.softmax_cross_entropy(first, labels, sample_weight) + ops.mean_squared_error(
        second, numbers, sample_weight
    )


NUMBERS = X[:, 1] * 0.5


@pytest.mark.parametrize("weights", [(), (WEIGHTS,)])
@pytest.mark.parametrize("kind", [tuple, list, dict])
@pytest.mark.parametrize("cut", ["arrays", "batches", "samples"])
def test_several_outputs_and_targets(kind: type, cut: str, weights: tuple[Any, ...]) -> None:
    targets: Any = {"label": Y, "number": NUMBERS} if kind is dict else (Y, NUMBERS)
    whole = (X, targets, *weights)
    data: Any = whole
    if cut == "batches":
        data = [
            [part for part in batch if part is not None] for batch in batches_of(whole, size=90)
        ]
    if cut == "samples":

        class Samples:
            def __len__(self) -> int:
                return 250

            def __getitem__(self, index: int) -> Any:
                row = int(index)
                pair = (
                    {"label": Y[row], "number": NUMBERS[row]}
                    if kind is dict
                    else (
                        Y[row],
                        NUMBERS[row],
                    )
                )
                return (X[row], pair, *(w[row] for w in weights))

        data = Samples()

    def second_error(outputs: Any, targets: Any, sample_weight: Any = None) -> float:
        second = (outputs["number"] if kind is dict else outputs[1])[:, 0]
        numbers = targets["number"] if kind is dict else targets[1]
        return float(np.average(abs(second - numbers), weights=sample_weight))

    model = TwoHeads(kind)
    options: Any = {"loss": two_losses, "metric": qnn.Metric(second_error, False)}
    before = qnn.evaluate(model, data, **options)
    outputs = model(X)
    expected = two_losses(outputs, targets, *weights).item()
    assert before.loss == pytest.approx(expected, rel=1e-5)
    history = qnn.fit(
        model,
        data,
        epochs=5,
        optimizer=qnn.optim.Adam(model.parameters(), lr=0.01),
        validation=data,
        **options,
    )
    assert history.last.accuracy is None
    assert history.last.val_loss < before.loss
    assert history.last.val_metric == qnn.evaluate(model, data, **options).metric
    assert qnn.evaluate(model, data, loss=two_losses).metric is None


def test_several_inputs() -> None:
    class Sum(qnn.Module):
        def __init__(self) -> None:
            self.layers = [qnn.Linear(2, 2, seed=0), qnn.Linear(4, 2, seed=1)]

        def forward(self, a: Tensor, b: Tensor) -> Tensor:
            return self.layers[0](a) + self.layers[1](b)

    model = Sum()
    data = ((X[:, :2], X[:, 2:]), Y)
    before = qnn.evaluate(model, data)
    qnn.fit(model, data, epochs=3, optimizer=qnn.optim.Adam(model.parameters(), lr=0.05))
    assert qnn.evaluate(model, data).loss < before.loss
    assert qnn.evaluate(model, [data]).samples == 250
    packed = qnn.pack(model, (X[:4, :2], X[:4, 2:]))
    assert packed(X[:, :2], X[:, 2:]).shape == (250, 2)


def test_a_weight_counts_as_so_many_samples() -> None:
    weights = RNG.integers(0, 3, 250)
    repeated = np.repeat(np.arange(250), weights)
    weighted, plain = (X, Y, weights), (X[repeated], Y[repeated])
    found, expected = qnn.evaluate(MODEL, weighted), qnn.evaluate(MODEL, plain)
    assert found.loss == pytest.approx(expected.loss, rel=1e-6)
    assert found.accuracy == pytest.approx(expected.accuracy, rel=1e-12)
    uneven = [tuple(part[a:b] for part in weighted) for a, b in ((0, 7), (7, 200), (200, 250))]
    assert qnn.evaluate(MODEL, uneven).accuracy == pytest.approx(expected.accuracy, rel=1e-12)
    assert qnn.evaluate(MODEL, uneven).loss == pytest.approx(expected.loss, rel=1e-6)

    one = {"epochs": 1, "batch_size": 600}
    ends = []
    for data in (weighted, plain):
        model = qnn.MLP([6, 8, 2], seed=0)
        qnn.fit(model, data, optimizer=qnn.optim.SGD(model.parameters(), lr=0.1), **one)
        ends.append(model[0].weight.data)
    np.testing.assert_allclose(*ends, rtol=1e-4, atol=1e-6)


def test_batches_that_do_not_count_change_nothing() -> None:
    nothing = (X[:10], Y[:10], np.zeros(10))
    something = (X, Y, WEIGHTS)
    model, history = trained([something, nothing])
    alone, expected = trained([something])
    assert same(model, alone)
    assert history.last.loss == expected.last.loss
    assert qnn.evaluate(model, [nothing, something]) == qnn.evaluate(model, [something])


# Refusals


class Empty:
    def __len__(self) -> int:
        return 0

    def __getitem__(self, index: Any) -> Any:
        raise IndexError


class Broken(Empty):
    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: Any) -> Any:
        raise KeyError("path")


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([X, Y], ShapeError, r"seem to be inputs and targets: give a tuple \(x, y\)"),
        ([X, X[:, :1]], ShapeError, "seem to be inputs and targets"),
        ([X, Y, WEIGHTS], ShapeError, "seem to be inputs and targets"),
        (((X, X), (Y, Y)), ShapeError, "may be batches, or several inputs with several targets"),
        ((X, Y[:5]), ShapeError, r"inputs of shape \(250, 6\) and targets of shape \(5,\)"),
        ((X, Y, WEIGHTS[:5]), ShapeError, r"weights of shape \(5,\): as many of each"),
        ((X, Y, WEIGHTS[:, None]), ShapeError, "weights have one axis"),
        ((X, Y, -WEIGHTS), ValueError, "weights must be 0 or more"),
        ((X, Y, WEIGHTS * np.nan), NonFiniteError, "weights must be finite"),
        ((X, Y, Y, Y), ShapeError, "got a tuple of 4"),
        ((X[0], 1), ShapeError, r"is it a single sample\? A batch has an axis for samples"),
        ([(X[0], 1)], ShapeError, "is it a single sample"),
        (X, ShapeError, r"batches of \(inputs, targets\) are needed"),
        ({"x": X, "y": Y}, ShapeError, "got a dict"),
        ([{"x": X, "y": Y}], ShapeError, "batch 0 must be an array of inputs.*got a dict"),
        ("mnist", ShapeError, "got a str"),
        (Empty(), ShapeError, "the data set is empty"),
        (Broken(), ShapeError, "gives no samples .*array of indices it raised KeyError: 'path'"),
        (BySample(X[:3]), ShapeError, r"batches of \(inputs, targets\) are needed"),
        ((np.full((3, 2), "a"), Y[:3]), DtypeError, "inputs: real numbers are needed, got <U1"),
        (
            (pandas.DataFrame({"a": [1.0], "city": ["Oslo"]}), [1]),
            DtypeError,
            "columns that hold none: city",
        ),
        (
            (polars.DataFrame({"a": [1.0], "city": ["Oslo"]}), [1]),
            DtypeError,
            "columns that hold none: city",
        ),
        ((X, pandas.Series(["cat"] * 250)), DtypeError, "targets: real numbers are needed"),
        (
            (pandas.DataFrame({"a": [1.0, None]}), [0, 1]),
            NonFiniteError,
            r"holds nan at index \(1, 0\)",
        ),
        ((polars.DataFrame({"a": [1.0, None]}), [0, 1]), NonFiniteError, "holds nan"),
        (([[1.0], [2.0, 3.0]], [0, 1]), ShapeError, "a rectangular array is needed"),
    ],
)
def test_what_is_no_data(data: Any, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        qnn.evaluate(MODEL, data)
    with pytest.raises(error, match=message):
        trained(data)


# A batch of one sample


def normalized() -> qnn.nn.Module:
    return qnn.MLP([6, 8, 2], batch_norm=True, seed=0)


@pytest.mark.parametrize(
    "data",
    [
        (X[:101], Y[:101]),
        BySample(X[:101], Y[:101]),
        [(X[:9], Y[:9]), (X[:1], Y[:1])],
        qnn_data.DataLoader((X[:101], Y[:101]), 20),
        qnn_data.DataLoader(qnn_data.ArrayDataset(X[:101], Y[:101]), 50, shuffle=True),
    ],
)
def test_a_single_sample_is_refused_before_training(data: Any) -> None:
    model = normalized()
    before = model.state_dict()
    optimizer = qnn.optim.Adam(model.parameters())
    with pytest.raises(ShapeError, match="another batch_size, or drop_last=True"):
        qnn.fit(model, data, epochs=1, optimizer=optimizer)
    assert all(np.array_equal(before[name], array) for name, array in model.state_dict().items())
    # Without batch normalization there is nothing wrong with it.
    assert trained(data)[1].last.loss > 0


def test_a_single_sample_that_is_dropped_is_none() -> None:
    model = normalized()
    optimizer = qnn.optim.Adam(model.parameters())
    loader = qnn_data.DataLoader((X[:101], Y[:101]), 20, drop_last=True)
    assert qnn.fit(model, loader, epochs=1, optimizer=optimizer).last.loss > 0


def test_images_of_one_sample_have_a_variance() -> None:
    model = qnn.Sequential(
        qnn.Conv2d(1, 2, 3, seed=0), qnn.BatchNorm(2), qnn.Flatten(), qnn.Linear(32, 2, seed=1)
    )
    images = RNG.normal(size=(101, 6, 6, 1))
    optimizer = qnn.optim.Adam(model.parameters())
    assert qnn.fit(model, (images, Y[:101]), epochs=1, optimizer=optimizer).last.loss > 0


def test_weights_of_a_loss_that_takes_none() -> None:
    def loss(scores: Tensor, labels: Any) -> Tensor:
        return ops.softmax_cross_entropy(scores, labels)

    with pytest.raises(SpecError, match="fit: the data have samples' weights"):
        trained((X, Y, WEIGHTS), loss=loss)


def test_batches_may_share_their_memory() -> None:
    """A generator that gives the same arrays again, with other numbers in them."""

    class Reused:
        def __iter__(self) -> Iterator[Any]:
            x, y = np.empty((50, 6), np.float32), np.empty(50)
            for n in range(0, 250, 50):
                x[:], y[:] = X[n : n + 50], NUMBERS[n : n + 50]
                yield x, y

    model = qnn.MLP([6, 8, 1], seed=0)
    options: Any = {"loss": ops.mean_squared_error, "metric": "r2"}
    found = qnn.evaluate(model, Reused(), **options)
    assert found.metric == pytest.approx(qnn.evaluate(model, (X, NUMBERS), **options).metric)
