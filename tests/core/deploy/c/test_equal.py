"""C gives the integers, the numbers and the classes of the packed model, whatever the net."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from exported_c import Images, Linears, Residual, compiled, export, packed, pixels, run
from packed_models import fitted, specs
from qnn_core import nn, ops
from qnn_core.deploy.c.plan import Concatenate, Join, Product, SumPool
from qnn_core.errors import ExportError

# Schemes whose levels are no whole numbers times a power of two.
UNEVEN = ("nf4", "logarithmic:bits=8")


def kinds(made: Any) -> list[str]:
    return [type(step).__name__ for step in made.plan.steps]


@pytest.mark.parametrize("spec", specs())
def test_every_scheme_as_weight_and_as_input(spec: str, tmp_path: Path) -> None:
    images = pixels(8, 21)
    if spec.startswith(UNEVEN):
        # Levels that are no whole numbers: floats, with the same bits, if they are allowed.
        model = Linears(spec, spec, (21, 34, 9, 4), ops.relu)
        with pytest.raises(ExportError, match="its levels are no whole numbers"):
            export(model, images, tmp_path)
        assert not (tmp_path / "net").exists()
        made = export(model, images, tmp_path, float="all")
        assert "FloatProduct" in kinds(made)
    else:
        # Behind tanh every sum is tried: of great levels there are too many for a test.
        activation = ops.relu if spec == "apot:bits=8" else ops.tanh
        made = export(Linears(spec, spec, (21, 34, 9, 4), activation), images, tmp_path)
        assert kinds(made) == ["Product"] * 3
    assert made.samples > len(images)
    status, said = run(compiled(made.folder))
    assert (status, said) == (0, "net: PASS, 8 inputs\n")


@pytest.mark.parametrize("inner", ["binary", "symmetric:2", "uniform:4", "uniform:8"])
@pytest.mark.parametrize("weight", ["binary", "symmetric:2", "symmetric:4", "symmetric:8"])
def test_every_pairing_of_widths_in_convolutions(weight: str, inner: str, tmp_path: Path) -> None:
    made = export(Images(weight, inner), pixels(6, 9, 8, 2), tmp_path)
    assert kinds(made) == ["Product"] * 3
    assert made.plan.steps[0].pool is not None  # the maximum is taken of sums


@pytest.mark.parametrize("k", [1, 31, 32, 33, 63, 64, 65])
@pytest.mark.parametrize("spec", ["binary", "symmetric:2", "symmetric:4"])
def test_awkward_lengths(spec: str, k: int, tmp_path: Path) -> None:
    for n in (1, 33):
        model = Linears(spec, "uniform:3", (k, n, 3), ops.relu)
        assert kinds(export(model, pixels(5, k), tmp_path / str(n))) == ["Product"] * 2


@pytest.mark.parametrize(
    "window",
    [
        {"padding": 1},
        {"padding": (2, 1), "stride": (1, 2)},
        {"dilation": (2, 1), "padding": 2},
        {"stride": 2, "padding": 1, "groups": 2},
    ],
)
# 0 is the first code, another one, and none at all.
@pytest.mark.parametrize("inner", ["uniform:4", "symmetric:3", "binary", "logarithmic:3"])
def test_windows_and_what_padding_is(window: Any, inner: str, tmp_path: Path) -> None:
    made = export(Images("symmetric:3", inner, **window), pixels(4, 9, 8, 2), tmp_path)
    assert kinds(made).count("Product") == 3
    assert set(kinds(made)) <= {"Product", "MaxPool"}


def test_depthwise_and_pointwise(tmp_path: Path) -> None:
    how = {"weight": "symmetric:4", "input": "uniform:8"}
    ends = {f"{end}_{part}": spec for end in ("first", "last") for part, spec in how.items()}
    net = qnn.DSCNN(
        (12, 11, 1),
        channels=5,
        blocks=1,
        first_kernel=3,
        classes=4,
        pool_input="uniform:8",
        seed=0,
        **how,
        **ends,
    )
    made = export(net, pixels(6, 12, 11, 1), tmp_path)
    assert {type(s) for s in made.plan.steps} == {Product, SumPool}


def test_signals(tmp_path: Path) -> None:
    how = {"weight": "symmetric:4", "input": "uniform:4"}
    net = qnn.Sequential(
        nn.Reshape(30, 2),
        nn.QuantConv1d(2, 6, 5, stride=2, padding=2, seed=0, **how),
        nn.BatchNorm(6),
        nn.ReLU(),
        nn.MaxPool1d(2),
        nn.QuantConv1d(6, 6, 3, groups=6, seed=1, **how),
        nn.ReLU(),
        nn.Flatten(),
        nn.QuantLinear(30, 4, seed=2, **how),
    )
    assert kinds(export(net, pixels(6, 60), tmp_path)) == ["Product"] * 3


@pytest.mark.parametrize("inner", ["uniform:2", "uniform:4"])
def test_residual_sums_are_planes(inner: str, tmp_path: Path) -> None:
    made = export(Residual(inner=inner), pixels(8, 42), tmp_path)
    joins = [step for step in made.plan.steps if isinstance(step, Join)]
    assert len(joins) == 2
    assert not made.plan.floats


def test_a_residual_net_of_the_product_is_integer_throughout(tmp_path: Path) -> None:
    bits = {"weight": "symmetric:4", "input": "uniform:4"}
    ends = {f"{end}_{part}": spec for end in ("first", "last") for part, spec in bits.items()}
    net = qnn.ResNet((9, 8, 1), stream="uniform:4", pool_input="uniform:8", seed=0, **bits, **ends)
    made = export(net, pixels(6, 9, 8, 1), tmp_path)
    joins = [step for step in made.plan.steps if isinstance(step, Join)]
    assert len(joins) == 3
    assert sum(len(step.exceptions) for step in joins) > 0  # pairs that rounding decides
    assert made.checked > 10**9
    status, said = run(compiled(made.folder))
    assert (status, said) == (0, "net: PASS, 8 inputs\n")


class Branches(nn.Module):
    """Two convolutions side by side, and two outputs."""

    def __init__(self) -> None:
        how: dict[str, Any] = {"weight": "symmetric:4", "input": "uniform:4"}
        self.a = nn.QuantConv2d(1, 4, 3, padding=1, seed=0, **how)
        self.b = nn.QuantConv2d(1, 3, 1, seed=1, **how)
        self.c = nn.QuantLinear(7 * 30, 3, seed=2, **how)
        self.d = nn.QuantLinear(7 * 30, 2, seed=3, **how)

    def forward(self, x: qnn.Tensor) -> tuple[qnn.Tensor, qnn.Tensor]:
        x = x.reshape(-1, 5, 6, 1)
        y = ops.concatenate([ops.relu(self.a(x)), ops.relu(self.b(x))], axis=-1)
        y = ops.transpose(y, (0, 3, 1, 2)).reshape(-1, 7 * 30)
        return self.c(y), self.d(y)


def test_concatenations_and_several_outputs(tmp_path: Path) -> None:
    made = export(Branches(), pixels(6, 30), tmp_path)
    assert any(isinstance(step, Concatenate) for step in made.plan.steps)
    header = (made.folder / "net.h").read_text()
    assert "#define NET_OUTPUT_1 3" in header
    assert "#define NET_OUTPUTS 5" in header


def test_one_column_says_whether_it_is_above_zero(tmp_path: Path) -> None:
    images = pixels(40, 12)
    model = Linears("symmetric:2", "uniform:2", (12, 9, 1), ops.relu)
    made = export(model, images, tmp_path)
    found = packed(model, images).predict(images, task="binary")
    del found  # the export compared it; here the file says what a class is
    assert "1 if the output is above 0, else 0" in (made.folder / "net.h").read_text()


@pytest.mark.parametrize("float_", ["tail", "all"])
def test_numbers_are_those_of_the_packed_model(float_: str, tmp_path: Path) -> None:
    model = Linears("symmetric:3,axis=0", "uniform:3", (20, 12, 5), ops.relu)
    made = export(model, pixels(8, 20), tmp_path, float=float_)
    assert "net_logits" in (made.folder / "net.h").read_text()
    status, said = run(compiled(made.folder))
    assert (status, said) == (0, "net: PASS, 8 inputs\n")


@pytest.mark.parametrize("inner", ["uniform:4", None])
def test_pixels_of_channels_with_means_of_their_own(inner: str | None, tmp_path: Path) -> None:
    how: dict[str, Any] = {"weight": "symmetric:4" if inner else None, "input": inner}
    layer = nn.QuantConv2d if inner else nn.Conv2d
    given = how if inner else {}
    net = qnn.Sequential(layer(3, 4, 3, seed=0, **given), nn.Flatten())
    images = pixels(5, 6, 5, 3)
    mean, std = np.float32([0.1, 0.2, 0.3]), np.float32([0.5, 0.25, 1])
    x = (images.astype(np.float32) / np.float32(255) - mean) * (1 / std)
    model = qnn.pack(fitted(net, x).eval(), x[:3])
    options: dict[str, Any] = {"transform": (mean, std), "samples": images}
    made = model.export_c(tmp_path, float="never" if inner else "all", **options)
    assert kinds(made)[0] == ("Recode" if inner else "Dequantize")


def test_a_softmax_at_the_end_is_left_out(tmp_path: Path) -> None:
    inner = Linears("symmetric:2", "uniform:2", (12, 9, 4), ops.relu)

    class WithSoftmax(nn.Module):
        def __init__(self) -> None:
            self.net = inner

        def forward(self, x: qnn.Tensor) -> qnn.Tensor:
            return ops.log_softmax(self.net(x))

    made = export(WithSoftmax(), pixels(8, 12), tmp_path)
    assert any("log_softmax at the end is left out" in note for note in made.notes)


def test_a_float_first_layer_is_refused_by_name_and_computed_if_allowed(tmp_path: Path) -> None:
    net = qnn.LeNet(
        shape=(16, 16, 1),
        channels=(2, 3),
        hidden=6,
        weight="symmetric:4",
        input="uniform:4",
        seed=0,
    )
    images = pixels(5, 16, 16, 1)
    with pytest.raises(ExportError, match=r"layers\.1: its input and weight are not quantized"):
        export(net, images, tmp_path)
    with pytest.raises(ExportError, match="float='tail', and codes are made of floats"):
        export(net, images, tmp_path, float="tail")
    assert not (tmp_path / "net").exists()
    made = export(net, images, tmp_path, float="all")
    assert kinds(made).count("FloatProduct") == 2
    assert run(compiled(made.folder))[0] == 0


def test_floats_as_the_net_takes_them(tmp_path: Path) -> None:
    model = Linears("symmetric:2", "uniform:2", (12, 9, 4), ops.relu)
    x = np.random.default_rng(0).standard_normal((20, 12)).astype(np.float32)
    qnn_packed = packed(model, pixels(8, 12))
    made = qnn_packed.export_c(tmp_path / "net", name="net", input="float32", samples=x)
    assert kinds(made) == ["Encode", "Product", "Product"]
    assert "+" not in (made.folder / "net.c").read_text().split("ordered(float x)")[1][:200]
