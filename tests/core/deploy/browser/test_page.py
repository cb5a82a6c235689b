"""Pages as files: what they hold, what they take, and what is refused by name."""

import base64
import json
import re
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from live_nets import OfOne, data, packed, wholes
from qnn_core import nn, ops
from qnn_core.deploy.browser import lower
from qnn_core.deploy.browser.probes import drawn_bytes
from qnn_core.deploy.graph.operations import OPERATIONS
from qnn_core.errors import (
    DtypeError,
    ExportError,
    FileError,
    NonFiniteError,
    ShapeError,
    SpecError,
)


def mlp(*sizes: int, bits: int = 2) -> qnn.PackedModel:
    model = qnn.MLP(list(sizes), weight=f"symmetric:{bits}", input="uniform:4", seed=0)
    return packed(model, data(4, sizes[0]))


@pytest.fixture(scope="module")
def digits() -> dict[str, qnn.PackedModel]:
    return {"2 bits": mlp(784, 16, 10), "4 bits": mlp(784, 16, 10, bits=4)}


def content(page: Path) -> dict[str, Any]:
    found = re.search(r'id="content">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found is not None
    read: dict[str, Any] = json.loads(found[1])
    return read


def array(page: Path, kept: dict[str, Any]) -> np.ndarray:
    found = re.search(r'id="arrays">(.*?)</script>', page.read_text(encoding="utf-8"))
    assert found is not None
    raw = zlib.decompress(base64.b64decode(found[1]))
    return np.frombuffer(raw, "<f4", kept["length"], kept["at"])


def test_a_page_is_one_file_that_asks_for_nothing(
    digits: dict[str, qnn.PackedModel], tmp_path: Path
) -> None:
    made = qnn.page(digits, tmp_path / "digits.html", title="1 < 2 bits")
    text = made.path.read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.iterdir()] == ["digits.html"]
    assert made.nbytes == made.path.stat().st_size
    assert "<h1>1 &lt; 2 bits</h1>" in text
    assert "default-src 'none'" in text
    assert not re.search(r"https?://|src=[\"']|@import|url\(", text)
    assert re.findall(r"<script\b[^>]*>", text)[-1] == "<script>"
    assert str(made).startswith(f"{made.path}: 2 nets, {made.nbytes:,} bytes")


def test_what_is_not_the_nets_is_below_64_kilobytes(
    digits: dict[str, qnn.PackedModel], tmp_path: Path
) -> None:
    made = qnn.page(digits, tmp_path / "digits.html")
    nets = sum(net.nbytes for net in digits.values())
    assert made.nbytes < 64_000 + 4 / 3 * nets


def test_the_same_nets_give_the_same_page(
    digits: dict[str, qnn.PackedModel], tmp_path: Path
) -> None:
    files = [qnn.page(digits, tmp_path / f"{n}.html").path.read_bytes() for n in (1, 2)]
    assert files[0] == files[1]


def test_it_holds_what_python_answers(digits: dict[str, qnn.PackedModel], tmp_path: Path) -> None:
    page = qnn.page(digits, tmp_path / "digits.html", transform=np.float32).path
    x = drawn_bytes(8 * 784).reshape(8, 784).astype(np.float32)
    for net in content(page)["nets"]:
        answers = array(page, net["expected"][0]).reshape(8, 10)
        np.testing.assert_array_equal(answers, digits[net["name"]](x))


def test_files_are_called_by_their_names(
    digits: dict[str, qnn.PackedModel], tmp_path: Path
) -> None:
    files = [tmp_path / f"{name}.qnn" for name in digits]
    for file, net in zip(files, digits.values(), strict=True):
        net.save(file)
    made = qnn.page(files, tmp_path / "digits.html")
    assert made.nets == ("2 bits", "4 bits")
    assert qnn.page([digits["2 bits"], *files], tmp_path / "other.html").nets[0] == "net 1"
    assert qnn.page(str(files[0]), tmp_path / "one.html").nets == ("2 bits",)
    assert digits["2 bits"].page(tmp_path / "own.html").nets == ("the net",)
    with pytest.raises(SpecError, match="several nets are called 2 bits"):
        qnn.page([files[0], files[0]], tmp_path / "twice.html")
    with pytest.raises(SpecError, match="several nets are called 1"):
        qnn.page({1: files[0], "1": files[1]}, tmp_path / "twice.html")  # type: ignore[dict-item] # names that are none
    with pytest.raises(SpecError, match="files of them, are needed, got NoneType"):
        qnn.page(None, tmp_path / "none.html")  # type: ignore[arg-type] # wrong
    with pytest.raises(SpecError, match=r"packed models, or files of them.*qnn\.pack"):
        qnn.page({"a": nn.Linear(3, 2)}, tmp_path / "none.html")  # type: ignore[dict-item] # wrong


def test_the_kind_of_input_follows_from_the_shape(tmp_path: Path) -> None:
    def kind(net: qnn.PackedModel, **how: Any) -> tuple[str, list[int]]:
        given = content(net.page(tmp_path / "net.html", **how).path)["input"]
        return given["kind"], given["shape"]

    assert kind(mlp(784, 10)) == ("drawing", [28, 28])
    assert kind(mlp(64, 10)) == ("numbers", [64])
    assert kind(mlp(64, 10), input="drawing") == ("drawing", [8, 8])
    assert kind(packed(*wholes()["signal"]())) == ("signal", [20, 2])
    assert kind(packed(*wholes()["depthwise"]())) == ("drawing", [12, 12])
    assert kind(packed(*wholes()["resnet"]())) == ("numbers", [12, 12, 3])
    assert kind(mlp(784, 10), input="numbers") == ("numbers", [784])


def test_a_transform_is_what_export_c_takes(
    digits: dict[str, qnn.PackedModel], tmp_path: Path
) -> None:
    pixels = np.arange(256, dtype=np.float32) / np.float32(255)
    usual = (pixels - np.float32(0.1307)) * (np.float32(1) / np.float32(0.3081))
    for transform, wanted in [
        (None, usual),
        ((0.1307, 0.3081), usual),
        (lambda raw: raw / np.float32(255), pixels),
        (np.float32, np.arange(256)),
    ]:
        page = qnn.page(digits, tmp_path / "digits.html", transform=transform).path
        np.testing.assert_array_equal(array(page, content(page)["input"]["pixels"]), wanted)
    made = qnn.page(digits, tmp_path / "digits.html")
    assert "MNIST's usual normalization" in made.notes[0]


REFUSED: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"input": "picture"}, SpecError, "drawing, signal, numbers, got 'picture'"),
    ({"input": "signal"}, ShapeError, r"a signal is \[length, channels\]; the nets take \(784,\)"),
    ({"input": "numbers", "transform": np.float32}, SpecError, "a function is a transform of draw"),
    ({"input": "numbers", "transform": (0, 0)}, SpecError, "an std > 0"),
    ({"input": "numbers", "transform": ([1, 2], 1)}, SpecError, r"shape \(784,\)"),
    ({"transform": (0, -1)}, SpecError, "page: transform must be a finite mean and an std > 0"),
    (
        {"transform": lambda raw: raw - raw.mean()},
        SpecError,
        "page: transform does not act on each",
    ),
    ({"samples": np.zeros((3, 28, 27), np.uint8)}, ShapeError, r"\[n, 28, 28\] are needed"),
    ({"samples": np.zeros((3, 784))}, DtypeError, "uint8 from 0 to 255, got float64"),
    ({"input": "numbers", "samples": np.full((1, 784), np.nan)}, NonFiniteError, "finite"),
    ({"samples": np.zeros((0, 784), np.uint8)}, ShapeError, r"are needed, got \(0, 784\)"),
    (
        {"input": "numbers", "samples": np.full((1, 784), 1e39)},
        NonFiniteError,
        "finite as float32",
    ),
    ({"transform": (np.zeros(784), 1)}, SpecError, "one mean and one std .* got 784 of them"),
    ({"transform": (0, 1e-45)}, SpecError, "an std > 0, not subnormal, got"),
    ({"input": "numbers", "transform": (0, 1e-45)}, SpecError, "an std > 0, not subnormal"),
    ({"classes": ["a", "b"]}, SpecError, "10 names of classes are needed, got 2"),
    ({"task": "scores"}, SpecError, "classes, binary, regression, got 'scores'"),
    ({"task": "binary"}, ShapeError, "for one logit; the nets give 10 numbers"),
]


@pytest.mark.parametrize(("how", "error", "told"), REFUSED)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    digits: dict[str, qnn.PackedModel],
    how: dict[str, Any],
    error: type[Exception],
    told: str,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=told):
        qnn.page(digits, tmp_path / "digits.html", **how)
    assert not [*tmp_path.iterdir()]


def test_nets_of_one_page_take_and_give_the_same(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    with pytest.raises(ShapeError, match=r"these take a \(8,\), b \(9,\)"):
        qnn.page({"a": mlp(8, 3), "b": mlp(9, 3)}, page)
    with pytest.raises(ShapeError, match="these give a 3, b 4"):
        qnn.page({"a": mlp(8, 3), "b": mlp(8, 4)}, page)
    with pytest.raises(ShapeError, match="task='binary'"):
        mlp(8, 1).page(page, task="classes")
    with pytest.raises(SpecError, match="at least one net"):
        qnn.page([], page)
    with pytest.raises(SpecError, match=r"must end in \.html"):
        mlp(8, 3).page(tmp_path / "page.txt")
    (tmp_path / "no.qnn").write_text("none")
    with pytest.raises(FileError):
        qnn.page(tmp_path / "no.qnn", page)


def image_net(*shape: int) -> qnn.PackedModel:
    how = {"weight": "symmetric:2", "input": "uniform:4", "seed": 0}
    return packed(
        nn.Sequential(nn.QuantConv2d(1, 3, 3, **how), nn.GlobalAvgPool2d()), data(2, *shape)
    )


def test_images_of_one_size_and_two_shapes_are_refused(tmp_path: Path) -> None:
    nets = {"a": image_net(8, 8, 1), "b": image_net(4, 16, 1)}
    with pytest.raises(ShapeError, match=r"the same images; these take a \(8, 8, 1\), b \(4, 16"):
        qnn.page(nets, tmp_path / "page.html")
    assert qnn.page(nets, tmp_path / "page.html", input="numbers").nets == ("a", "b")


def test_several_rows_of_scores_are_numbers_and_no_class(tmp_path: Path) -> None:
    net = packed(nn.QuantLinear(3, 4, weight="symmetric:2", input="uniform:4"), data(2, 5, 3))
    with pytest.raises(ShapeError, match=r"the net gives \(5, 4\); task='regression' shows"):
        net.page(tmp_path / "page.html")
    assert net.page(tmp_path / "page.html", task="regression").nets == ("the net",)


def test_names_of_all_kinds_are_text(tmp_path: Path) -> None:
    name = "</script><b>&amp;\"'$title\udc80"
    made = qnn.page({name: mlp(8, 3)}, tmp_path / "page.html", title=name)
    text = made.path.read_text(encoding="utf-8")
    assert content(made.path)["nets"][0]["name"] == name
    assert "<b>" not in text
    assert text.count("</script>") == 3


def test_every_operation_has_a_form_or_is_refused_with_what_to_do() -> None:
    moving = {name for name, operation in OPERATIONS.items() if operation.moves}
    known = {*lower.FORMS, *lower.WITHOUT_FORM, *moving}
    # Packing leaves none whose statistics are constant.
    assert {*OPERATIONS} - known == {"batch_norm"}
    assert not {*lower.FORMS} & {*lower.WITHOUT_FORM}


@pytest.mark.parametrize(
    ("name", "act", "told"),
    [
        ("exp", ops.exp, "last bits are NumPy's"),
        ("mean", lambda x: ops.mean(x, axis=1, keepdims=True), "GlobalAvgPool2d have one order"),
        ("softmax", lambda x: ops.softmax(x) * 2, "inside of a net"),
        ("matmul", lambda x: ops.matmul(x[:, None], x[:, :, None]), "be a layer's weight"),
    ],
)
def test_what_has_no_form_is_refused_by_name(
    name: str, act: Any, told: str, tmp_path: Path
) -> None:
    net = packed(nn.Sequential(nn.Linear(6, 4, seed=0), OfOne(act)), data(3, 6))
    with pytest.raises(ExportError, match=rf"page: odd: .*\({name} in .*{told}"):
        qnn.page({"odd": net}, tmp_path / "odd.html")
    assert not [*tmp_path.iterdir()]


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    net = qnn.pack(lambda a, b: a + b, (data(2, 3), data(2, 3)))
    with pytest.raises(
        ExportError, match=r"one input is needed, this one has input0 \(3,\), input1"
    ):
        net.page(tmp_path / "two.html")


def test_the_end_that_keeps_the_order_is_left_out_and_named(tmp_path: Path) -> None:
    made = packed(*wholes()["softmax"]()).page(tmp_path / "net.html")
    assert made.notes == (
        "the net: the page ends before softmax, which keeps the order of the scores",
    )
