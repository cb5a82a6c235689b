"""The microscope shows what is there, counted by hand, and changes nothing."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from matplotlib.figure import Figure
from matplotlib.image import imread
from qnn_core import nn
from qnn_core.analysis.microscope.over_time import bins
from qnn_core.analysis.microscope.weights import Weights, along, changed
from qnn_core.errors import SpecError, StateError

WEIGHT = np.array([[-1.0, -0.4, -0.2, 0.0], [0.2, 0.6, 0.9, 3.0]], np.float32)
X = np.random.default_rng(0).normal(size=(60, 4)).astype(np.float32)
Y = (X[:, 0] > 0).astype(np.int64)


def layer(spec: str = "symmetric:2,scale=1", weight: Any = WEIGHT) -> nn.QuantLinear:
    """Return a layer whose weight is known; by default with thresholds at -0.5 and 0.5."""
    made = nn.QuantLinear(4, 2, weight=spec, seed=0)
    made.weight.array[...] = weight
    return made


def weights_of(made: nn.QuantLinear) -> Weights:
    assert made.weight_quantizer is not None
    return Weights.of(made.weight.array, made.weight_quantizer)


def panel(figure: Figure, title: str) -> Any:
    """Return the panel whose title begins so."""
    return next(axes for axes in figure.get_axes() if axes.get_title().startswith(title))


def net() -> qnn.MLP:
    return qnn.MLP([4, 5, 2], weight="symmetric:2", input="uniform:4", seed=0)


def test_codes_and_masks_are_counted() -> None:
    found = weights_of(layer())
    assert found.codes.tolist() == [[0, 1, 1, 1], [1, 2, 2, 2]]
    assert found.counts.tolist() == [1, 4, 3]
    assert found.masked == 1 / 8  # only 3.0 lies outside of -1..1
    assert np.allclose(found.to_next_code(), [0.5, 0.1, 0.3, 0.5, 0.3, 0.1, 0.4, 2.5])


def test_channels_are_in_units_of_their_own_scales() -> None:
    found = weights_of(layer("symmetric:2,axis=0,scale=calibrated,calibration=absmax"))
    assert np.allclose(found.u, WEIGHT / np.array([[1.0], [3.0]], np.float32))


def test_a_transformed_weight_is_in_units_of_what_is_quantized() -> None:
    found = weights_of(layer("symmetric:2,transform=tanh,scale=1"))
    assert np.allclose(found.u, np.tanh(WEIGHT) / np.tanh(3.0))


def test_what_a_step_moves_is_what_an_optimizer_moves() -> None:
    made = layer()
    gradient = np.array([[0.0, 2.0, -4.0, 0.0], [0.0, 2.0, 0.0, 9.0]], np.float32)
    before = weights_of(made)
    sizes, shares = along(before, gradient, np.array([0.0, 0.1]))
    assert shares.tolist() == [0, 2 / 8]  # -0.4 to -0.6 and 0.6 to 0.4
    assert sizes[1] == pytest.approx(0.1 * math.sqrt((4 + 16 + 4 + 81) / 8))
    made.weight.grad = qnn.Tensor(gradient)
    qnn.optim.SGD([made.weight], lr=0.1).step()
    assert changed(before, weights_of(made)) == shares[1]


def test_a_step_along_the_last_gradient_is_marked() -> None:
    made = layer()
    made.weight.grad = qnn.Tensor(np.array([[0, 2, -4, 0], [0, 2, 0, 9]], np.float32))
    axes = panel(qnn.show(made, lr=0.1), "One update")
    assert axes.get_title() == "One update, lr 0.1: 2 of 8 codes"
    most, course, mark = axes.get_lines()
    assert mark.get_ydata().tolist() == [25]
    # A step of 0.11 of the scale could bring at most -0.4 and 0.6 across.
    at = np.searchsorted(most.get_xdata(), 0.11)
    assert most.get_ydata()[at] == 25
    assert course.get_xdata() == pytest.approx(most.get_xdata(), rel=1e-3)
    assert np.all(course.get_ydata() >= 0)


def test_without_a_gradient_there_is_the_bound_alone() -> None:
    for gradient in (None, qnn.Tensor(np.zeros((2, 4), np.float32))):
        made = layer()
        made.weight.grad = gradient
        assert len(panel(qnn.show(made, lr=0.1), "One update").get_lines()) == 1


def test_a_gradient_that_is_not_finite_is_told() -> None:
    made = layer()
    made.weight.grad = qnn.Tensor(np.full((2, 4), np.inf, np.float32))
    told = panel(qnn.show(made, lr=0.1), "One update")
    assert told.get_title() == "One update: the last gradient is not finite"
    assert len(told.get_lines()) == 1


def test_what_a_layer_or_a_quantizer_cannot_use_is_refused() -> None:
    with pytest.raises(SpecError, match="data= is for a quantizer"):
        qnn.show(layer(), data=[1.0, 2.0])
    with pytest.raises(SpecError, match="lr= and history= are for a layer"):
        qnn.show("symmetric:2", lr=0.1)
    with pytest.raises(SpecError, match="lr= and history= are for a layer"):
        qnn.show("symmetric:2", history=qnn.WeightHistory(net()))


def test_panels_show_the_counts() -> None:
    figure = qnn.show(layer())
    below = [bar.get_height() for bar in panel(figure, "Weights").containers[0]]
    assert np.allclose(below, [-1 / 4, -1, -3 / 4])
    codes = panel(figure, "Codes")
    assert [bar.get_height() for bar in codes.patches] == [12.5, 50, 37.5]
    shares = np.array([1, 4, 3]) / 8
    entropy = -(shares * np.log2(shares)).sum()
    assert codes.get_title() == f"Codes: entropy {entropy:.2f} of 1.58 bits"
    assert panel(figure, "Gradient").get_title() == "Gradient: 12.5% of the weights get none"


@pytest.mark.parametrize("spec", qnn.schemes())
def test_every_scheme_can_be_shown(spec: str) -> None:
    quantizer = qnn.get_quantizer(spec)
    assert len(qnn.show(quantizer).get_axes()) == 3
    x = np.random.default_rng(0).normal(size=(30, 4))
    assert len(qnn.show(quantizer, data=np.abs(x)).get_axes()) == 4


@pytest.mark.parametrize(
    "spec", ["binary", "uniform:8", "logarithmic:4,axis=0", "symmetric:3,ste=swish"]
)
def test_layers_of_many_schemes_have_room_for_all(spec: str) -> None:
    figure = qnn.show(layer(spec))
    figure.draw_without_rendering()
    for axes in figure.get_axes():
        assert axes.get_window_extent().width > 200  # no panel has collapsed


def test_an_input_quantizer_is_shown_where_its_levels_lie() -> None:
    quantizer = nn.Quantize("uniform:2,scale=0.5")
    quantizer.train()(qnn.Tensor(np.array([[0.0, 1.5]])))
    axes = qnn.show(quantizer).get_axes()[0]
    assert axes.get_xlabel() == "x"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["0", "0.5", "1", "1.5"]
    assert qnn.show(nn.Quantize("uniform:2")).get_axes()[0].get_xlabel() == "x / scale"


def test_over_time() -> None:
    model = net()
    history = qnn.WeightHistory(model)
    first = model[0].codes()
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.5)
    qnn.fit(model, (X, Y), epochs=1, optimizer=optimizer, on_epoch=history)
    second = model[0].codes()
    taken = history.layers["layers.0"]
    assert [snapshot.epoch for snapshot in taken] == [0, 1]
    assert taken[0].changed == 0
    assert taken[1].changed == np.mean(first != second) > 0
    assert taken[1].counts.tolist() == np.bincount(second.ravel(), minlength=3).tolist()
    assert taken[1].latent.sum() == second.size
    assert taken[1].scale == pytest.approx(float(model[0].scale))
    qnn.fit(model, (X, Y), epochs=2, optimizer=optimizer, on_epoch=history)
    figure = qnn.show(model[0], history=history)
    assert len(figure.get_axes()) == 6
    line = panel(figure, "What each epoch changed").get_lines()[0]
    assert line.get_ydata()[0] == 100 * taken[1].changed


def test_snapshots_of_one_epoch_can_be_shown() -> None:
    model = net()
    assert len(qnn.show(model[0], history=qnn.WeightHistory(model)).get_axes()) == 6


def test_bins_reach_beyond_the_levels() -> None:
    edges = bins(np.array([-1, 0, 1], np.float32))
    assert (edges[0], edges[-1]) == (-2, 2)


def test_showing_changes_nothing_and_training_goes_on_as_without() -> None:
    def trained(watched: bool) -> dict[str, bytes]:
        model = qnn.MLP([4, 5, 2], weight="symmetric:2,scale=calibrated", input="uniform:4", seed=0)
        history = qnn.WeightHistory(model)

        def look(epoch: Any) -> None:
            history(epoch)
            qnn.show(model[0], history=history, lr=0.1)

        qnn.fit(
            model, (X, Y), epochs=3, optimizer=qnn.optim.SGD(model.parameters(), lr=0.5),
            on_epoch=look if watched else None,
        )  # fmt: skip # one call
        return {name: value.tobytes() for name, value in model.state_dict().items()}

    assert trained(True) == trained(False)


def test_paths_and_axes(tmp_path: Path) -> None:
    assert qnn.show(layer(), tmp_path / "layer.png") == tmp_path / "layer.png"
    assert imread(tmp_path / "layer.png").shape[2] == 4
    with pytest.raises(SpecError, match=r"show: .* needs a suffix"):
        qnn.show(layer(), tmp_path / "layer")
    mine = Figure()
    assert qnn.show(layer(), ax=mine.subplots()) is mine
    assert len(mine.get_axes()) == 5


@pytest.mark.parametrize(
    ("what", "error", "message"),
    [
        (net(), TypeError, r"got the MLP; its quantized layers are layers\.0$"),
        (nn.ReLU(), TypeError, "got the ReLU, which has no such"),
        (3, TypeError, "a layer with a quantized weight, a quantizer or its spec .* got int"),
        (nn.QuantLinear(2, 2), StateError, "QuantLinear is float: it has no codes"),
        ("symetric:2", SpecError, "did you mean 'symmetric'"),
    ],
    ids=["model", "no weight", "number", "float weight", "misspelt"],
)
def test_what_cannot_be_shown_is_refused(what: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        qnn.show(what)


def test_histories_are_of_models_with_quantized_weights_and_their_own_layers() -> None:
    with pytest.raises(StateError, match="no layer of this MLP has a quantized weight"):
        qnn.WeightHistory(qnn.MLP([2, 2]))
    with pytest.raises(StateError, match=r"no layer of the watched model, .* layers\.0$"):
        qnn.show(layer(), history=qnn.WeightHistory(net()))


def test_without_matplotlib_it_says_what_to_install() -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None\nimport qnn_core as qnn\nqnn.show('binary')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == (
        "ImportError: show: a figure needs matplotlib: pip install matplotlib"
    )


@pytest.mark.parametrize(("spec", "marked"), [("binary", 2), ("symmetric:4", 8), ("uniform:4", 8)])
def test_levels_of_a_staircase_are_named_where_there_is_room(spec: str, marked: int) -> None:
    axes = qnn.show(spec).axes[0]
    assert len(axes.get_yticks()) == marked
    assert axes.get_title().endswith("1 threshold" if spec == "binary" else "thresholds")


def test_data_are_drawn_in_units_of_the_scale_from_the_shift_if_there_is_one() -> None:
    units = {"uniform:4": "(data - shift) / scale", "symmetric:4": "data / scale"}
    for spec, unit in units.items():
        figure = qnn.show(spec, data=X - 1)
        assert panel(figure, "Data").get_xlabel().startswith(f"{unit} (scale ")
        assert panel(figure, "Gradient").get_xlabel() == unit
