from typing import Any, final

from numpy import float32, float64, int64, uint8
from numpy.typing import NDArray

from .search import Search

_Floats = NDArray[float32]
_Codes = NDArray[uint8]

@final
class Book:
    def __init__(
        self,
        *,
        bounded_thresholds: _Floats,
        count: int,
        per_step: float,
        search: Search | None,
        levels: _Floats,
        first: float,
        step: float,
    ) -> None: ...

def fake_forward(
    path: int,
    threads: int,
    book: Book,
    x: _Floats,
    scale: _Floats,
    shift: _Floats,
    rows: int,
    length: int,
    own_qparams: bool,
    code: _Codes,
    value: _Floats | None,
) -> bool: ...
def fake_backward(
    path: int,
    threads: int,
    book: Book,
    x: _Floats,
    scale: _Floats,
    shift: _Floats,
    rows: int,
    length: int,
    own_qparams: bool,
    code: _Codes,
    g: _Floats,
    dx: _Floats | None,
    scale_sums: NDArray[float64] | None,
    shift_sums: NDArray[float64] | None,
) -> None: ...
def fake_slopes(
    path: int,
    threads: int,
    book: Book,
    x: _Floats,
    scale: _Floats,
    shift: _Floats,
    rows: int,
    length: int,
    own_qparams: bool,
    code: _Codes,
    scale_gradient: _Floats,
    shift_gradient: _Floats | None,
) -> None: ...
def fake_error(
    path: int,
    threads: int,
    book: Book,
    x: _Floats,
    scale: _Floats,
    shift: _Floats,
    rows: int,
    length: int,
    candidates: int,
    even: bool,
    weight: _Floats | None,
    weight_stride: int,
    error: NDArray[float64],
) -> None: ...
def sgd(
    path: int,
    threads: int,
    w: _Floats,
    g: _Floats,
    rate: float,
    decay: float,
    low: float,
    high: float,
) -> None: ...
def sgd_momentum(
    path: int,
    threads: int,
    w: _Floats,
    g: _Floats,
    rate: float,
    decay: float,
    low: float,
    high: float,
    velocity: _Floats,
    momentum: float,
    nesterov: bool,
) -> None: ...
def adam(
    path: int,
    threads: int,
    w: _Floats,
    g: _Floats,
    rate: float,
    decay: float,
    low: float,
    high: float,
    mean: _Floats,
    square: _Floats,
    beta1: float,
    beta2: float,
    epsilon: float,
    correction1: float,
    correction2: float,
    decoupled_decay: float,
) -> None: ...
def sgd_all(
    path: int,
    threads: int,
    parameters: list[Any],
    slots: list[list[_Floats]],
    rate: float,
    decay: float,
    momentum: float,
    nesterov: bool,
) -> bool: ...
def adam_all(
    path: int,
    threads: int,
    parameters: list[Any],
    slots: list[list[_Floats]],
    rate: float,
    decay: float,
    beta1: float,
    beta2: float,
    epsilon: float,
    correction1: float,
    correction2: float,
    decoupled_decay: float,
) -> bool: ...
def average(path: int, threads: int, y: _Floats, x: _Floats, keep: float, take: float) -> None: ...
def relu(path: int, threads: int, x: _Floats, y: _Floats) -> None: ...
def relu_backward(path: int, threads: int, g: _Floats, x: _Floats, y: _Floats) -> None: ...
def lookup(path: int, threads: int, code: _Codes, table: _Floats, y: _Floats) -> None: ...
def first_outside(label: NDArray[int64], classes: int) -> int: ...
def entropy(
    path: int,
    threads: int,
    x: _Floats,
    label: NDArray[int64],
    rows: int,
    columns: int,
    factor: float,
    gradient: _Floats | None,
) -> float: ...
