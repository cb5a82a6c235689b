"""The optimizers against their formulas in NumPy, step by step."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qnn_core import Parameter, Tensor, optim

Update = Callable[[np.ndarray, np.ndarray, dict[str, Any], int], np.ndarray]
LR = 0.05


def sgd(momentum: float = 0, nesterov: bool = False, decay: float = 0) -> Update:
    def update(w: np.ndarray, g: np.ndarray, state: dict[str, Any], step: int) -> np.ndarray:
        g = g + decay * w
        v = state["v"] = momentum * state.get("v", 0) + g
        return w - LR * (g + momentum * v if nesterov else v)

    return update


def adam(
    decay: float = 0, decoupled: bool = False, beta: tuple[float, float] = (0.9, 0.999)
) -> Update:
    def update(w: np.ndarray, g: np.ndarray, state: dict[str, Any], step: int) -> np.ndarray:
        g = g if decoupled else g + decay * w
        m = state["m"] = beta[0] * state.get("m", 0) + (1 - beta[0]) * g
        v = state["v"] = beta[1] * state.get("v", 0) + (1 - beta[1]) * g**2
        m, v = m / (1 - beta[0] ** step), v / (1 - beta[1] ** step)
        shrunk = w * (1 - LR * decay) if decoupled else w
        return shrunk - LR * m / (np.sqrt(v) + 1e-8)

    return update


CASES = [
    (optim.SGD, {}, sgd()),
    (optim.SGD, {"weight_decay": 0.1}, sgd(decay=0.1)),
    (optim.SGD, {"momentum": 0.9}, sgd(0.9)),
    (optim.SGD, {"momentum": 0.9, "weight_decay": 0.1}, sgd(0.9, decay=0.1)),
    (optim.SGD, {"momentum": 0.9, "nesterov": True}, sgd(0.9, nesterov=True)),
    (optim.Adam, {}, adam()),
    (optim.Adam, {"weight_decay": 0.1}, adam(0.1)),
    (optim.Adam, {"betas": (0.5, 0.9)}, adam(beta=(0.5, 0.9))),
    (optim.AdamW, {"weight_decay": 0.1}, adam(0.1, decoupled=True)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (1,), (7, 3), (0, 2)])
@pytest.mark.parametrize(("cls", "options", "update"), CASES)
def test_thirty_steps(cls: Any, options: dict, update: Update, shape: tuple, dtype: Any) -> None:
    rng = np.random.default_rng(1)
    parameter = Parameter(rng.normal(size=shape), dtype)
    optimizer = cls([parameter], LR, **options)
    expected, state = parameter.data.astype(np.float64), {}
    for step in range(1, 31):
        gradient = rng.normal(size=shape).astype(dtype)
        parameter.grad = Tensor(gradient, dtype)
        optimizer.step()
        expected = update(expected, gradient.astype(np.float64), state, step)
        tolerance = 1e-12 if dtype is np.float64 else 2e-5
        np.testing.assert_allclose(parameter.data, expected, rtol=tolerance, atol=tolerance)
    assert parameter.data.dtype == dtype


# Of a pixel that is never there again, or a weight beyond its range, the gradient stays away.
@pytest.mark.parametrize(
    ("cls", "options", "most"),
    [
        (optim.SGD, {"momentum": 0.9}, 2_000),
        (optim.SGD, {"momentum": 0.5, "nesterov": True}, 400),
        (optim.Adam, {"betas": (0.9, 0.95)}, 4_000),
    ],
)
def test_what_is_kept_fades_to_zero_not_to_subnormals(cls: Any, options: dict, most: int) -> None:
    rng = np.random.default_rng(1)
    parameter = Parameter(rng.normal(size=100), np.float32)
    optimizer = cls([parameter], LR, **options)
    gradient = rng.normal(size=100).astype(np.float32)
    kept: list[np.ndarray] = []
    for step in range(most):
        parameter.grad = Tensor(gradient if step < 3 else np.zeros_like(gradient))
        optimizer.step()
        state = optimizer.state_dict()
        kept = [array for name, array in state.items() if name.endswith(".0")]
        for array in kept:
            assert not ((array != 0) & (np.abs(array) < np.finfo(np.float32).tiny)).any()
    assert not any(array.any() for array in kept)
