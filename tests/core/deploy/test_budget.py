"""Small files that would take long or much are refused; what `save` writes is far from that."""

import math
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from qnn_core.cli import main
from qnn_core.deploy.compile.reorder import quantize_first
from qnn_core.deploy.file.budget import Budget, loading, running
from qnn_core.deploy.file.write import write_graph
from qnn_core.deploy.graph import Graph, Input, Node
from qnn_core.deploy.graph.attributes import Batch
from qnn_core.deploy.graph.operations import OPERATIONS
from qnn_core.deploy.graph.shapes import shapes_of
from qnn_core.errors import FileError, ShapeError
from qnn_core.files import load_arrays
from qnn_core.qtensor import QuantizedTensor

GOLDEN = Path(__file__).parents[2] / "golden"
X = np.random.default_rng(0).normal(size=(5, 784)).astype(np.float32)


def weight(*shape: int) -> QuantizedTensor:
    one = np.float32(1)
    levels = np.float32([-1, 1])
    return QuantizedTensor(np.zeros(shape, np.uint8), 1, levels, one, np.float32(0), None)


def quantizer(source: str, output: str, bits: int) -> Node:
    levels = np.arange(2**bits, dtype=np.float32)
    tables = {"thresholds": levels[1:] - 0.5, "levels": levels}
    tables |= {"scale": np.float32(1), "shift": np.float32(0)}
    return Node("quantize", (source,), output, {"bits": bits, "axis": None}, tables)


def chain(*ops: tuple[str, dict[str, Any]], source: str = "x") -> list[Node]:
    nodes = []
    for number, (op, attributes) in enumerate(ops):
        nodes.append(Node(op, (source,), f"{op}{number}", attributes))
        source = nodes[-1].output
    return nodes


def graph(shape: tuple[int, ...], nodes: list[Node], outputs: int = 1, **constants: Any) -> Graph:
    names = tuple(node.output for node in nodes[-outputs:])
    return Graph((Input("x", shape),), constants, tuple(nodes), names)


def groups(count: int) -> Graph:
    window = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": count}
    node = Node("conv2d", ("x", "w"), "y", window)
    return graph((1, 1, count), [node], w=weight(count, 1, 1, 1))


def wide_layers(count: int, columns: int) -> Graph:
    nodes = [quantizer("x", "q", 4)]
    ends = []
    for n in range(count):
        nodes.append(Node("linear", ("q", "w", "b"), f"p{n}"))
        nodes.append(Node("clip", (f"p{n}",), f"c{n}", {"low": -5.0 - n, "high": 5.0}))
        nodes.append(quantizer(f"c{n}", f"o{n}", 4))
        ends.append(f"o{n}")
    # A bias of its own makes each column another function of its sum.
    constants = {"w": weight(columns, 2), "b": np.linspace(-1, 1, columns, dtype=np.float32)}
    return Graph((Input("x", (2,)),), constants, tuple(nodes), tuple(ends))


def lists(count: int, size: int) -> Graph:
    index = (slice(None), np.zeros((size, 1), np.int64), np.zeros((1, size), np.int64))
    nodes = [Node("getitem", ("x",), f"g{n}", {"index": index}) for n in range(count)]
    return graph((8, 8), nodes, count)


def relus(count: int) -> Graph:
    return graph((4,), chain(*[("relu", {})] * count))


def broadcast(size: int) -> Graph:
    shapes = (Batch(1), 1, 1), (Batch(1), size, size)
    nodes = chain(
        ("reshape", {"shape": shapes[0]}),
        ("broadcast_to", {"shape": shapes[1]}),
        ("sum", {"axis": (1, 2), "keepdims": False}),
    )
    return graph((), nodes)


def pool(op: str, size: int) -> Graph:
    how = {"kernel": (size, size), "stride": (1, 1), "padding": (size - 1, size - 1)}
    return graph((1, 1, 1), chain((op, how)))


def squared_batch() -> Graph:
    """What grows with the square of the batch: harmless for one sample."""
    nodes = chain(
        ("reshape", {"shape": (Batch(1), 1, 1)}),
        ("broadcast_to", {"shape": (Batch(1), Batch(2**10), 2**11)}),
        ("sum", {"axis": (1, 2), "keepdims": False}),
    )
    return graph((), nodes)


def wide_products(count: int) -> Graph:
    nodes = chain(
        ("reshape", {"shape": (Batch(1), 1, 1)}),
        ("broadcast_to", {"shape": (Batch(1), count, count)}),
    )
    last = nodes[-1].output
    return graph((), [*nodes, Node("matmul", (last, last), "y")])


REFUSED: dict[str, tuple[Callable[[], Graph], str]] = {
    "groups": (lambda: groups(2**18), "loading it would take about 26"),
    "nodes": (lambda: relus(20_000), "loading it would take about 1.6 s"),
    "a broadcast": (lambda: broadcast(2**15), "running it for a sample would .* 4,096 MiB"),
    "an average": (lambda: pool("avg_pool2d", 1024), "running it for a sample would take about 5"),
    "a maximum": (lambda: pool("max_pool2d", 1024), "running it for a sample would take about 5"),
    "a product": (lambda: wide_products(2**12), "running it for a sample would take about 34"),
    "a square of the batch": (squared_batch, "running it for a sample would take about 1"),
    "lists": (lambda: lists(16, 2**11), "running it for a sample would take about .* MiB"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_small_files_that_ask_for_much_are_refused(name: str, tmp_path: Path) -> None:
    make, reason = REFUSED[name]
    write_graph(tmp_path / "bomb.qnn", make())
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(FileError, match=rf"bomb\.qnn: {reason}.*; if you trust it: qnn\.load\("):
        qnn.load(tmp_path / "bomb.qnn")
    # Not a measurement, only a bound: unchecked it is many times as much.
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400 * 1024


@pytest.mark.parametrize(
    "make",
    [
        lambda: wide_layers(8, 2**12),
        lambda: groups(500),
        lambda: relus(2_000),
        lambda: lists(16, 2**5),
        lambda: broadcast(2**9),
        lambda: pool("avg_pool2d", 16),
    ],
    ids=["wide layers", "groups", "nodes", "lists", "a broadcast", "an average"],
)
def test_less_of_it_is_loaded_and_answers(make: Callable[[], Graph], tmp_path: Path) -> None:
    write_graph(tmp_path / "a.qnn", make())
    limited = qnn.load(tmp_path / "a.qnn")
    x = np.arange(3 * math.prod(limited.graph.inputs[0].shape), dtype=np.float32)
    x = x.reshape(3, *limited.graph.inputs[0].shape) % 7
    answers = limited(x)
    fewer = limited(x[:2])
    if not isinstance(answers, tuple):
        answers, fewer = (answers,), (fewer,)
    for one, other in zip(answers, fewer, strict=True):
        np.testing.assert_array_equal(one[:2], other)


def test_where_thresholds_take_too_long_the_chain_is_run(tmp_path: Path) -> None:
    path = tmp_path / "a.qnn"
    write_graph(path, wide_layers(3, 2**10))
    limited, trusted = qnn.load(path, limit=0.02), qnn.load(path, limit=math.inf)
    ops = [[node.op for node in model.graph.nodes] for model in (limited, trusted)]
    assert "linear" in ops[0]
    assert ops[1] == ["quantize", "requantize", "requantize", "requantize"]
    for one, other in zip(limited(X[:, :2]), trusted(X[:, :2]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_limit_can_be_raised(tmp_path: Path) -> None:
    path = tmp_path / "a.qnn"
    write_graph(path, pool("avg_pool2d", 300))
    with pytest.raises(FileError, match=r"--limit of 5 or more$"):
        qnn.load(path)
    with pytest.raises(FileError, match=r"--limit of 5 or more$"):
        qnn.load(path, limit=4)
    for limit in (5, math.inf):
        assert qnn.load(path, limit=limit).graph.nodes
    assert main(["info", str(path)]) == 1
    for told in ("5", "inf"):
        assert main(["info", str(path), "--limit", told]) == 0
    with pytest.raises(SystemExit):
        main(["info", str(path), "--limit", "0"])
    for limit in (0, -1, math.nan):
        with pytest.raises(ValueError, match="limit must be a number above 0"):
            qnn.load(path, limit=limit)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("packed*.qnn")), ids=lambda path: path.name)
def test_golden_files_are_far_from_the_limit(path: Path) -> None:
    assert qnn.load(path, limit=0.01).graph.nodes


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (qnn.MLP([784, 1024, 1024, 10], weight="binary", input="binary", seed=0), (784,)),
        (qnn.LeNet(weight="symmetric:4", input="uniform:4", seed=0), (28, 28, 1)),
        (qnn.ResNet(weight="binary", input="symmetric:2", seed=0), (28, 28, 1)),
    ],
    ids=["mlp", "lenet", "resnet"],
)
def test_nets_are_far_from_the_limit(
    model: qnn.Module, shape: tuple[int, ...], tmp_path: Path
) -> None:
    x = X.reshape(5, *shape)
    model(x)
    packed = qnn.pack(model.eval(), x[:1])
    packed.save(tmp_path / "a.qnn")
    np.testing.assert_array_equal(qnn.load(tmp_path / "a.qnn", limit=0.1)(x), packed(x))


def test_an_estimate_is_of_what_there_is() -> None:
    """By hand: 3 nodes, and a product of 10 sums of 784 terms."""
    model = qnn.pack(qnn.MLP([784, 10], seed=0), X)
    shapes = shapes_of(model.graph, 2)
    (node,) = model.graph.nodes
    assert node.op == "linear"
    assert loading(model.graph, shapes).nbytes == 2**12 + 4 * 7840
    elements = 2 * 784 + 7840 + 10 + 2 * 10
    assert running(model.graph, shapes).seconds == pytest.approx(
        2e-5 + 4e-9 * elements + 5e-10 * 20 * 784
    )
    with pytest.raises(FileError, match="loading it would"):
        Budget(100).check_nodes(10**6)


# What took the square of the number of nodes


def test_a_long_row_before_a_quantizer_is_moved_as_before() -> None:
    nodes = chain(("reshape", {"shape": (Batch(1), 2, 2)}), ("relu", {}), ("relu", {}))
    moved = quantize_first(graph((4,), [*nodes, quantizer("relu2", "q", 2)]))
    assert [(n.op, n.inputs, n.output) for n in moved.nodes] == [
        ("relu", ("x",), "q.0"),
        ("relu", ("q.0",), "q.1"),
        ("quantize", ("q.1",), "q.2"),
        ("reshape", ("q.2",), "q"),
    ]


# The shape of what lists of indices choose, which is not made to know it

PARTS = st.one_of(
    st.integers(-4, 4),
    st.builds(
        slice, *[st.one_of(st.none(), st.integers(-5, 5))] * 2, st.sampled_from([None, 2, -1])
    ),
    st.none(),
    st.just(...),
    st.lists(st.integers(-4, 4), max_size=3).map(lambda found: np.array(found, np.int64)),
    st.lists(st.lists(st.integers(-3, 3), min_size=2, max_size=2), min_size=1, max_size=2).map(
        lambda found: np.array(found, np.int64)
    ),
)


@given(
    shape=st.lists(st.integers(0, 4), min_size=1, max_size=4).map(tuple),
    index=st.lists(PARTS, min_size=1, max_size=5).map(tuple) | PARTS,
)
def test_the_rule_of_indices_is_numpys(shape: tuple[int, ...], index: Any) -> None:
    rule = OPERATIONS["getitem"].shape
    try:
        expected = np.zeros(shape)[index].shape
    except IndexError:
        with pytest.raises(ShapeError, match="getitem"):
            rule(shape, index=index)
        return
    assert rule(shape, index=index) == expected


def test_lists_into_great_shapes_cost_nothing() -> None:
    index = (slice(None), np.zeros((2, 1), np.int64), np.arange(3))
    rule = OPERATIONS["getitem"].shape
    assert rule((2**19, 10, 10, 2**19), index=index) == (2**19, 2, 3, 2**19)


def test_pipes_have_the_same_budget(tmp_path: Path) -> None:
    write_graph(tmp_path / "a.qnn", pool("avg_pool2d", 300))
    tensors, about = load_arrays(tmp_path / "a.qnn")
    with pytest.raises(FileError, match=r"-: running it for a sample would take"):
        qnn.deploy.runtime.model.load_from("-", tensors, about)
