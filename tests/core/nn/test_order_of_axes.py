"""Images in the order that other frameworks have are refused by models that take images."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.errors import ShapeError

MODELS: dict[str, Callable[..., qnn.Module]] = {
    "LeNet": partial(qnn.LeNet, channels=(4, 8), hidden=8),
    "ResNet": qnn.ResNet,
    "DSCNN": partial(qnn.DSCNN, channels=8, first_kernel=3),
    "VGGSmall": partial(qnn.VGGSmall, width=4),
}
X = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype(np.float32)


@pytest.mark.parametrize("name", MODELS)
def test_channels_are_last(name: str) -> None:
    model = MODELS[name](shape=(16, 16, 3), seed=0).eval()
    expected = model(X).data
    np.testing.assert_array_equal(model(X.reshape(2, -1)).data, expected)
    with pytest.raises(ShapeError, match=r"are the channels first\? transpose\(0, 2, 3, 1\)"):
        model(X.transpose(0, 3, 1, 2))


def test_an_axis_of_one_moves_nothing() -> None:
    model = qnn.LeNet(channels=(4, 8), hidden=8, seed=0).eval()
    images = np.random.default_rng(0).normal(size=(2, 28, 28)).astype(np.float32)
    expected = model(images).data
    for shape in ((2, 784), (2, 1, 28, 28), (2, 28, 28, 1)):
        np.testing.assert_array_equal(model(images.reshape(shape)).data, expected)
    with pytest.raises(ShapeError, match=r"images \[batch, 28, 28, 1\] are needed"):
        model(images.reshape(2, 14, 56))
