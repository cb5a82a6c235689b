"""Numbers are numbers: NumPy's and arrays without axes count, True and False do not."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
import qnn_data
from hypothesis import given, settings
from hypothesis import strategies as st
from qnn_core import Parameter, nn, ops
from qnn_core.arguments import number, real, whole
from qnn_core.optim import SGD, Adam, Cosine, Step, WarmUp, clip_gradients
from qnn_core.qtensor import pack_bits, unpack_bits
from qnn_core.registry import get_quantizer

W = Parameter([1.0])
X = np.arange(32.0, dtype=np.float32).reshape(2, 4, 4, 1)
ROWS = np.arange(8.0, dtype=np.float32).reshape(4, 2)


def with_gradient() -> Parameter:
    parameter = Parameter([1.0])
    parameter.grad = qnn.Tensor([4.0])
    return parameter


def fitted(**options: Any) -> Any:
    model = nn.Sequential(nn.Linear(2, 2, seed=0))
    made = qnn.optim.SGD(model.parameters(), lr=0.1)
    batches = [(ROWS, np.array([0, 1, 0, 1]))]
    given = {"epochs": 1, **options}
    history = qnn.fit(model, batches, optimizer=made, progress=False, **given)
    return [epoch.loss for epoch in history.epochs]


def threads(count: Any) -> int:
    before = qnn.get_num_threads()
    try:
        qnn.set_num_threads(count)
        return qnn.get_num_threads()
    finally:
        qnn.set_num_threads(before)


def symmetric(**options: Any) -> str:
    return str(get_quantizer("symmetric:4", **options))


# What takes a whole number, with one that it takes; the answers must be the same for each kind.
WHOLE: dict[str, tuple[Any, int]] = {
    "Linear in": (lambda n: nn.Linear(n, 2, seed=0).weight.shape, 3),
    "Linear out": (lambda n: nn.Linear(2, n, seed=0)(ROWS).shape, 3),
    "Linear seed": (lambda n: nn.Linear(2, 2, seed=n).weight.data.tolist(), 3),
    "QuantLinear": (lambda n: repr(nn.QuantLinear(n, n, weight="symmetric:4,axis=0")), 3),
    "Conv2d": (lambda n: repr(nn.Conv2d(n, n, 3)), 3),
    "Conv2d groups": (lambda n: repr(nn.Conv2d(4, 4, 3, groups=n)), 2),
    "Conv2d kernel": (lambda n: repr(nn.Conv2d(1, 1, n, stride=n, dilation=n, padding=n)), 2),
    "Conv2d pair": (lambda n: repr(nn.Conv2d(1, 1, (n, 1))), 2),
    "QuantConv2d": (lambda n: repr(nn.QuantConv2d(n, n, n, weight="binary")), 3),
    "BatchNorm": (lambda n: nn.BatchNorm(n)(ROWS).data.tolist(), 2),
    "Dropout seed": (lambda n: nn.Dropout(0.5, seed=n)(ROWS).data.tolist(), 3),
    "MaxPool2d": (lambda n: nn.MaxPool2d(n, stride=n)(X).data.tolist(), 2),
    "AvgPool2d": (lambda n: nn.AvgPool2d(n, padding=n - 1)(X).data.tolist(), 2),
    "Reshape": (lambda n: nn.Reshape(n, -1)(X).shape, 2),
    "Quantize channels": (lambda n: nn.Quantize("uniform:4,axis=1", channels=n)(ROWS).shape, 2),
    "MLP": (lambda n: repr(qnn.MLP([n, n, n])), 3),
    "LeNet": (lambda n: repr(qnn.LeNet(classes=n)), 3),
    "ResNet": (lambda n: repr(qnn.ResNet(blocks=n, classes=n)), 2),
    "Step": (lambda n: repr(Step(n)), 3),
    "Cosine": (lambda n: repr(Cosine(n)), 5),
    "WarmUp": (lambda n: repr(WarmUp(n)), 5),
    "bits": (lambda n: symmetric(bits=n), 3),
    "axis of a scheme": (lambda n: symmetric(axis=n), 1),
    "pack_bits": (lambda n: pack_bits(np.array([1, 2], np.uint8), n).tolist(), 2),
    "unpack_bits": (lambda n: unpack_bits(np.array([6], np.uint8), 3, n).tolist(), 2),
    "set_num_threads": (threads, 1),
    "ops.conv2d": (lambda n: ops.conv2d(X, np.ones((1, 2, 2, 1)), stride=n, groups=1).shape, 2),
    "ops.conv2d groups": (lambda n: ops.conv2d(X, np.ones((1, 2, 2, 1)), groups=n).shape, 1),
    "ops.max_pool2d": (lambda n: ops.max_pool2d(X, n).data.tolist(), 2),
    "fit": (lambda n: fitted(epochs=n, patience=n), 2),
}
# The same of numbers.
REAL: dict[str, tuple[Any, float]] = {
    "SGD lr": (lambda v: SGD([W], v).describe(), 1.0),
    "SGD momentum": (lambda v: SGD([W], 0.1, momentum=v).describe(), 0.5),
    "SGD weight_decay": (lambda v: SGD([W], 0.1, weight_decay=v).describe(), 1.0),
    "Adam betas": (lambda v: Adam([W], betas=(v, v)).describe(), 0.5),
    "Adam eps": (lambda v: Adam([W], eps=v).describe(), 1.0),
    "group": (lambda v: SGD([{"params": W, "lr": v}], 0.1).describe(), 1.0),
    "setting": (lambda v: setattr(optimizer := SGD([W], 0.1), "lr", v) or optimizer.lr, 1.0),
    "Step factor": (lambda v: repr(Step(3, v)), 0.5),
    "Cosine floor": (lambda v: repr(Cosine(3, v)), 1.0),
    "clip_gradients": (lambda v: clip_gradients([with_gradient()], v), 1.0),
    "BatchNorm eps": (lambda v: nn.BatchNorm(2, eps=v)(ROWS).data.tolist(), 1.0),
    "BatchNorm momentum": (lambda v: nn.BatchNorm(2, momentum=v).momentum, 1.0),
    "Quantize momentum": (lambda v: nn.Quantize("uniform:4", momentum=v).momentum, 1.0),
    "Dropout": (lambda v: nn.Dropout(v, seed=1)(ROWS).data.tolist(), 0.5),
    "MLP dropout": (lambda v: repr(qnn.MLP([2, 2, 2], dropout=v)), 0.5),
    "ops.dropout": (
        lambda v: ops.dropout(ROWS, v, np.random.default_rng(0)).data.tolist(),
        0.5,
    ),
    "bounds": (lambda v: Parameter([0.0], bounds=(-1, v)).bounds, 1.0),
    "weight_bounds": (
        lambda v: nn.QuantLinear(2, 2, weight="binary", weight_bounds=(-1, v)).weight.bounds,
        1.0,
    ),
    "scale of a scheme": (lambda v: symmetric(scale=v), 0.5),
    "percentile": (lambda v: symmetric(calibration="percentile", percentile=v), 0.5),
    "gradient_scale": (lambda v: symmetric(gradient_scale=v), 0.5),
    "Augment": (
        lambda v: vars(qnn_data.Augment(shift=v, rotation=v, scale=v, fill=v)),
        0.5,
    ),
    "clip_norm": (lambda v: fitted(clip_norm=v), 1.0),
}


def kinds(value: float) -> list[Any]:
    """Return the ways in which NumPy says a number that float16 holds."""
    made: list[Any] = [np.array(value), np.float32(value), np.float64(value), np.float16(value)]
    made.append(np.array(value, np.float32))
    if value == int(value):
        made += [int(value), np.int64(value), np.int8(value), np.uint16(value)]
        made.append(np.array(int(value)))
    return made


@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_of_any_kind(name: str) -> None:
    call, value = WHOLE[name]
    expected = call(value)
    for given_ in (np.int64(value), np.int8(value), np.uint32(value), np.array(value)):
        assert call(given_) == expected
    for wrong in (True, np.True_, np.array(True), value + 0.5, str(value), None.__class__, np.nan):
        with pytest.raises((ValueError, TypeError)):
            call(wrong)


@pytest.mark.parametrize("name", REAL)
def test_numbers_of_any_kind(name: str) -> None:
    call, value = REAL[name]
    expected = call(value)
    for given_ in kinds(value):
        assert call(given_) == expected, repr(given_)
    for wrong in (True, np.True_, np.array(True), "much", np.nan, np.array(np.nan)):
        with pytest.raises((ValueError, TypeError)):
            call(wrong)


def test_schemes_hold_pythons_numbers() -> None:
    q = get_quantizer("symmetric:4", bits=np.int64(3), scale=np.array(0.5), axis=np.array(0))
    assert [type(v) for v in (q.bits, q.scale, q.axis)] == [int, float, int]
    assert q == get_quantizer("symmetric:3,scale=0.5,axis=0")


def test_numpy_numbers_in_a_forward_can_be_packed() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            self.last = nn.Linear(4, 3, seed=0)

        def forward(self, x: qnn.Tensor) -> qnn.Tensor:
            x = x.reshape(np.int64(-1), np.int32(4), np.int64(4))
            x = ops.clip(x, np.float32(0), np.int64(20)).mean(axis=np.int64(1))
            x = ops.softmax(x * np.float64(2) + np.int64(1), axis=np.int64(-1))
            return self.last(x.transpose(np.int64(0), np.int64(1)))[:, np.int64(0) :]

    model = Net().eval()
    np.testing.assert_array_equal(qnn.pack(model, X)(X), model(X).data)


def test_allocate_takes_numpy_numbers() -> None:
    model = qnn.quantize(qnn.MLP([2, 3, 2], seed=0), weight="symmetric:8")
    data = (ROWS, np.array([0, 1, 0, 1]))
    found = qnn.allocate(model, data, budget=np.int64(5000), bits=np.array([2, 4]))
    same = qnn.allocate(model, data, budget=5000, bits=(2, 4))
    assert str(found) == str(same)


# The helper


@settings(derandomize=True, deadline=None)
@given(st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62), st.integers(-(2**62), 2**62))
def test_whole_numbers_between_ends(value: int, least: int, most: int) -> None:
    for given_ in (value, np.int64(value), np.array(value)):
        if least <= value <= most:
            assert whole("f", "n", given_, least=least, most=most) == value
        else:
            with pytest.raises(ValueError, match="f: n must be a whole number"):
                whole("f", "n", given_, least=least, most=most)


@settings(derandomize=True, deadline=None)
@given(st.floats(width=32), st.floats(-10, 10))
def test_numbers_between_ends(value: float, end: float) -> None:
    tests = {
        "least": value >= end,
        "most": value <= end,
        "above": value > end,
        "below": value < end,
    }
    for given_ in (value, np.float32(value), np.array(value)):
        for name, fits in tests.items():
            if fits and np.isfinite(value):
                assert real("f", "x", given_, **{name: end}) == value
            else:
                with pytest.raises(ValueError, match="f: x must be"):
                    real("f", "x", given_, **{name: end})


def test_what_is_a_number() -> None:
    assert number(Fraction(1, 2)) == 0.5
    for other in (
        None,
        "1",
        b"1",
        [1],
        np.array([1]),
        1j,
        True,
        np.False_,
        np.array("1"),
        object(),
    ):
        assert number(other) is None
