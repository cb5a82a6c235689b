"""Files: the same after loading, refused when damaged, harmless when hostile."""

import copy
import json
import os
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from packed_models import fitted
from qnn_core import nn, ops
from qnn_core.cli import main
from qnn_core.deploy.file.archive import DTYPES, archived
from qnn_core.deploy.file.compress import inflated, to_bytes
from qnn_core.deploy.file.write import _cost, _smaller, write_graph, written
from qnn_core.deploy.graph import Graph, Input, Node
from qnn_core.errors import FileError
from qnn_core.files import load_arrays, save_arrays
from qnn_core.qtensor import QuantizedTensor
from safetensors.numpy import save_file as save

X = np.random.default_rng(0).normal(size=(9, 12)).astype(np.float32)


class Everything(nn.Module):
    def __init__(self) -> None:
        self.first = nn.QuantLinear(12, 70, weight="symmetric:2,axis=0", input="uniform:3", seed=0)
        self.norm = nn.BatchNorm(70)
        self.second = nn.QuantLinear(70, 20, weight="binary", input="binary", seed=1)
        self.last = nn.QuantLinear(20, 4, weight="uniform:4", input="uniform:6", seed=2)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        y = self.norm(self.first(x)) * np.where(np.arange(70) % 2, 1, -1)
        y = ops.clip(self.second(ops.hardtanh(y)), -np.inf, 3)
        y = ops.reshape(y[:, ::-1][:, np.arange(20)], (len(x.data), 20))
        return self.last(ops.broadcast_to(y, (len(x.data), 20))[..., :])


@pytest.fixture(scope="module")
def packed() -> qnn.PackedModel:
    return qnn.pack(fitted(Everything(), X), X)


@pytest.fixture
def path(packed: qnn.PackedModel, tmp_path: Path) -> Path:
    packed.save(tmp_path / "model.qnn")
    return tmp_path / "model.qnn"


def test_loaded_is_the_same(packed: qnn.PackedModel, path: Path) -> None:
    loaded = qnn.load(path)
    np.testing.assert_array_equal(loaded(X), packed(X))
    assert [n.op for n in loaded.graph.nodes] == [n.op for n in packed.graph.nodes]
    for ours, theirs in zip(loaded.graph.nodes, packed.graph.nodes, strict=True):
        assert sorted(map(str, ours.attributes.items())) == sorted(
            map(str, theirs.attributes.items())
        )
        for name, table in theirs.tables.items():
            np.testing.assert_array_equal(ours.tables[name], table)
            assert ours.tables[name].dtype == table.dtype


def test_written_again_it_is_the_same_to_the_byte(packed: qnn.PackedModel, path: Path) -> None:
    again = path.with_name("again.qnn")
    qnn.load(path).save(again)
    assert again.read_bytes() == path.read_bytes()
    assert packed.nbytes == os.path.getsize(path) == qnn.load(path).nbytes
    assert sorted(path.parent.iterdir()) == [again, path]


def test_what_is_not_an_array_takes_few_bytes(packed: qnn.PackedModel) -> None:
    rows = packed.summary().rows
    arrays, _ = written(packed.graph)
    assert sum(row.nbytes for row in rows[:-1]) == sum(len(to_bytes(a)) for a in arrays.values())
    assert rows[-1].nbytes < 1250


def test_fused_nodes_are_written_in_the_smaller_form(packed: qnn.PackedModel) -> None:
    _, about = written(packed.graph)
    stored = [node["op"] for node in about["nodes"]]
    # One threshold for a channel is less than its batch norm.
    assert "requantize" in stored
    assert "normalize" not in stored


@pytest.mark.parametrize("spec", ["uniform:2", "uniform:4"])
def test_either_form_gives_the_same_thresholds(spec: str, tmp_path: Path) -> None:
    model = fitted(qnn.MLP([12, 9, 9, 3], weight="symmetric:2", input=spec, seed=0), X)
    one = qnn.pack(model, X)
    one.save(tmp_path / "a")
    two = qnn.load(tmp_path / "a")
    pairs = zip(one.graph.nodes, two.graph.nodes, strict=True)
    tables = [(a.tables["thresholds"], b.tables["thresholds"]) for a, b in pairs if a.tables]
    assert all(np.array_equal(a, b) for a, b in tables)


# Damage


@pytest.mark.parametrize("spec", ["symmetric:8", "uniform:8", "symmetric:4"])
def test_a_form_that_is_not_compressed_with_all_effort_is_none_that_would_win(spec: str) -> None:
    x = np.random.default_rng(0).normal(size=(50, 12)).astype(np.float32)
    model = fitted(qnn.MLP([12, 90, 60, 3], weight=spec, input=spec, batch_norm=True, seed=0), x)
    graph = qnn.pack(model, x).graph
    fused = [node for node in graph.nodes if node.chain]
    assert fused
    for node in fused:
        form, chain = (_cost(nodes, graph.constants) for nodes in ((node,), node.chain))
        expected = (node,) if form < chain else node.chain
        assert _smaller(node, graph.constants) == expected


def test_every_cut_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        with pytest.raises(FileError, match=r"model\.qnn"):
            qnn.load(path)


def test_every_flip_is_refused(path: Path) -> None:
    content = path.read_bytes()
    rng = np.random.default_rng(0)
    places = np.unique(np.concatenate([np.arange(24), rng.integers(0, len(content), 300)]))
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(changed)
        with pytest.raises(FileError, match=r"model\.qnn"):
            qnn.load(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        qnn.load(tmp_path / "none")
    checkpoint = Path(__file__).parents[2] / "golden" / "checkpoint-v1.qnn"
    with pytest.raises(FileError, match=r"holds no model, but a run of fit"):
        qnn.load(checkpoint)
    save_arrays(tmp_path / "new", {}, {"kind": "qnn packed model", "version": 4})
    save({"x": X}, tmp_path / "foreign.safetensors")
    with pytest.raises(FileError, match=r"foreign.* is a safetensors file, but qnn did not write"):
        qnn.load(tmp_path / "foreign.safetensors")
    with pytest.raises(FileError, match=r"version 4; needed .* version 1 to 3; a newer qnn-core"):
        qnn.load(tmp_path / "new")


# Whole files with a checksum that fits, made by somebody who means harm

Change = Callable[[dict[str, Any], dict[str, np.ndarray]], Any]


def at(op: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda about: next(node for node in about["nodes"] if node["op"] == op)


def put(op: str, *keys: Any, value: Any) -> Change:
    def change(about: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
        place: Any = at(op)(about)
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value

    return change


def weight(key: str, value: Any) -> Change:
    return lambda about, tensors: about["constants"]["first.weight"].update({key: value})


def tensor(name: str, make: Callable[[np.ndarray], np.ndarray]) -> Change:
    def change(about: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
        found = next(n for n in tensors if n.endswith(name))
        tensors[found] = make(tensors[found].copy())

    return change


def top(**entries: Any) -> Change:
    return lambda about, tensors: about.update(entries)


def poked(value: Any) -> Callable[[np.ndarray], np.ndarray]:
    def make(array: np.ndarray) -> np.ndarray:
        array.reshape(-1)[0] = value
        return array

    return make


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


HOSTILE: dict[str, Change] = {
    "a cycle": put("linear", "inputs", 0, value="last"),
    "itself": lambda about, _: at("linear")(about)["inputs"].__setitem__(
        0, at("linear")(about)["output"]
    ),
    "no such value": put("linear", "inputs", 0, value="nobody"),
    "no such operation": put("clip", "op", value="__import__"),
    "a loss": put("clip", "op", value="dropout"),
    "an operation that is no text": put("clip", "op", value=3),
    "too few inputs": put("linear", "inputs", value=[]),
    "too many inputs": lambda about, _: at("clip")(about)["inputs"].append("input0"),
    "inputs that are no names": put("linear", "inputs", value=[1, 2]),
    "twice the same": lambda about, _: about["nodes"].append(about["nodes"][0]),
    "no nodes": top(nodes=None),
    "nodes of numbers": top(nodes=[1]),
    "no outputs": top(outputs=[]),
    "an unknown output": top(outputs=["nobody"]),
    "a constant as output": top(outputs=["first.weight"]),
    "no inputs": top(inputs=[]),
    "an endless input": top(inputs=[{"name": "input0", "shape": [2**50]}]),
    "a great input": top(inputs=[{"name": "input0", "shape": [2**39, 2**39]}]),
    "a negative input": top(inputs=[{"name": "input0", "shape": [-1]}]),
    "an input of another width": top(inputs=[{"name": "input0", "shape": [13]}]),
    "many axes": top(inputs=[{"name": "input0", "shape": [1] * 64}]),
    "a version of true": top(version=True),
    "missing keys": lambda about, _: about.pop("outputs"),
    "no bits": weight("bits", 0),
    "nine bits": weight("bits", 9),
    "half a bit": weight("bits", 2.5),
    "true bits": weight("bits", True),
    "an axis outside": weight("axis", 2),
    "a huge axis": weight("axis", 2**70),
    "an axis of text": weight("axis", "0"),
    "another shape": weight("shape", [12, 70, 2]),
    "an overflowing shape": weight("shape", [2**39, 2**39, 2**39]),
    "a shape of nothing": weight("shape", [2**39, 0]),
    "a text for a shape": weight("shape", "12"),
    "codes that are missing": weight("codes", "nobody"),
    "levels that fall": weight("levels", [1.0, 0.0, -1.0]),
    "levels of NaN": weight("levels", [-1.0, float("nan"), 1.0]),
    "too many levels": weight("levels", [0.0, 1.0, 2.0, 3.0, 4.0]),
    "few levels": weight("levels", [0.0]),
    "levels of text": weight("levels", ["a", "b"]),
    "levels too great": weight("levels", [0, 1, 10**400]),
    "a bias of NaN": lambda about, _: about["constants"].update({"last.bias": [float("nan")] * 4}),
    "an infinite bias": lambda about, _: about["constants"].update({"last.bias": [1e39] * 4}),
    "a code without a level": tensor("first.weight.codes", lambda a: a | 255),
    "codes as floats": tensor("first.weight.codes", lambda a: a.astype(np.float32)),
    "short codes": tensor("first.weight.codes", lambda a: a[:-1]),
    "a negative scale": tensor("first.weight.scale", poked(-1)),
    "a scale of zero": tensor("first.weight.scale", poked(0)),
    "a scale of NaN": tensor("first.weight.scale", poked(np.nan)),
    "an infinite scale": tensor("first.weight.scale", poked(np.inf)),
    "values that overflow": lambda about, _: about["constants"]["last.weight"].update(scale=3e38),
    "scales in 64 bits": tensor("first.weight.scale", lambda a: a.astype(np.float64)),
    "thresholds in 64 bits": tensor(".thresholds", lambda a: a.astype(np.int64)),
    "thresholds of another count": tensor(".thresholds", lambda a: np.concatenate([a, a])),
    "thresholds of another width": tensor(".thresholds", lambda a: a[:, :-1]),
    "thresholds in a row": tensor(".thresholds", lambda a: a.reshape(-1)),
    "flips of another width": tensor(".flip", lambda a: a[:-1]),
    "float thresholds of NaN": put("quantize", "tables", "thresholds", 0, value=float("nan")),
    "float thresholds that fall": put("quantize", "tables", "thresholds", 6, value=-9.0),
    "no table": lambda about, _: at("quantize")(about)["tables"].pop("levels"),
    "another table": put("clip", "tables", value={"x": [1.0]}),
    "a scale for each channel without axis": put("quantize", "tables", "scale", value=[1.0] * 12),
    "another attribute": put("clip", "attributes", "x", value=1),
    "no attributes": put("clip", "attributes", value={}),
    "an attribute of text": put("clip", "attributes", "high", value="3"),
    "a NaN to clip at": put("clip", "attributes", "high", value=float("nan")),
    "a number without end": put("clip", "attributes", "high", value=10**400),
    "text as infinity": put("clip", "attributes", "low", value={"float": "1e5"}),
    "an unknown table": put("clip", "attributes", "low", value={"eval": "1"}),
    "a table of two": put("clip", "attributes", "low", value={"batch": 1, "float": "inf"}),
    "a shape too great": put("reshape", "attributes", "shape", value=[{"batch": 1}, 2**80]),
    "a negative batch": put("reshape", "attributes", "shape", value=[{"batch": -1}, 20]),
    "a batch of text": put("reshape", "attributes", "shape", value=[{"batch": "1"}, 20]),
    "a broadcast too great": put(
        "broadcast_to", "attributes", "shape", value=[2**60, {"batch": 1}, 20]
    ),
    "an index outside": put("getitem", "attributes", "index", value=2**70),
    "an index of text": put("getitem", "attributes", "index", value="abc"),
    "indices outside": put("getitem", "attributes", "index", value={"indices": [0, 99]}),
    "ragged indices": put("getitem", "attributes", "index", value={"indices": [[0], [1, 2]]}),
    "indices of text": put("getitem", "attributes", "index", value={"indices": ["a"]}),
    "too great indices": put("getitem", "attributes", "index", value={"indices": [2**70]}),
    "steps of zero": put("getitem", "attributes", "index", value={"slice": [None, None, 0]}),
    "slices of two": put("getitem", "attributes", "index", value={"slice": [None, None]}),
    "two ellipses": put(
        "getitem", "attributes", "index", value=[{"ellipsis": True}, {"ellipsis": True}]
    ),
    "deep nesting": put("getitem", "attributes", "index", value=nested(900)),
    "scopes of numbers": put("clip", "scope", value=3),
    "a tensor too many": lambda about, tensors: tensors.update(x=np.zeros(3)),
    "a constant too many": lambda about, _: about["constants"].update(
        more=about["constants"]["first.weight"]
    ),
    "a node too many": lambda about, _: about["nodes"].append(
        {"op": "negative", "inputs": ["input0"], "output": "more"}
    ),
    "a tensor too few": lambda about, tensors: tensors.pop("first.weight.codes"),
    "an empty tensor": lambda about, tensors: (
        tensors.update(none=np.zeros((2**40, 0), np.float32)),
        about["constants"].update(none="none"),
    ),
}


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_array_of_nothing_is_refused_before_it_is_made(
    dtype: str, packed: qnn.PackedModel, path: Path
) -> None:
    tensors, about = written(packed.graph)
    stored, head = archived(tensors, about)
    more = {"name": "more", "dtype": dtype, "shape": [0, *[65536] * 31], "bytes": 0}
    change = text(
        lambda c: c.replace(b'"arrays":[', b'"arrays":[' + json.dumps(more).encode() + b",")
    )
    change(head, stored)
    save_arrays(path, stored, head)
    with pytest.raises(FileError, match=r"an array of shape \(0, 65536, .* cannot be"):
        qnn.load(path)


def test_constants_that_share_their_codes_are_no_bomb(packed: qnn.PackedModel, path: Path) -> None:
    tensors, about = written(packed.graph)
    tensors["big"] = np.zeros(2**20, np.uint8)
    shared = {"codes": "big", "shape": [2**23], "bits": 1, "axis": None}
    qparams = {"levels": [-1, 1], "scale": 1.0, "shift": 0.0}
    for number in range(50):
        # The same bits as codes of other lengths and widths: each is made anew.
        bits = number % 8 + 1
        entry = {**shared, **qparams, "shape": [2**23 // bits - number // 8 % bits], "bits": bits}
        add = {"op": "add", "inputs": ["input0", f"c{number}"], "output": f"n{number}"}
        about["constants"][f"c{number}"] = entry
        about["nodes"].append(add)
        about["outputs"].append(f"n{number}")
    save_arrays(path, *archived(tensors, about))
    tracemalloc.start()
    with pytest.raises(FileError, match="more than so few bytes can hold"):
        qnn.load(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**25


def test_nodes_that_share_a_weight_are_no_bomb(path: Path) -> None:
    big = QuantizedTensor(
        codes=np.zeros((2**16, 2**6), np.uint8),
        bits=1,
        levels=np.float32([-1, 1]),
        scale=np.float32(1),
        shift=np.float32(0),
        axis=None,
    )
    products = [Node("linear", ("x", "w"), f"p{n}") for n in range(100)]
    sums = [Node("add", (f"s{n - 1}" if n else "x", f"p{n}"), f"s{n}") for n in range(100)]
    nodes = tuple(node for pair in zip(products, sums, strict=True) for node in pair)
    write_graph(path, Graph((Input("x", (2**6,)),), {"w": big}, nodes, ("s99",)))
    assert path.stat().st_size < 2**14
    with pytest.raises(FileError, match=r"model\.qnn: its nodes take 419,\d+,\d+ elements of 4,"):
        qnn.load(path)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused(name: str, packed: qnn.PackedModel, path: Path) -> None:
    tensors, about = written(packed.graph)
    about = copy.deepcopy(about)
    HOSTILE[name](about, tensors)
    save_arrays(path, *archived(tensors, about))
    with pytest.raises(FileError, match=r"model\.qnn"):
        qnn.load(path)


def test_the_hostile_files_begin_as_a_sound_one(packed: qnn.PackedModel, path: Path) -> None:
    save_arrays(path, *archived(*written(packed.graph)))
    np.testing.assert_array_equal(qnn.load(path)(X), packed(X))


# The same for the form of the file: tensors, and what stands in its header


def uint8(content: bytes) -> np.ndarray:
    return np.frombuffer(content, np.uint8)


def text(make: Callable[[bytes], bytes]) -> Change:
    """Change the description, stored as it is."""

    def change(head: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
        content = make(inflated(tensors["graph"].tobytes(), head["bytes"]))
        tensors["graph"], head["bytes"] = uint8(content), len(content)

    return change


def entry(**fields: Any) -> Change:
    """Change what the description says of the first array; None takes a field away."""

    def make(content: bytes) -> bytes:
        about = json.loads(content)
        about["arrays"][0].update(fields)
        about["arrays"][0] = {k: v for k, v in about["arrays"][0].items() if v is not None}
        return json.dumps(about).encode()

    return text(make)


def graph_of(content: bytes, nbytes: int) -> Change:
    def change(head: dict[str, Any], tensors: dict[str, np.ndarray]) -> None:
        tensors["graph"], head["bytes"] = uint8(content), nbytes

    return change


ZEROS = zlib.compress(bytes(2**24), 9)

HOSTILE_FORMS: dict[str, Change] = {
    "no graph": lambda head, tensors: tensors.pop("graph"),
    "no arrays": lambda head, tensors: tensors.pop("arrays"),
    "a third tensor": lambda head, tensors: tensors.update(x=np.zeros(3)),
    "no size": lambda head, tensors: head.pop("bytes"),
    "a negative size": lambda head, tensors: head.update(bytes=-1),
    "a size of true": lambda head, tensors: head.update(bytes=True),
    "a size of text": lambda head, tensors: head.update(bytes="2000"),
    "a size too small": lambda head, tensors: head.update(bytes=head["bytes"] - 1),
    "a size too great": lambda head, tensors: head.update(bytes=head["bytes"] + 1),
    "an endless size": lambda head, tensors: head.update(bytes=2**70),
    "a graph of floats": lambda head, tensors: tensors.update(graph=np.ones(100)),
    "a graph of two axes": lambda head, tensors: tensors.update(
        graph=tensors["graph"].reshape(1, -1)
    ),
    "a cut stream": lambda head, tensors: tensors.update(graph=tensors["graph"][:-1]),
    "a longer stream": lambda head, tensors: tensors.update(
        graph=np.append(tensors["graph"], uint8(b"x"))
    ),
    "a damaged stream": lambda head, tensors: tensors.update(graph=tensors["graph"] ^ 1),
    "a stream with another sum": lambda head, tensors: tensors["graph"].__setitem__(-1, 77),
    "a bomb": graph_of(ZEROS, 2**24),
    "a bomb that says less": graph_of(ZEROS, 2**20),
    "no JSON": text(lambda content: content[:-1]),
    "no text": text(lambda content: b"\xff" + content),
    "a list": text(lambda content: b"[" + content + b"]"),
    # json cannot write what it cannot read.
    "nesting too deep": text(lambda content: b"[" * 40_000),
    "arrays of numbers": text(lambda content: b'{"arrays":[1]}'),
    "arrays that are no list": text(lambda content: b'{"arrays":{}}'),
    "an array without a name": entry(name=None),
    "a name of a number": entry(name=3),
    "a dtype that is none": entry(dtype="O"),
    "a dtype of a number": entry(dtype=4),
    "a dtype of text": entry(dtype="U8"),
    "another dtype": entry(dtype="f8"),
    "another shape": entry(shape=[1, 2]),
    "a shape of text": entry(shape="ab"),
    "a negative shape": entry(shape=[-1, -840]),
    "a great shape": entry(shape=[2**39, 2**39]),
    "a great shape of nothing": entry(shape=[2**39, 2**39, 0]),
    "many axes of nothing": entry(shape=[0, *[65536] * 31], bytes=0),
    "no bytes": entry(bytes=None),
    "negative bytes": entry(bytes=-1),
    "too few bytes": entry(bytes=1),
    "too many bytes": entry(bytes=10**6),
    "bytes for nobody": lambda head, tensors: tensors.update(
        arrays=np.append(tensors["arrays"], uint8(b"x"))
    ),
    "two of one name": text(
        lambda content: content.replace(b"second.weight.codes", b"first.weight.codes")
    ),
    "arrays of floats": lambda head, tensors: tensors.update(arrays=np.ones(100)),
}


@pytest.mark.parametrize("name", HOSTILE_FORMS)
def test_hostile_forms_are_refused(name: str, packed: qnn.PackedModel, path: Path) -> None:
    tensors, head = archived(*written(packed.graph))
    tensors = {key: tensor.copy() for key, tensor in tensors.items()}
    HOSTILE_FORMS[name](head, tensors)
    save_arrays(path, tensors, head)
    with pytest.raises(FileError, match=r"model\.qnn"):
        qnn.load(path)


def test_a_file_may_be_stored_without_compression(packed: qnn.PackedModel, path: Path) -> None:
    tensors, head = archived(*written(packed.graph))
    text(bytes)(head, tensors)
    assert tensors["graph"].tobytes().startswith(b"{")
    save_arrays(path, tensors, head)
    np.testing.assert_array_equal(qnn.load(path)(X), packed(X))


def test_the_header_says_what_it_is(path: Path) -> None:
    tensors, head = load_arrays(path)
    assert sorted(tensors) == ["arrays", "graph"]
    assert (head["kind"], head["version"]) == ("qnn packed model", 3)


# qnn info


def test_info_of_a_packed_model(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", str(path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("qnn packed model, version 3\ninput0: float32 [batch, 12]\n")
    assert f"bytes: {os.path.getsize(path):,}" in shown


def test_info_of_a_checkpoint(capsys: pytest.CaptureFixture[str]) -> None:
    golden = Path(__file__).parents[2] / "golden" / "checkpoint-v1.qnn"
    assert main(["info", str(golden)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("qnn checkpoint, version 1\n")
    assert "optimizer: Adam(" in shown
    assert "epochs: 2" in shown


@pytest.mark.parametrize("content", [None, b"", b"hello, this is no file", "cut", "strange"])
def test_info_of_other_files(content: Any, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if content is None:
        path.unlink()
    elif content == "strange":
        save_arrays(path, {}, {"kind": "of my own"})
    else:
        path.write_bytes(path.read_bytes()[:-1] if content == "cut" else content)
    assert main(["info", str(path)]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("qnn: ")
    assert shown.err.count("\n") == 1
    assert "model.qnn" in shown.err
