"""What shows itself in a notebook: sound HTML, escaped, without colours or scripts of its own."""

import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, nn
from qnn_core.autodiff.shown import tensor_html
from qnn_core.display import Plot, codes_picture, escape, facts, html_table, staircase
from qnn_core.qtensor import QuantizedTensor
from qnn_core.quantizer import codebook
from qnn_core.training.history import Epoch

VOID = {"img", "br", "line", "rect", "polyline", "polygon"}
X = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)


class Sound(HTMLParser):
    """Reads HTML; a tag that is not closed in its turn is an error."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(content)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def trained() -> tuple[qnn.MLP, qnn.History]:
    model = qnn.MLP([6, 5, 2], weight="symmetric:2", input="uniform:2", seed=0)
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    return model, qnn.fit(model, (X, Y), epochs=3, optimizer=optimizer, validation=(X, Y))


MODEL, HISTORY = trained()
PACKED = qnn.pack(MODEL, X[:1])
SHOWN: dict[str, Callable[[], Any]] = {
    "tensor": lambda: qnn.Tensor(X),
    "scalar": lambda: qnn.Tensor(3.0),
    "empty tensor": lambda: qnn.Tensor(np.zeros((0, 2))),
    "tensor of one value": lambda: qnn.Tensor(np.ones((4, 4))),
    "tensor with NaN": lambda: qnn.Tensor([np.nan, 1.0, np.inf]),
    "parameter": lambda: MODEL[0].weight,
    "tensor with codes": lambda: MODEL[0].weight_quantizer(MODEL[0].weight),
    "model": lambda: MODEL,
    "layer": lambda: MODEL[0],
    "float layer": lambda: nn.QuantLinear(3, 2),
    "convolution": lambda: nn.QuantConv2d(2, 3, 3, weight="binary:axis=0", input="uniform:4"),
    "many layers": lambda: qnn.Sequential(*[nn.ReLU() for _ in range(100)]),
    "quantizer of an input": lambda: MODEL[0].input_quantizer,
    "quantizer never fitted": lambda: nn.Quantize("uniform:2"),
    "history": lambda: HISTORY,
    "history of none": qnn.History,
    "summary": lambda: qnn.summary(MODEL, X[:1]),
    "packed": lambda: PACKED,
    "packed summary": PACKED.summary,
    "summary of C": lambda: PACKED.summary("c", float="tail"),
    "anatomy": lambda: qnn.anatomy(MODEL, (X, Y)),
    "allocation": lambda: qnn.allocate(MODEL, (X, Y), budget=1000, bits=(2, 32)),
    "codes": MODEL[0].coded,
    "codes of images": lambda: qnn.encode(np.zeros((2, 300, 600)), "logarithmic:3"),
    "codes of channels": lambda: qnn.encode(X, "symmetric:4,axis=0"),
    "codes of none": lambda: qnn.encode(np.zeros((0, 2)), "symmetric:2,scale=1", unit()),
}


def unit() -> qnn.QParams:
    return qnn.QParams(np.float32(1), np.float32(0))


@pytest.mark.parametrize("name", SHOWN)
def test_html_is_sound_and_takes_the_colours_around_it(name: str) -> None:
    content = SHOWN[name]()._repr_html_()
    found = Sound(content)
    assert not {"script", "style", "link"} & set(found.tags)
    assert "background:#" not in content
    assert "color:#" not in content
    assert "nan" not in content.replace("not finite", "") or "NaN" in name
    assert len(content) < 200_000


@pytest.mark.parametrize("scheme", qnn.schemes())
def test_every_scheme_shows_its_staircase(scheme: str) -> None:
    quantizer = qnn.get_quantizer(scheme)
    found = Sound(quantizer._repr_html_())
    assert found.tags.count("svg") == 2
    assert str(quantizer) in found.text
    levels = codebook(quantizer).levels
    assert f"{levels[-1]:g}" in found.text


def test_what_users_name_is_escaped() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            setattr(self, "<b>&", nn.Linear(2, 2))

    content = Net()._repr_html_()
    assert "&lt;b&gt;&amp;" in content
    assert "<b>" not in content
    assert "&lt;i&gt;" in html_table(["<i>"], [["<i>"]])
    assert "&lt;i&gt;" in facts({"<i>": "<i>"})
    assert escape('"') == "&quot;"


def test_a_model_in_a_circle_shows_itself_all_the_same() -> None:
    net = nn.Sequential(nn.Linear(2, 2))
    net.again = net
    assert "again" in net._repr_html_()


def test_parameters_are_counted_once() -> None:
    layer = nn.Linear(3, 2)
    content = nn.Sequential(layer, nn.ReLU(), layer)._repr_html_()
    assert "Sequential, 8 parameters" in content
    whole = qnn.MLP([6, 5, 2], weight="symmetric:2", input="uniform:2,scale=pact", seed=0)
    count = sum(parameter.size for parameter in whole.parameters())
    assert f"MLP, {count} parameters, in training mode" in whole._repr_html_()


def test_showing_changes_nothing() -> None:
    layer = nn.QuantLinear(4, 3, weight="symmetric:3,scale=calibrated")
    layer.weight.array[...] *= 2
    before = {name: value.copy() for name, value in layer.state_dict().items()}
    shown = layer._repr_html_()
    assert {n: v.tobytes() for n, v in layer.state_dict().items()} == {
        n: v.tobytes() for n, v in before.items()
    }
    assert shown.count("<img") == 1
    # What it shows is what the layer would compute with now.
    now = layer.weight_quantizer.coded(layer.weight.array)
    assert np.array_equal(now.codes, layer.codes())


def read_png(content: bytes) -> tuple[Any, list[int], list[int]]:
    """Return the indices of a PNG, its palette and its opacities."""
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(content):
        size, name = struct.unpack(">I4s", content[at : at + 8])
        body = content[at + 8 : at + 8 + size]
        assert zlib.crc32(name + body) == struct.unpack(">I", content[at + 8 + size :][:4])[0]
        chunks[name] = body
        at += 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:], [*chunks[b"PLTE"]], [*chunks[b"tRNS"]]


def test_codes_are_the_pixels_of_the_picture() -> None:
    codes = np.array([[0, 1, 2], [2, 2, 0]], np.uint8)
    content = codes_picture(codes, np.array([-1, 0, 1], np.float32))
    encoded = content.partition("base64,")[2].partition('"')[0]
    pixels, palette, opacity = read_png(b64decode(encoded))
    assert np.array_equal(pixels, codes)
    assert palette[:3] == [0x00, 0x72, 0xB2]
    assert palette[6:] == [0xE6, 0x9F, 0x00]
    assert opacity == [255, 0, 255]


def test_a_large_picture_is_cut_and_says_so() -> None:
    content = codes_picture(np.zeros((500, 900), np.uint8), np.array([0, 1], np.float32))
    assert "192 x 512 of 500 x 900" in content


def test_stairs_go_through_thresholds_and_levels() -> None:
    content = staircase(np.array([0, 1], np.float32), np.array([0.5], np.float32), np.ones_like)
    stairs = next(line for line in content.splitlines() if 'stroke-width="2"' in line)
    points = stairs.partition('points="')[2].partition('"')[0].split()
    # 220 x 170 pixels from (38, 8) for -0.25..1.25 both ways.
    assert points == ["38.0,149.7", "148.0,149.7", "148.0,36.3", "258.0,36.3"]


def test_a_plot_of_one_value_has_room() -> None:
    plot = Plot((1, 1), (2, 2), label="one point")
    plot.line([1], [2], Plot.BLUE)
    assert 'points="156.0,68.0"' in plot.svg()


EPOCHS = [
    Epoch(n, 1 / n, None, None, None, 0.1, 1.0, 10.0, metric=n, val_metric=n, metric_name="r2")
    for n in range(1, 41)
]


def test_a_history_prints_as_a_table() -> None:
    lines = repr(HISTORY).splitlines()
    assert lines[0].split()[:2] == ["epoch", "loss"]
    assert len(lines) == 2 + 3 + 1
    assert lines[-1] == "* best by val accuracy"
    assert f"{100 * HISTORY.epochs[0].val_accuracy:.2f}" in lines[2]
    assert repr(qnn.History()) == "History: no epoch was trained yet"
    long = repr(qnn.History(EPOCHS)).splitlines()
    assert len(long) == 2 + 5 + 1 + 12 + 1
    assert long[7].split() == ["..."]
    assert "accuracy" not in long[0]
    assert "val r2" in long[0]


def test_a_history_says_where_its_best_epoch_is_if_it_is_not_shown() -> None:
    worse = [
        Epoch(n, 1.0 if n != 10 else 0.5, None, None, None, 0.1, 1.0, 1.0) for n in range(1, 41)
    ]
    assert repr(qnn.History(worse)).endswith("* best by loss: epoch 10")


def test_summaries_print_as_tables() -> None:
    for found in (qnn.summary(MODEL, X[:1]), PACKED.summary(), PACKED.summary("c", float="tail")):
        assert repr(found) == str(found)
        assert "---" in repr(found)


def test_codes_print_as_a_line() -> None:
    assert repr(qnn.encode([-1.0, 0.0, 1.0], "symmetric:2,scale=fixed", unit())) == (
        "PackedTensor(shape=(3,), bits=2, levels -1, 0, 1, scale 1)"
    )
    carried = nn.Quantize("uniform:4,scale=0.5")(qnn.Tensor(X)).quantized
    assert repr(carried).startswith("QuantizedTensor(shape=(40, 6), bits=4, 16 levels from 0 to 15")
    assert "40 scales from" in repr(qnn.encode(X, "symmetric:4,axis=0"))


@pytest.mark.parametrize(
    "values",
    [
        [-1.7e308, 1.7e308, *range(10)],
        [1.0] * 9 + [1.0 + 2e-16],
        [0.0] * 9 + [5e-324],
        [np.nan] * 10,
        [np.inf, -np.inf, *range(10)],
    ],
)
def test_numbers_without_a_histogram_show_themselves_all_the_same(values: list[float]) -> None:
    shown = Tensor(np.array(values), dtype=np.float64)._repr_html_()
    assert f"Tensor, {len(values)}, float64" in shown


def test_large_arrays_are_measured_on_a_part_of_them() -> None:
    x = np.broadcast_to(np.float32([0, 1, 0, 1]), (10**8, 4))  # a view: of numbers there are four
    shown = tensor_html("Tensor", x, op="", trained=True, grad=x, quantized=None)
    assert "262,144 drawn of 400,000,000" in shown
    assert re.search(r"0, 1</td>.*0\.5\d*</td>.*norm about 1\.4\d+e\+04", shown, re.DOTALL)
    coded = QuantizedTensor(
        np.broadcast_to(np.uint8([0, 1, 1, 2]), (10**8, 4)), 2, np.float32([-1, 0, 1]),
        np.float32(1), np.float32(0), None,
    )  # fmt: skip # one array
    assert "3 of 3" in coded._repr_html_()
    assert "drawn of 400,000,000" in coded._repr_html_()


def test_a_layer_that_went_wrong_shows_itself_and_says_so() -> None:
    layer = nn.QuantLinear(4, 3, weight="symmetric:2", seed=0)
    layer.weight.data = np.full((3, 4), np.nan, np.float32)
    shown = layer._repr_html_()
    assert "QuantLinear" in shown
    assert "its weight has no codes: Symmetric: cannot quantize nan" in shown
