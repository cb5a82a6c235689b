from typing import Any

from numpy.typing import NDArray

_Array = NDArray[Any]

def sgd(weight_n: _Array, grad_n: _Array, lr: float, decay: float) -> None: ...
def sgd_momentum(
    weight_n: _Array,
    grad_n: _Array,
    velocity_n: _Array,
    lr: float,
    decay: float,
    momentum: float,
    nesterov: bool,
) -> None: ...
def adam(
    weight_n: _Array,
    grad_n: _Array,
    mean_n: _Array,
    square_n: _Array,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    correction1: float,
    correction2: float,
    l2_decay: float,
    decoupled_decay: float,
) -> None: ...
