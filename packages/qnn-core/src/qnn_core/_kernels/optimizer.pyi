from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

def sgd(weight_n: Array, grad_n: Array, lr: float, decay: float) -> None: ...
def sgd_momentum(
    weight_n: Array,
    grad_n: Array,
    velocity_n: Array,
    lr: float,
    decay: float,
    momentum: float,
    nesterov: bool,
) -> None: ...
def adam(
    weight_n: Array,
    grad_n: Array,
    mean_n: Array,
    square_n: Array,
    lr: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    correction1: float,
    correction2: float,
    l2_decay: float,
    decoupled_decay: float,
) -> None: ...
