"""Error anatomy: the split of the error, the use of the codes, and what quantizers cost."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread
from qnn_core import Tensor, nn, ops
from qnn_core.analysis.error_analysis import Errors
from qnn_core.analysis.error_analysis.errors_of import errors_of
from qnn_core.errors import NonFiniteError, ShapeError, SpecError, StateError
from qnn_core.nn.surgery import Float, exchange, quantizers
from qnn_core.qtensor import QuantizedTensor

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)
SPECS = ["symmetric:2", "symmetric:3,axis=0", "uniform:3", "uniform:2,axis=0", "binary"]


def trained(**specs: Any) -> nn.Module:
    model = qnn.MLP([6, 16, 8, 2], batch_norm=True, seed=0, **specs)
    optimizer = qnn.optim.Adam(model.parameters(), lr=0.02)
    qnn.fit(model, [(X, Y)], epochs=30, optimizer=optimizer)
    return model


def quantized(bits: int = 2) -> nn.Module:
    return qnn.quantize(
        trained(), weight=f"symmetric:{bits}", input=f"uniform:{bits}", calibration=X
    )


def test_a_case_by_hand() -> None:
    # Levels at -0.5, 0, 0.5. 0.2 -> 0 and 0.4 -> 0.5 are inside; 1.5 and -2 are cut to the ends.
    model = nn.Sequential(nn.Quantize("symmetric:2,scale=0.5"))
    x = np.array([[0.2, 0.4, 1.5, -2.0, 0.5, -0.5]], np.float32)
    (row,) = qnn.anatomy(model, x).rows
    assert (row.layer, row.kind, str(row.quantizer)) == (
        "layers.0",
        "input",
        "Symmetric(bits=2, scale=0.5)",
    )
    assert row.rounding == pytest.approx(0.2**2 + 0.1**2)
    assert row.clipping == pytest.approx(1.0**2 + 1.5**2)
    assert row.signal == pytest.approx(0.2**2 + 0.4**2 + 1.5**2 + 2.0**2 + 0.5**2 + 0.5**2)
    np.testing.assert_array_equal(row.counts, [2, 1, 3])
    assert row.elements == 6
    assert row.outside == 2
    assert row.saturated == pytest.approx(1 / 3)
    assert row.unused == 0
    entropy = -(1 / 3 * math.log2(1 / 3) + 1 / 6 * math.log2(1 / 6) + 1 / 2 * math.log2(1 / 2))
    assert row.entropy == pytest.approx(entropy)
    assert row.sqnr == pytest.approx(10 * math.log10(row.signal / 3.3))
    assert row.alone is None
    assert row.among is None


def test_what_is_unused_and_what_is_exact() -> None:
    levels = np.arange(4, dtype=np.float32)
    qparams = np.float32(1), np.float32(0)
    exact = errors_of(
        levels[:2], levels[:2], QuantizedTensor(np.uint8([0, 1]), 2, levels, *qparams, None)
    )
    assert (exact.total, exact.sqnr, exact.unused, exact.entropy) == (0, math.inf, 2, 1)
    one = Errors(counts=np.array([3, 0]), signal=0.0, rounding=1.0, clipping=0.0, outside=0)
    assert (one.sqnr, one.unused, one.entropy) == (-math.inf, 1, 0)


@given(
    spec=st.sampled_from(SPECS),
    seed=st.integers(0, 1000),
    scale=st.floats(0.01, 100),
    calibration=st.sampled_from(["absmax", "absmean", "mse"]),
)
def test_rounding_and_clipping_sum_to_the_whole(
    spec: str, seed: int, scale: float, calibration: str
) -> None:
    weight = (np.random.default_rng(seed).normal(size=(5, 7)) * scale).astype(np.float32)
    quantizer = qnn.get_quantizer(spec, calibration=calibration)
    coded = qnn.encode(weight, quantizer)
    parts = (coded.codes, coded.bits, coded.levels, coded.scale, coded.shift, coded.axis)
    found = errors_of(weight, coded.decode(), QuantizedTensor(*parts))
    difference = coded.decode().astype(np.float64) - weight
    assert found.total == pytest.approx(np.sum(difference**2), rel=1e-12)
    # The half distance of two levels bounds what rounding can do; nothing inside errs by more.
    widest = float(coded.scale.max() * np.diff(coded.levels).max()) / 2
    assert found.rounding <= weight.size * widest**2 * (1 + 1e-5)
    ends = np.array([coded.levels[0], coded.levels[-1]])[:, None]
    low, high = ends * np.atleast_1d(coded.scale) + np.atleast_1d(coded.shift)
    outside = (weight < low[:, None]) | (weight > high[:, None])
    assert found.outside == np.count_nonzero(outside)
    assert found.clipping == pytest.approx(np.sum(difference[outside] ** 2), rel=1e-12)
    assert 0 <= found.entropy <= math.log2(coded.levels.size) + 1e-12


def test_there_is_a_row_for_each_quantizer_that_runs_and_none_for_what_is_float() -> None:
    model = trained(weight="symmetric:2", last_input="uniform:3")
    rows = qnn.anatomy(model, (X, Y)).rows
    found = [(row.layer, row.kind, row.quantizer.bits, row.elements) for row in rows]
    assert found == [
        ("layers.0", "weight", 2, 96),
        ("layers.3", "weight", 2, 128),
        ("layers.6", "input", 3, 50 * 8),
    ]


def test_costs_are_those_of_models_made_by_hand() -> None:
    model = quantized()
    found = qnn.anatomy(model, [(X[:20], Y[:20]), (X[20:], Y[20:])])
    places = list(quantizers(model))
    assert len(found.rows) == len(places) == 4

    def result(as_float: list[str]) -> Any:
        made = exchange(model, dict.fromkeys(as_float))
        return qnn.evaluate(made, [(X[:20], Y[:20]), (X[20:], Y[20:])])

    assert found.result == qnn.evaluate(model, [(X[:20], Y[:20]), (X[20:], Y[20:])]) == result([])
    assert found.float_result == result(places)
    for row in found.rows:
        place = f"{row.layer}.{row.kind}_quantizer"
        alone, without = result([p for p in places if p != place]), result([place])
        assert row.alone is not None
        assert row.among is not None
        assert row.alone.loss == alone.loss - found.float_result.loss
        assert row.alone.accuracy == found.float_result.accuracy - alone.accuracy
        assert row.among.loss == found.result.loss - without.loss
        assert row.among.accuracy == without.accuracy - found.result.accuracy


def test_nothing_of_the_model_changes_and_the_answer_is_the_same_again() -> None:
    model = quantized().train()
    calibrated = "uniform:2,scale=calibrated"
    model.layers[0].weight_quantizer = nn.QuantizeWeight(calibrated, model.layers[0].weight)
    model.layers[0].weight.data[:] *= 3  # the qparams in its buffer is of other weights
    before = model.state_dict()
    first, second = (str(qnn.anatomy(model, (X, Y))) for _ in range(2))
    assert first == second
    assert all(module.training for _, module in model.named_modules())
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@settings(max_examples=15)
@given(cuts=st.sets(st.integers(1, 49)))
def test_it_does_not_matter_how_the_data_are_divided(cuts: set[int]) -> None:
    model = quantized()
    whole = qnn.anatomy(model, X).rows
    divided = qnn.anatomy(model, np.split(X, sorted(cuts))).rows
    for one, other in zip(whole, divided, strict=True):
        np.testing.assert_array_equal(one.counts, other.counts)
        assert one.outside == other.outside
        assert other.rounding == pytest.approx(one.rounding, rel=1e-12)
        assert other.clipping == pytest.approx(one.clipping, rel=1e-12, abs=1e-15)


class Anything(nn.Module):
    """Quantizers of the user's own, one that is no module, and a layer that runs twice."""

    def __init__(self) -> None:
        self.layer = qnn.QuantLinear(6, 6, weight="symmetric:3", input="symmetric:4", seed=0)
        self.mine = {"act": nn.Quantize("uniform:2")}
        self.head = qnn.Parameter(np.ones((2, 6)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.mine["act"](self.layer(self.layer(x)))
        return ops.linear(x, ops.fake_quantize(self.head, 0.4, quantizer="symmetric:2"))


def test_any_forward_will_do() -> None:
    model = Anything()
    model(X)
    rows = qnn.anatomy(model, (X, Y)).rows
    found = [(row.layer, row.kind, row.elements, row.alone is None) for row in rows]
    assert found == [
        ("layer", "weight", 36, False),
        ("layer", "input", 2 * 300, False),
        ("mine.act", "input", 300, False),
        ("", "weight", 12, True),
    ]


def test_convolutions() -> None:
    images = RNG.random((4, 28, 28, 1)).astype(np.float32)
    model = qnn.ResNet(weight="symmetric:2,axis=0", input="uniform:2", seed=0)
    model(images)
    rows = qnn.anatomy(model, images).rows
    assert {row.layer for row in rows} >= {"layers.4.first", "layers.5.shortcut.layers.0"}
    assert len(rows) == len(quantizers(model))
    for row in rows:
        assert row.elements > 0
        assert row.sqnr > 0


@pytest.mark.parametrize(
    ("model", "data", "error", "message"),
    [
        (lambda: qnn.MLP([6, 2], seed=0), X, SpecError, "nothing is quantized in this MLP"),
        (lambda: qnn.MLP([6, 3, 2], input="uniform:2"), X, StateError, "never fitted to data"),
        (quantized, [], ShapeError, "no batch"),
        (quantized, None, ShapeError, "data must be an array of inputs, .* got a NoneType"),
        (lambda: "mlp", X, SpecError, r"anatomy: the model must be a .*Module, got 'mlp'"),
        (quantized, [(X, Y), X], ShapeError, "1 of 2 batches have no targets"),
        (quantized, (X, Y[:3]), ShapeError, "as many of both are needed"),
        (quantized, X * np.inf, NonFiniteError, "anatomy: batch 0 holds"),
    ],
)
def test_what_cannot_be_done_is_refused(
    model: Callable[[], nn.Module], data: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        qnn.anatomy(model(), data)


def test_tables_have_a_line_for_each_row_in_every_style() -> None:
    found = qnn.anatomy(quantized(), (X, Y))
    text = found.table().splitlines()
    assert len(text) == 3 + 4
    assert text[3].split()[:3] == ["layers.0", "weight", "2"]
    assert str(found).splitlines()[-1].startswith("all float: loss ")
    markdown = found.table("markdown").splitlines()
    assert {line.count("|") for line in markdown} == {14}
    assert found._repr_html_().count("<tr") == 5
    assert repr(found) == str(found)
    errors_only = qnn.anatomy(quantized(), X)
    assert "loss" not in str(errors_only)
    with pytest.raises(
        SpecError, match="text, markdown, csv, latex, html, got 'txt'; did you mean 'text'"
    ):
        found.table("txt")


def test_targets_that_are_no_labels_have_losses_only() -> None:
    def squared(outputs: Tensor, targets: Any) -> Tensor:
        return ((outputs - targets) ** 2).mean()

    model = quantized()
    found = qnn.anatomy(model, (X, model(X).data), loss=squared)
    assert found.result is not None
    assert found.result.loss == 0
    assert "points" not in found.table()
    assert all(row.alone is not None and row.alone.accuracy is None for row in found.rows)


@pytest.mark.parametrize("data", [(X, Y), X], ids=["with costs", "without"])
@pytest.mark.parametrize("bits", [2, 8])
def test_the_figure_is_a_picture(data: Any, bits: int, tmp_path: Path) -> None:
    found = qnn.anatomy(quantized(bits), data)
    path = found.plot(tmp_path / "anatomy.png")
    picture = imread(path)
    assert picture.ndim == 3
    assert picture[..., :3].min() < 0.1
    assert picture[..., :3].max() > 0.9
    assert found.plot(tmp_path / "anatomy.svg").read_text(encoding="utf-8").count("<path") > 10
    with pytest.raises(SpecError, match=r"anatomy.doc needs a suffix .*\.png"):
        found.plot(tmp_path / "anatomy.doc")


def test_a_figure_of_what_has_no_error(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Quantize("symmetric:2,scale=1"))
    for name, value in (("exact", 1.0), ("zero", 0.0)):
        found = qnn.anatomy(model, np.full((2, 2), value))
        assert [row.total for row in found.rows] == [0]
        picture = imread(found.plot(tmp_path / f"{name}.png"))
        assert picture[..., :3].min() < 0.1
        assert picture[..., :3].max() > 0.9


def test_who_draws_nothing_needs_no_matplotlib(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(
        "import sys\n"
        "sys.modules['matplotlib'] = sys.modules['matplotlib.figure'] = None\n"
        "import numpy as np, qnn_core as qnn\n"
        "found = qnn.anatomy(qnn.nn.Quantize('symmetric:2,scale=1'), np.ones((2, 2)))\n"
        "print(found)\n"
        "try:\n"
        "    found.plot('figure.png')\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "plot: a figure needs matplotlib: pip install matplotlib"


def test_float_in_place_of_a_quantizer_passes_on_what_it_gets() -> None:
    x = Tensor(X)
    assert Float()(x) is x
