"""Layers that stay float are listed with their reasons, whoever left them so."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Parameter, Tensor, nn
from qnn_core.errors import SpecError

X = np.random.default_rng(0).normal(size=(20, 6)).astype(np.float32)
FIRST = "the first layer: first_weight and first_input are None"
LAST = "the last layer: last_weight and last_input are None"
INNER = "weight and input are None"
TWO: dict[str, Any] = {"weight": "symmetric:2", "input": "uniform:4"}

MODELS: dict[str, Any] = {
    "MLP": lambda **given: qnn.MLP([6, 8, 8, 3], **given),
    "Autoencoder": lambda **given: qnn.Autoencoder([6, 8, 2], **given),
    "LeNet": qnn.LeNet,
    "VGGSmall": lambda **given: qnn.VGGSmall((8, 8, 1), width=4, **given),
    "ResNet": lambda **given: qnn.ResNet((8, 8, 3), blocks=1, **given),
    "DSCNN": lambda **given: qnn.DSCNN((20, 8, 1), channels=4, blocks=1, **given),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_model_says_what_it_left_float(name: str) -> None:
    build = MODELS[name]
    ends = list(nn.surgery.layers(build(seed=0)))
    first = {} if name in ("MLP", "Autoencoder") else {ends[0]: FIRST}
    assert qnn.skipped(build(**TWO, seed=0)) == first | {ends[-1]: LAST}
    eight = dict.fromkeys(("first_weight", "last_weight"), "symmetric:8")
    whole = build(**TWO, **eight, first_input="uniform:8", seed=0)
    assert qnn.skipped(whole) == {}
    # All of a float net, in the order of the model.
    found = qnn.skipped(build(seed=0))
    assert list(found) == ends
    assert [*found.values()] == [FIRST, *[INNER] * (len(ends) - 2), LAST]


def test_quantize_says_why_it_left_a_layer() -> None:
    model = qnn.MLP([6, 8, 8, 8, 3], seed=0)
    rules = {"layers.2": None, "layers.[24]": None}
    made = qnn.quantize(model, **TWO, calibration=X, first_weight=None, first_input=None,
                        layers={"layers.2": None})  # fmt: skip # one call
    assert qnn.skipped(made) == {
        "layers.0": FIRST, "layers.2": "the rule 'layers.2' is None", "layers.6": LAST,
    }  # fmt: skip # a line is enough
    # Of several rules the last one counts, and a rule before an argument.
    made = qnn.quantize(model, **TWO, calibration=X, layers=rules | {"*.6": None})
    assert qnn.skipped(made) == {
        "layers.2": "the rule 'layers.[24]' is None",
        "layers.4": "the rule 'layers.[24]' is None",
        "layers.6": "the rule '*.6' is None",
    }
    inner = qnn.quantize(model, last_weight="binary")
    assert qnn.skipped(inner) == {"layers.0": FIRST, "layers.2": INNER, "layers.4": INNER}


def test_rules_say_which_one_it_was_and_no_more_once_it_is_quantized() -> None:
    model = qnn.MLP([6, 8, 8, 3], **TWO, seed=0)
    plain = qnn.apply_rules(model, {"*": None, "layers.0": "binary"})
    assert qnn.skipped(plain) == {
        "layers.2": "the rule '*' is None", "layers.4": "the rule '*' is None",
    }  # fmt: skip # a line is enough
    assert qnn.skipped(model) == {"layers.4": LAST}  # it stays as it was
    assert qnn.skipped(qnn.apply_rules(plain, {"*": "symmetric:8"})) == {}
    state = plain.state_dict()
    assert not any("float" in name for name in state)


class Own(nn.Linear):
    """A layer of one's own."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 2


class Gate(nn.Module):
    """A module that multiplies by a weight of its own."""

    def __init__(self) -> None:
        self.rows = [Parameter(np.eye(6, dtype=np.float32))]
        self.bias = Parameter(np.zeros(6, np.float32))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.rows[0] + self.bias


class Quantizing(Gate):
    """The same with a quantizer."""

    def __init__(self) -> None:
        super().__init__()
        self.quantizer = nn.QuantizeWeight("symmetric:4", self.rows[0])

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.quantizer(self.rows[0])


class Mixed(nn.Module):
    """Whatever can be float."""

    def __init__(self) -> None:
        self.gate, self.own, self.quantizing = Gate(), Own(6, 6, seed=0), Quantizing()
        self.norm, self.plain = nn.BatchNorm(6), nn.Linear(6, 6, seed=1)
        self.none, self.half = nn.QuantLinear(6, 6), nn.QuantLinear(6, 6, weight="binary", seed=2)
        self.tied = nn.Linear(6, 6)
        self.tied.weight = self.half.weight

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm(self.quantizing(self.own(self.gate(x))))
        return self.tied(self.half(self.none(self.plain(x))))


REASONS = {
    "gate": "Gate holds weights of its own, and no quantizer that qnn knows",
    "own": "its forward is Own's own: nobody else can quantize it",
    "plain": "built without quantizers",
    "none": "built without quantizers",
    "tied": "built without quantizers; half, which has the same weight, is not",
}


def test_what_is_ones_own_is_listed_too() -> None:
    assert qnn.skipped(Mixed()) == REASONS
    with pytest.raises(SpecError, match=r"skipped: the model must be a qnn_core\.nn\.Module"):
        qnn.skipped(np.zeros(3))  # type: ignore[arg-type] # on purpose


def test_the_summary_lists_them_if_others_are_quantized() -> None:
    model = Mixed()
    model(X)
    found = qnn.summary(model, X)
    assert found.skipped == REASONS
    assert f"\nleft float: plain, none ({REASONS['plain']})\n" in str(found)
    assert f"\nleft float: gate ({REASONS['gate']})\n" in str(found)
    # Nobody asks why, where all is float, or nothing.
    assert "left float" not in str(qnn.summary(qnn.MLP([6, 3]), X))
    whole = qnn.MLP([6, 3], last_weight="binary", last_input="uniform:2")
    assert "left float" not in str(qnn.summary(whole, X))


@pytest.mark.parametrize("pattern", ["layer.0", "layers.1", "layers.9*"])
def test_a_pattern_without_a_layer_is_refused_with_the_nearest_path(pattern: str) -> None:
    model = qnn.MLP([6, 8, 3], seed=0)
    told = rf"no layer is called '{pattern.replace('*', chr(92) + '*')}'; did you mean 'layers\."
    with pytest.raises(SpecError, match=told):
        qnn.apply_rules(model, {pattern: None})
    with pytest.raises(SpecError, match=told):
        qnn.quantize(model, weight="binary", layers={pattern: None})
