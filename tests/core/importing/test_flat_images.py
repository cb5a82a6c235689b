"""Weights around flattened images, for nets of many structures: PyTorch's order, here by NumPy.

The law: with an example what a model computes is what the net of PyTorch does. Without one it is
that too, or the call asks for an example.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from qnn_core.errors import StateError
from qnn_core.nn import ResidualBlock, Tanh

Array = NDArray[Any]
Weights = dict[str, Array]


# What PyTorch computes: images have their channels first.
def conv(x: Array, own: Weights, name: str) -> Array:
    weight = own[f"{name}.weight"]
    if weight.ndim == 3:  # of signals
        return conv(x[:, :, None], own | {f"{name}.weight": weight[:, :, None]}, name)[:, :, 0]
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))
    out = np.einsum("nchwij,ocij->nohw", windows, weight)
    return np.asarray(out + own[f"{name}.bias"][:, None, None])


def linear(x: Array, own: Weights, name: str) -> Array:
    return np.asarray(x @ own[f"{name}.weight"].T + own[f"{name}.bias"])


def norm(x: Array, own: Weights, name: str) -> Array:
    shape = (-1, *(1,) * (x.ndim - 2))
    mean, var = (own[f"{name}.running_{leaf}"].reshape(shape) for leaf in ("mean", "var"))
    weight, bias = (own[f"{name}.{leaf}"].reshape(shape) for leaf in ("weight", "bias"))
    return np.asarray((x - mean) / np.sqrt(var + 1e-5) * weight + bias)


def pool(x: Array) -> Array:
    n, c, h, w = x.shape
    halves = x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2)
    return np.asarray(halves.max((3, 5)))


def flat(x: Array) -> Array:
    return x.reshape(len(x), -1)


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


class Size(NamedTuple):
    """Of images that a net gets: channels, height and width; and what its first layer makes."""

    before: int
    height: int
    width: int
    channels: int

    @property
    def image(self) -> tuple[int, ...]:
        return self.before, self.height, self.width

    @property
    def area(self) -> int:
        """Pixels behind a convolution with a window of 2 x 2."""
        return (self.height - 1) * (self.width - 1)

    @property
    def pooled(self) -> int:
        """Pixels behind that and a pool."""
        return (self.height - 1) // 2 * ((self.width - 1) // 2)


class Net:
    """A structure: ours, and what PyTorch computes of the same modules.

    Attributes:
        certain: whether it takes no example.
    """

    certain = False

    def __init__(self, size: Size) -> None:
        self.size = size

    def input_shape(self) -> tuple[int, ...]:
        return self.size.image

    def ours(self) -> qnn.Module:
        raise NotImplementedError

    def theirs(self, x: Array, own: Weights) -> Array:
        raise NotImplementedError


class Plain(Net):
    certain = True

    def ours(self) -> qnn.Module:
        s = self.size
        head = qnn.Linear(s.channels * s.area, 3)
        return qnn.Sequential(qnn.Conv2d(s.before, s.channels, 2), qnn.ReLU(), qnn.Flatten(), head)

    def theirs(self, x: Array, own: Weights) -> Array:
        return linear(flat(relu(conv(x, own, "0"))), own, "3")


class PoolAndTwo(Net):
    certain = True

    def ours(self) -> qnn.Module:
        s = self.size
        features = qnn.Sequential(qnn.Conv2d(s.before, s.channels, 2), qnn.MaxPool2d(2))
        n = s.channels * s.pooled
        head = qnn.Sequential(qnn.Linear(n, n), qnn.BatchNorm(n), qnn.Linear(n, 3))
        return qnn.Sequential(features, qnn.Reshape(-1), qnn.BatchNorm(n), head)

    def theirs(self, x: Array, own: Weights) -> Array:
        y = flat(pool(conv(x, own, "0.0")))
        y = linear(norm(y, own, "2"), own, "3.0")
        return linear(norm(y, own, "3.1"), own, "3.2")


class TwoFirst(Net):
    """The fault that was: a layer of its own between the convolution and what is flat."""

    def ours(self) -> qnn.Module:
        s = self.size

        class Ours(qnn.Module):
            def __init__(self) -> None:
                self.conv = qnn.Conv2d(s.before, s.channels, 2)
                self.gate = qnn.Linear(s.channels, s.channels)
                self.head = qnn.Linear(s.channels * s.area, 3)

            def forward(self, x: qnn.Tensor) -> Any:
                y = self.conv(x)
                gate = self.gate(y.mean((1, 2)))
                return self.head((y * gate.reshape((len(y), 1, 1, -1))).reshape((len(y), -1)))

        return Ours()

    def theirs(self, x: Array, own: Weights) -> Array:
        y = conv(x, own, "conv")
        gate = linear(y.mean((2, 3)), own, "gate")
        return linear(flat(y * gate[:, :, None, None]), own, "head")


class Unordered(Net):
    """Modules in another order than they run in, and one that is a user's own."""

    def ours(self) -> qnn.Module:
        s = self.size

        class Twice(qnn.Linear):
            def forward(self, x: qnn.Tensor) -> Any:
                return 2 * super().forward(x.reshape((len(x), -1)))

        class Ours(qnn.Module):
            def __init__(self) -> None:
                self.head = Twice(s.channels * s.area, 3)
                self.conv = qnn.Conv2d(s.before, s.channels, 2)

            def forward(self, x: qnn.Tensor) -> Any:
                return self.head(self.conv(x))

        return Ours()

    def theirs(self, x: Array, own: Weights) -> Array:
        return 2 * linear(flat(conv(x, own, "conv")), own, "head")


class OwnLinear(Net):
    def ours(self) -> qnn.Module:
        s = self.size

        class Flattening(qnn.Linear):
            def forward(self, x: qnn.Tensor) -> Any:
                return super().forward(x.reshape((len(x), -1)))

        class Mine(qnn.Sequential):
            def forward(self, x: qnn.Tensor) -> Any:
                return super().forward(x) * 2

        head = Flattening(s.channels * s.area, 3)
        return qnn.Sequential(Mine(qnn.Conv2d(s.before, s.channels, 2)), head)

    def theirs(self, x: Array, own: Weights) -> Array:
        return linear(flat(2 * conv(x, own, "0.0")), own, "1")


class Summed(Net):
    def ours(self) -> qnn.Module:
        s = self.size

        class Ours(qnn.Module):
            def __init__(self) -> None:
                self.one = qnn.Conv2d(s.before, s.channels, 2)
                self.other = qnn.Conv2d(s.before, s.channels, 2)
                self.first = qnn.Linear(s.channels * s.area, 4)
                self.last = qnn.Linear(4, 3)

            def forward(self, x: qnn.Tensor) -> Any:
                both = qnn.ops.relu(self.one(x) + self.other(x))
                return self.last(self.first(both.reshape((len(x), -1))))

        return Ours()

    def theirs(self, x: Array, own: Weights) -> Array:
        both = relu(conv(x, own, "one") + conv(x, own, "other"))
        return linear(linear(flat(both), own, "first"), own, "last")


class SideBySide(Net):
    """Two branches that are flat, features beside them, and part of it all once more."""

    def ours(self) -> qnn.Module:
        s = self.size
        one, other = s.channels * s.area, 2 * s.before * s.height * s.width

        class Ours(qnn.Module):
            def __init__(self) -> None:
                self.one = qnn.Conv2d(s.before, s.channels, 2)
                self.other = qnn.Conv2d(s.before, 2 * s.before, 1)
                self.norm = qnn.BatchNorm(one + other + s.before)
                self.head = qnn.Linear(one + other + s.before, 3)
                self.part = qnn.Linear(other, 3)

            def forward(self, x: qnn.Tensor) -> Any:
                n = len(x)
                parts = [self.one(x).reshape((n, -1)), x.mean((1, 2))]
                both = qnn.ops.concatenate([*parts, self.other(x).reshape((n, -1))], 1)
                return self.head(self.norm(both)) + self.part(both[:, -other:])

        return Ours()

    def theirs(self, x: Array, own: Weights) -> Array:
        right = flat(conv(x, own, "other"))
        both = np.concatenate([flat(conv(x, own, "one")), x.mean((2, 3)), right], 1)
        return linear(norm(both, own, "norm"), own, "head") + linear(right, own, "part")


class Channel(Net):
    """A channel alone, and a sum over them, lie alike in both."""

    def ours(self) -> qnn.Module:
        s = self.size

        class Ours(qnn.Module):
            def __init__(self) -> None:
                self.conv = qnn.Conv2d(s.before, s.channels, 2)
                self.head = qnn.Linear(s.area, 3)
                self.sums = qnn.Linear(s.area, 3)
                self.rows = qnn.Linear(s.channels * (s.width - 1), 3)

            def forward(self, x: qnn.Tensor) -> Any:
                y, n = self.conv(x), len(x)
                parts = self.head(y[..., 0].reshape((n, -1))), self.sums(y.sum(3).reshape((n, -1)))
                return parts[0] + parts[1] + self.rows(y[:, 0].reshape((n, -1)))

        return Ours()

    def theirs(self, x: Array, own: Weights) -> Array:
        y = conv(x, own, "conv")
        both = linear(flat(y[:, 0]), own, "head") + linear(flat(y.sum(1)), own, "sums")
        return both + linear(flat(y[:, :, 0]), own, "rows")


class Residual(Net):
    certain = True

    def ours(self) -> qnn.Module:
        s = self.size
        layers = [qnn.Conv2d(s.before, s.channels, 2), ResidualBlock(s.channels, s.channels)]
        return qnn.Sequential(*layers, qnn.Flatten(), qnn.Linear(s.channels * s.area, 3))

    def theirs(self, x: Array, own: Weights) -> Array:
        def padded(x: Array) -> Array:
            return np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))

        zeros = np.zeros(self.size.channels)
        own = own | {f"1.{leaf}.bias": zeros for leaf in ("first", "second")}
        y = conv(x, own, "0")
        z = relu(norm(conv(padded(y), own, "1.first"), own, "1.first_norm"))
        z = norm(conv(padded(z), own, "1.second"), own, "1.second_norm")
        return linear(flat(relu(y + z)), own, "3")


class Decoder(Net):
    certain = True

    def input_shape(self) -> tuple[int, ...]:
        return (5,)

    def ours(self) -> qnn.Module:
        s = self.size
        c, h, w = s.image
        features = [
            qnn.Linear(5, c * h * w),
            qnn.BatchNorm(c * h * w),
            Tanh(),
            qnn.Reshape(-1, w, c),
        ]
        return qnn.Sequential(*features, qnn.Conv2d(c, s.channels, 2), qnn.Flatten())

    def theirs(self, x: Array, own: Weights) -> Array:
        y = np.tanh(norm(linear(x, own, "0"), own, "1"))
        y = conv(y.reshape(len(x), *self.size.image), own, "4")
        return flat(np.moveaxis(y, 1, -1))  # an output is in our order


class TwoDecoders(Net):
    """Features that two layers make, and one that both flattens and is flat."""

    def ours(self) -> qnn.Module:
        s = self.size
        c, h, w = s.image
        size = c * h * w

        class Ours(qnn.Module):
            def __init__(self) -> None:
                self.middle = qnn.Linear(size, size)
                self.code = qnn.Linear(size, 4)
                self.up = qnn.Linear(4, size)
                self.conv = qnn.Conv2d(c, s.channels, 2)

            def forward(self, x: qnn.Tensor) -> Any:
                y = x.reshape((len(x), -1))
                y = self.middle(y) + self.up(self.code(y))
                return self.conv(y.reshape((len(x), h, w, c))).reshape((len(x), -1))

        return Ours()

    def theirs(self, x: Array, own: Weights) -> Array:
        y = flat(x)
        y = linear(y, own, "middle") + linear(linear(y, own, "code"), own, "up")
        y = conv(y.reshape(x.shape), own, "conv")
        return flat(np.moveaxis(y, 1, -1))


class Signals(Net):
    certain = True

    def input_shape(self) -> tuple[int, ...]:
        return self.size.before, self.size.width

    def ours(self) -> qnn.Module:
        s = self.size
        first = [qnn.Conv1d(s.before, s.channels, 2), qnn.BatchNorm(s.channels), qnn.Flatten()]
        size = s.channels * (s.width - 1)
        middle = [qnn.Linear(size, size), qnn.Reshape(s.width - 1, s.channels)]
        last = [qnn.BatchNorm(s.channels), qnn.Conv1d(s.channels, 2, 1), qnn.Flatten()]
        return qnn.Sequential(*first, *middle, *last, qnn.Linear(2 * (s.width - 1), 3))

    def theirs(self, x: Array, own: Weights) -> Array:
        y = norm(conv(x, own, "0"), own, "1")
        y = linear(flat(y), own, "3").reshape(y.shape)
        y = conv(norm(y, own, "5"), own, "6")
        return linear(flat(y), own, "8")


class Steps(Net):
    """Features on two axes are no signals, unless they are convolved."""

    certain = True

    def input_shape(self) -> tuple[int, ...]:
        return (5,)

    def ours(self) -> qnn.Module:
        s = self.size
        n = s.width * s.channels
        first = [qnn.Linear(5, n), qnn.Reshape(s.width, s.channels), qnn.Linear(s.channels, 2)]
        return qnn.Sequential(*first, qnn.Flatten(), qnn.Linear(2 * s.width, 3))

    def theirs(self, x: Array, own: Weights) -> Array:
        y = linear(x, own, "0").reshape(len(x), self.size.width, self.size.channels)
        return linear(flat(linear(y, own, "2")), own, "4")


class ByHand(Net):
    """A product of a parameter by hand, [in, out], whose axes are as long as each other."""

    def ours(self) -> qnn.Module:
        s = self.size
        size = s.channels * s.area

        class Ours(qnn.Module):
            def __init__(self) -> None:
                self.conv = qnn.Conv2d(s.before, s.channels, 2)
                self.matrix = qnn.Parameter(np.zeros((size, size)))
                self.gain = qnn.Parameter(np.zeros((1, size)))

            def forward(self, x: qnn.Tensor) -> Any:
                return (self.conv(x).reshape((len(x), -1)) * self.gain) @ self.matrix

        return Ours()

    def theirs(self, x: Array, own: Weights) -> Array:
        return np.asarray((flat(conv(x, own, "conv")) * own["gain"]) @ own["matrix"])


NETS = [net for net in Net.__subclasses__() if not net.__subclasses__()]
SIZES = st.builds(
    Size,
    before=st.integers(1, 3),
    height=st.integers(3, 5),
    width=st.integers(3, 5),
    channels=st.integers(1, 4),
)


def state_for(model: qnn.Module) -> Weights:
    """Return numbers for all of a model, in PyTorch's shapes and by its names."""
    rng = np.random.default_rng(0)
    signals = [n for n, m in model.named_modules() if isinstance(m, qnn.Conv1d)]
    state = {}
    for name, array in model.state_dict().items():
        made = rng.normal(size=array.shape)
        if array.ndim == 4:
            made = np.moveaxis(made, -1, 1)
            made = made[:, :, 0] if name.rpartition(".")[0] in signals else made
        made = np.abs(made) + 0.5 if name.endswith("running_variance") else made
        theirs = name.replace("layers.", "").replace("running_variance", "running_var")
        state[theirs] = made.astype(np.float32)
    return state


def agree(model: qnn.Module, net: Net, own: Weights, x: Array) -> None:
    got = model.eval()(np.moveaxis(x, 1, -1)).data
    wanted = net.theirs(x.astype(np.float64), own)
    np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())


@pytest.mark.parametrize("structure", NETS)
@given(size=SIZES)
def test_weights_are_in_our_order_or_an_example_is_asked_for(
    structure: Callable[[Size], Net], size: Size
) -> None:
    net = structure(size)
    x = np.random.default_rng(1).normal(size=(2, *net.input_shape())).astype(np.float32)
    own = state_for(net.ours())
    model = net.ours()
    qnn.load_torch_state(model, own, example=np.moveaxis(x[:1], 1, -1))
    agree(model, net, own, x)
    model = net.ours()
    before = model.state_dict()
    try:
        qnn.load_torch_state(model, own)
    except StateError as error:
        assert not net.certain
        assert "give example=" in str(error)  # noqa: PT017 # it need not be raised
        for name, array in model.state_dict().items():
            np.testing.assert_array_equal(array, before[name])
    else:
        agree(model, net, own, x)
