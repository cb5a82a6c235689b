"""Nets at the edge of what is provable: the C is right on inputs aimed at it, or is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from exported_c import MEAN, STD, compiled, export, packed, pixels, run, transform
from packed_models import fitted
from qnn_core import nn, ops
from qnn_core.deploy.c.lower.decision import decide
from qnn_core.deploy.c.lower.expression import Expression, Source
from qnn_core.deploy.c.lower.join import plane
from qnn_core.deploy.graph import Node
from qnn_core.errors import ExportError, SpecError

HOW: dict[str, Any] = {"weight": "symmetric:4", "input": "uniform:4"}


class Heads(nn.Module):
    """Two quantizers of one scheme on one value, with scales of their own."""

    def __init__(self, spec: str = "uniform:4,scale=learned") -> None:
        self.first = nn.QuantLinear(12, 9, seed=0, **HOW)
        self.a, self.b = (
            nn.QuantLinear(9, 3, weight="symmetric:4", input=spec, seed=seed) for seed in (1, 2)
        )

    def forward(self, x: qnn.Tensor) -> tuple[qnn.Tensor, qnn.Tensor]:
        y = ops.relu(self.first(x))
        return self.a(y), self.b(y)


def test_two_quantizers_of_one_scheme_are_two(tmp_path: Path) -> None:
    images = pixels(200, 12)
    model = fitted(Heads(), transform(images))
    model.b.input_quantizer.log_scale.data += 0.05
    made = qnn.pack(model.eval(), transform(images)[:3]).export_c(
        tmp_path / "net", name="net", transform=(MEAN, STD), samples=images, vectors=200
    )
    assert [type(step).__name__ for step in made.plan.steps].count("Decide") == 2
    assert run(compiled(made.folder)) == (0, "net: PASS, 200 inputs\n")


def expression(forward: Any, high: int, *, monotone: bool) -> Expression:
    source = Source("s", np.array([-high]), np.array([high]), lambda s: s.astype(np.float32), False)
    return Expression(
        (source,), (1,), lambda given: forward(given[0].astype(np.float32)), (), monotone
    )


def quantizer() -> Node:
    levels = np.arange(16, dtype=np.float32)
    tables = {"levels": levels, "thresholds": levels[1:] - np.float32(0.5)}
    tables |= {
        name: np.full((), number, np.float32) for name, number in (("scale", 1), ("shift", 0))
    }
    return Node("quantize", ("x",), "q", {"bits": 4, "axis": None}, tables)


def test_what_dips_far_from_its_ends_has_no_thresholds() -> None:
    def dips(x: np.ndarray) -> np.ndarray:
        return np.float32(x / 2.0**21 + 8 - 3 * (np.abs(x - 12345) < 50))

    assert decide(expression(dips, 2**24, monotone=False), quantizer()) is None


@pytest.mark.parametrize("op", ["multiply", "self", "divide_into", "tanh"])
def test_what_is_not_monotone_is_known(op: str, tmp_path: Path) -> None:
    shapes = {
        "multiply": lambda y: y * ops.clip(y + 3, 0, 6) / 6,
        "self": lambda y: y - 2 * ops.relu(y),
        "divide_into": lambda y: 0.5 / (y + np.float32(0.37)),
        "tanh": ops.tanh,
    }

    class Net(nn.Module):
        def __init__(self) -> None:
            self.first = nn.QuantLinear(20, 6, seed=0, **HOW)
            self.last = nn.QuantLinear(6, 3, weight="symmetric:4", input="symmetric:4", seed=1)

        def forward(self, x: qnn.Tensor) -> qnn.Tensor:
            return self.last(shapes[op](self.first(x)))

    images = pixels(50, 20)
    if op == "tanh":
        made = export(Net(), images, tmp_path, vectors=50)
        assert run(compiled(made.folder)) == (0, "net: PASS, 50 inputs\n")
    else:
        with pytest.raises(ExportError, match="its codes are no steps of its sums"):
            export(Net(), images, tmp_path)


def test_a_notch_between_the_points_is_no_plane() -> None:
    a = Source("a", np.array([0]), np.array([4000]), lambda s: s.astype(np.float32), False)
    b = Source("b", np.array([0]), np.array([4000]), lambda s: s.astype(np.float32), False)

    def apply(given: list[np.ndarray]) -> np.ndarray:
        notch = 3 * (np.abs(given[0] - 700) < 20)
        return np.float32((given[0] + given[1]) / 600 - notch)

    assert plane(Expression((a, b), (1,), apply, (), monotone=False), quantizer()) is None


class Reshaped(nn.Module):
    """Lengths that are left open, between sums and their quantizer."""

    def __init__(self) -> None:
        self.c, self.d = (nn.QuantConv2d(1, 9, 3, padding=1, seed=s, **HOW) for s in (0, 1))
        self.last = nn.QuantLinear(9, 3, seed=2, **HOW)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        x = x.reshape(x.shape[0], 4, 5, 1)
        parts = [layer(x).reshape(x.shape[0], -1, 9) for layer in (self.c, self.d)]
        return self.last(ops.relu(parts[0] + parts[1])).reshape(x.shape[0], -1)


def test_open_lengths_of_a_reshape(tmp_path: Path) -> None:
    made = export(Reshaped(), pixels(20, 20), tmp_path, vectors=20)
    assert run(compiled(made.folder)) == (0, "net: PASS, 20 inputs\n")


def test_windows_of_more_than_a_byte(tmp_path: Path) -> None:
    net = qnn.Sequential(
        nn.Reshape(700, 1), nn.QuantConv1d(1, 3, 300, stride=260, seed=0, **HOW), nn.Flatten()
    )
    made = export(net, pixels(6, 700), tmp_path)
    assert run(compiled(made.folder)) == (0, "net: PASS, 8 inputs\n")


@pytest.mark.parametrize("float_", ["tail", "all"])
@pytest.mark.parametrize("spec", ["symmetric:4", "binary", "uniform:4"])
def test_zero_points_of_the_last_layer_with_floats(spec: str, float_: str, tmp_path: Path) -> None:
    net = nn.QuantLinear(12, 4, weight="symmetric:4", input=spec, seed=0)
    made = export(net, pixels(20, 12), tmp_path, float=float_)
    assert run(compiled(made.folder)) == (0, "net: PASS, 8 inputs\n")


def test_a_tail_has_a_class_too(tmp_path: Path) -> None:
    net = qnn.Sequential(nn.QuantLinear(12, 4, seed=0, **HOW), nn.ReLU())
    made = export(net, pixels(20, 12), tmp_path, float="tail")
    assert "int net_predict" in (made.folder / "net.h").read_text()
    assert run(compiled(made.folder)) == (0, "net: PASS, 8 inputs\n")


def test_pixels_that_are_all_the_same_are_another_transform(tmp_path: Path) -> None:
    model = packed(nn.QuantLinear(12, 4, seed=0, **HOW), pixels(20, 12))
    with pytest.raises(SpecError, match=r"same code.*the transform is not that of training"):
        model.export_c(tmp_path / "net", transform=(3300.0, 0.1))


def test_names_of_our_own_functions_are_taken(tmp_path: Path) -> None:
    model = packed(nn.QuantLinear(12, 4, seed=0, **HOW), pixels(20, 12))
    for name in ("depthwise", "printf", "linux", "uint8_t"):
        with pytest.raises(SpecError, match="no kernel"):
            model.export_c(tmp_path / "net", name=name, transform=(MEAN, STD))
