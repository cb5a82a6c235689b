"""Signals, and the models beside MLP and LeNet: trained, packed, quantized afterwards."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from numpy.testing import assert_array_equal
from qnn_core import nn, ops
from qnn_core.errors import ShapeError

RNG = np.random.default_rng(0)
SPECS = {"weight": "symmetric:2", "input": "uniform:2"}
ENDS = {"first_weight": "symmetric:8", "first_input": "uniform:8", "last_weight": "symmetric:4"}


def signal_net(**specs: Any) -> nn.Module:
    kind: Any = nn.QuantConv1d if specs else qnn.Conv1d
    linear: Any = qnn.QuantLinear if specs else qnn.Linear
    return qnn.Sequential(
        kind(2, 6, 5, stride=2, padding=2, seed=0, **specs), qnn.BatchNorm(6), qnn.ReLU(),
        qnn.MaxPool1d(2), kind(6, 6, 3, padding="same", groups=3, seed=1, **specs), qnn.ReLU(),
        qnn.AvgPool1d(3, stride=2, padding=1), kind(6, 8, 3, dilation=2, seed=2, **specs),
        qnn.ReLU(), qnn.GlobalAvgPool1d(), linear(8, 3, seed=3, **specs),
    )  # fmt: skip # a row of layers


MODELS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "signal": (signal_net, (40, 2)),
    "lenet": (
        lambda **o: qnn.LeNet(shape=(16, 20, 2), channels=(3, 5), hidden=9, seed=0, **o),
        (16, 20, 2),
    ),
    "resnet": (lambda **o: qnn.ResNet((12, 8, 3), seed=0, **o), (12, 8, 3)),
    "vgg": (lambda **o: qnn.VGGSmall((8, 16, 3), width=4, seed=0, **o), (8, 16, 3)),
    "dscnn": (lambda **o: qnn.DSCNN((14, 10, 1), channels=6, blocks=2, seed=0, **o), (14, 10, 1)),
    "autoencoder": (
        lambda **o: qnn.Autoencoder([10, 6, 2], batch_norm=True, seed=0, **o),
        (10,),
    ),
}

# With quantizers between layers.
CODED: dict[str, tuple[Any, tuple[int, ...]]] = {
    "resnet, coded stream": (
        lambda **o: qnn.ResNet((12, 8, 3), stream="uniform:8", seed=0, **o),
        (12, 8, 3),
    ),
    "dscnn, mean of codes": (
        lambda **o: qnn.DSCNN(
            (14, 10, 1), channels=6, blocks=2, pool_input="uniform:8", seed=0, **o
        ),
        (14, 10, 1),
    ),
}


def trained(name: str, **specs: Any) -> tuple[nn.Module, Any]:
    build, shape = (MODELS | CODED)[name]
    model = build(**specs)
    x = RNG.random((24, *shape)).astype(np.float32)
    y = x if name == "autoencoder" else RNG.integers(0, 3, 24)
    loss = ops.mean_squared_error if name == "autoencoder" else ops.softmax_cross_entropy
    optimizer = qnn.optim.Adam(model.parameters(), lr=1e-3)
    qnn.fit(model, (x, y), epochs=1, batch_size=8, optimizer=optimizer, loss=loss)
    return model, x


@pytest.mark.parametrize("name", [*MODELS, *CODED])
def test_packed_is_evaluated_bit_for_bit(name: str) -> None:
    more = {} if name == "signal" else ENDS
    model, x = trained(name, **SPECS, **more)
    packed = qnn.pack(model, x)
    assert_array_equal(np.asarray(packed(x)), model(x).array)
    assert packed.nbytes < 200_000


@pytest.mark.parametrize("name", MODELS)
def test_they_are_quantized_after_training_and_start_others(name: str) -> None:
    model, x = trained(name)
    quantized = qnn.quantize(model, **SPECS, last_weight="symmetric:2", calibration=x)
    assert_array_equal(np.asarray(qnn.pack(quantized, x)(x)), quantized(x).array)
    build, _ = MODELS[name]
    warm = qnn.warm_start(build(**SPECS), model, calibration=x).eval()
    assert warm(x).shape == model(x).shape
    first = next(iter(nn.surgery.layers(model)))
    ruled = qnn.apply_rules(model, {"*": "symmetric:4", first: None})
    assert first not in [path.rpartition(".")[0] for path in nn.surgery.quantizers(ruled)]
    assert_array_equal(qnn.apply_rules(ruled, {"*": None}).eval()(x).array, model(x).array)


def test_signals_are_images_of_height_one() -> None:
    x = RNG.normal(size=(3, 30, 4)).astype(np.float32)
    one = qnn.Conv1d(4, 6, 5, stride=2, padding=3, dilation=2, groups=2, seed=0)
    two = qnn.Conv2d(4, 6, (1, 5), stride=(1, 2), padding=(0, 3), dilation=(1, 2), groups=2, seed=0)
    assert_array_equal(one(x).array, two(x[:, None]).array[:, 0])
    assert_array_equal(qnn.MaxPool1d(3)(x).array, x.reshape(3, 10, 3, 4).max(axis=2))
    assert qnn.AvgPool1d(2, stride=1)(x).shape == (3, 29, 4)
    assert_array_equal(qnn.GlobalAvgPool1d()(x).array, ops.mean(x[:, None], axis=(1, 2)).array)


def test_published_sizes() -> None:
    def count(model: nn.Module) -> int:
        return sum(p.size for p in model.parameters())

    # 0.27 million (He et al. 2016, table 6); 22 to 24 thousand (MLPerf Tiny).
    assert count(qnn.ResNet((32, 32, 3), blocks=3)) // 1000 in (269, 270, 271, 272, 273, 274)
    assert 22_000 < count(qnn.DSCNN()) < 24_000
    assert 4.5e6 < count(qnn.VGGSmall()) < 4.7e6
    assert count(qnn.Autoencoder([640, 128, 128, 128, 128, 8])) // 1000 in (265, 266, 267, 268)


def test_the_first_stage_of_keyword_spotting_is_that_of_mlperf() -> None:
    first = qnn.Sequential(*qnn.DSCNN(seed=0).layers[:2])
    assert first(np.zeros((1, 49, 10, 1))).shape == (1, 25, 5, 64)


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: qnn.ResNet((28, 28)), r"ResNet: shape must be \(height, width, channels\)"),
        (lambda: qnn.VGGSmall((28, 28, 1)), "multiples of 8, got 28 x 28"),
        (lambda: qnn.DSCNN((0, 3, 1)), "height of shape must be a whole number >= 1"),
        (lambda: qnn.LeNet(shape=(28, 15, 1)), "at least 16 x 16 pixels, got 28 x 15"),
        (lambda: qnn.LeNet(channels=(3,)), "channels must be those of two convolutions"),
        (lambda: qnn.LeNet(hidden=0), "hidden must be a whole number >= 1, got 0"),
        (lambda: qnn.Autoencoder([3]), "needs an input and a code"),
        (lambda: qnn.Conv1d(2, 3, 0), "Conv1d: kernel_size must be"),
    ],
)
def test_sizes_that_are_none_are_refused(build: Any, told: str) -> None:
    with pytest.raises(ShapeError, match=told):
        build()


@pytest.mark.parametrize("wrong", ["symetric:2", 3])
def test_a_quantizer_that_no_layer_has_is_looked_at_too(wrong: object) -> None:
    with pytest.raises((qnn.errors.SpecError, TypeError), match=r"symetric|3"):
        qnn.MLP([784, 10], weight=wrong)  # type: ignore[arg-type] # refused
