"""An example for every operation, away from its kinks: on these the laws are tested."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
RNG = np.random.default_rng(20)


class Example(NamedTuple):
    inputs: tuple[Array, ...]
    attributes: dict[str, Any]


def example(*inputs: Array, **attributes: Any) -> Example:
    return Example(inputs, attributes)


def normal(*shape: int) -> Array:
    return RNG.standard_normal(shape)


def positive(*shape: int) -> Array:
    return RNG.uniform(0.5, 2, shape)


def apart(*shape: int) -> Array:
    """Numbers at least 0.1 from each other and from 0, so that no extreme or kink is near."""
    size = int(np.prod(shape))
    return (RNG.permutation(size) * 0.25 - size // 2 * 0.25 + 0.125).reshape(shape)


def geometry(
    stride: tuple[int, int] = (1, 1),
    padding: tuple[int, int] = (0, 0),
    dilation: tuple[int, int] = (1, 1),
    groups: int = 1,
) -> dict[str, Any]:
    return {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}


LABELS = np.array([2, 0, 3])

EXAMPLES: dict[str, list[Example]] = {
    "absolute": [example(apart(2, 3)), example(apart(1).reshape(()))],
    "add": [example(normal(2, 3), normal(3)), example(normal(), normal(2, 1))],
    "add_at": [
        example(normal(2, 3), index=(slice(1, 3),), shape=(4, 3)),
        example(normal(3, 2), index=np.array([1, 1, 0]), shape=(2, 2)),
        example(normal(3), index=(np.array([0, 0, 1]), 1), shape=(2, 2)),
    ],
    "avg_pool2d": [
        example(normal(2, 4, 5, 3), kernel=(2, 2), stride=(2, 2), padding=(0, 0)),
        example(normal(1, 3, 5, 2), kernel=(2, 3), stride=(1, 2), padding=(1, 1)),
    ],
    "avg_pool2d_gradient": [
        example(
            normal(2, 2, 2, 3), shape=(2, 4, 5, 3), kernel=(2, 2), stride=(2, 2), padding=(0, 0)
        ),
    ],
    "batch_norm": [
        example(normal(4, 3), normal(3), normal(3), normal(3), positive(3), eps=1e-5),
        example(normal(2, 2, 2, 3), normal(3), normal(3), normal(3), positive(3), eps=0.1),
    ],
    "broadcast_to": [example(normal(3, 1), shape=(2, 3, 4)), example(normal(), shape=(2,))],
    "clip": [
        example(apart(3, 4), low=-0.5, high=0.75),
        example(apart(4), low=-np.inf, high=0.0),
    ],
    "concatenate": [
        example(normal(2, 3), normal(2, 1), normal(2, 0), axis=1),
        example(normal(2, 3), normal(1, 3), axis=-2),
        example(normal(2), axis=0),
    ],
    "conv2d": [
        example(normal(2, 4, 5, 3), normal(2, 2, 3, 3), normal(2), **geometry()),
        example(normal(1, 5, 4, 2), normal(3, 3, 2, 2), **geometry((2, 1), (1, 0), (1, 2))),
        example(normal(1, 3, 3, 4), normal(6, 2, 2, 2), normal(6), **geometry(groups=2)),
        example(normal(2, 1, 1, 1), normal(1, 3, 3, 1), **geometry(padding=(1, 1))),
    ],
    "conv2d_input_gradient": [
        example(normal(2, 3, 3, 2), normal(2, 2, 3, 3), shape=(2, 4, 5, 3), **geometry()),
        example(
            normal(1, 3, 2, 4),
            normal(4, 3, 2, 2),
            shape=(1, 5, 4, 4),
            **geometry((2, 1), (1, 0), (1, 2), groups=2),
        ),
    ],
    "conv2d_weight_gradient": [
        example(normal(2, 3, 3, 2), normal(2, 4, 5, 3), shape=(2, 2, 3, 3), **geometry()),
        example(
            normal(1, 3, 2, 4),
            normal(1, 5, 4, 4),
            shape=(4, 3, 2, 2),
            **geometry((2, 1), (1, 0), (1, 2), groups=2),
        ),
    ],
    "cos": [example(normal(2, 3))],
    "divide": [example(normal(2, 3), positive(3)), example(normal(), positive(2, 1))],
    # The same mask each time, so that there is a difference quotient.
    "dropout": [example(normal(2, 3), rate=0.4, draw=lambda: np.random.default_rng(0))],
    "exp": [example(normal(2, 3))],
    "getitem": [
        example(normal(4, 3), index=1),
        example(normal(4, 3), index=(slice(None, None, -2), None, 0)),
        example(normal(4, 3), index=[1, 1, 3]),
        example(normal(4, 3), index=(np.array([[0, 0], [3, 1]]), 2)),
        example(normal(4, 3), index=np.arange(12).reshape(4, 3) % 2 == 0),
        example(normal(4, 3), index=(Ellipsis, slice(0, 0))),
    ],
    "linear": [
        example(normal(2, 3), normal(4, 3), normal(4)),
        example(normal(2, 3), normal(4, 3)),
        example(normal(3), normal(4, 3), normal(4)),
        example(normal(2, 2, 3), normal(1, 3), normal(1)),
        example(normal(2, 0), normal(4, 0), normal(4)),
    ],
    "log": [example(positive(2, 3))],
    "log_softmax": [example(normal(2, 4), axis=-1), example(normal(2, 4), axis=0)],
    "matmul": [
        example(normal(2, 3), normal(3, 4)),
        example(normal(5, 2, 3), normal(3, 1)),
        example(normal(1, 2, 3), normal(2, 1, 3, 2)),
        example(normal(2, 0), normal(0, 3)),
    ],
    "max": [
        example(apart(2, 3), axis=None, keepdims=False),
        example(apart(2, 3, 2), axis=(0, -1), keepdims=True),
    ],
    "max_pool2d": [
        example(apart(2, 4, 5, 3), kernel=(2, 2), stride=(2, 2), padding=(0, 0)),
        example(apart(1, 4, 3, 2), kernel=(3, 2), stride=(2, 1), padding=(1, 1)),
    ],
    "max_pool2d_choice": [
        example(normal(1, 4, 3, 2), apart(1, 4, 3, 2), kernel=(3, 2), stride=(2, 1), padding=(1, 1))
    ],
    "max_pool2d_gradient": [
        example(normal(1, 2, 4, 2), apart(1, 4, 3, 2), kernel=(3, 2), stride=(2, 1), padding=(1, 1))
    ],
    "mean": [
        example(normal(2, 3), axis=None, keepdims=False),
        example(normal(2, 3, 2), axis=(-1, 0), keepdims=False),
    ],
    "maximum": [example(apart(2, 3), 0.1 + apart(3) / 7), example(0.1 + apart(1), apart(2, 1))],
    "minimum": [example(apart(2, 3), 0.1 + apart(3) / 7), example(0.1 + apart(1), apart(2, 1))],
    "min": [
        example(apart(2, 3), axis=1, keepdims=False),
        example(apart(2, 3), axis=None, keepdims=True),
    ],
    "multiply": [example(normal(2, 3), normal(3)), example(normal(), normal(2, 1))],
    "negative": [example(normal(2, 3))],
    "norm": [
        example(normal(2, 3), axis=None, keepdims=False),
        example(normal(2, 3, 2), axis=(0, -1), keepdims=True),
    ],
    "normalize_batch": [
        example(normal(5, 3), normal(3), normal(3), eps=1e-5),
        example(normal(2, 2, 2, 3), normal(3), normal(3), eps=0.1),
    ],
    "pad2d": [
        example(normal(2, 3, 4, 2), before=(1, 0), after=(0, 2), value=0.5),
        example(normal(1, 1, 1, 1), before=(0, 0), after=(0, 0), value=0.0),
    ],
    "power": [example(positive(2, 3), normal(3)), example(positive(), normal(2))],
    "relu": [example(apart(3, 4)), example(apart(1).reshape(()))],
    "relu_gradient": [example(normal(3, 4), apart(3, 4))],
    "reshape": [example(normal(2, 3), shape=(3, -1)), example(normal(1), shape=())],
    "sigmoid": [example(normal(2, 3))],
    "sin": [example(normal(2, 3))],
    "softmax": [example(normal(2, 4), axis=-1), example(normal(2, 3, 2), axis=1)],
    "softmax_cross_entropy": [example(normal(3, 4), labels=LABELS)],
    "softmax_cross_entropy_gradient": [example(normal(3, 4), labels=LABELS)],
    "softplus": [example(normal(2, 3)), example(np.array([-30.0, 30.0]))],
    "sqrt": [example(positive(2, 3))],
    "subtract": [example(normal(2, 3), normal(3)), example(normal(), normal(2, 1))],
    "sum": [
        example(normal(2, 3), axis=None, keepdims=False),
        example(normal(2, 3, 2), axis=(0, -1), keepdims=True),
        example(normal(2, 0, 2), axis=1, keepdims=False),
    ],
    "tanh": [example(normal(2, 3))],
    "transpose": [example(normal(2, 3, 4), axes=(2, 0, -2)), example(normal(2, 3), axes=None)],
    "variance": [
        example(normal(2, 3), axis=None, keepdims=False),
        example(normal(3, 2, 3), axis=(0, 2), keepdims=True),
    ],
    "where": [
        example(normal(2, 3), normal(3), mask=np.array([True, False, True])),
        example(normal(), normal(1, 2), mask=np.array([[True], [False]])),
    ],
}

# Not differentiable: tested against the gradient that they state.
SURROGATES = {"fake_quantize", "noisy_quantize", "quantized_product", "scale_gradient"}
