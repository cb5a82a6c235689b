from typing import Any, final

from numpy import float32, int32, uint8, uint32
from numpy.typing import NDArray

from .search import Search

FORMATS: dict[str, int]
KINDS: dict[str, int]
LINKS: dict[str, int]

def supported() -> tuple[str, ...]: ...
def multiplies_bytes(path: int) -> bool: ...

@final
class Requantizer:
    def __init__(
        self,
        *,
        format: str,
        bits: int,
        count: int,
        base: int = 0,
        increments: NDArray[Any] | None = None,
        elements: NDArray[Any] | None = None,
        sum_thresholds: NDArray[Any] | None = None,
        flips: NDArray[Any] | None = None,
        float_thresholds: NDArray[Any] | None = None,
        per_step: float = 0,
        search: Search | None = None,
        slopes: NDArray[Any] | None = None,
        starts: NDArray[Any] | None = None,
        searched: NDArray[Any] | None = None,
        gain: int = 0,
    ) -> None: ...

@final
class Weights:
    def __init__(
        self,
        *,
        kind: str,
        x_bits: int,
        w_bits: int,
        k: int,
        n: int,
        panels: NDArray[Any],
        scale: NDArray[Any],
        bias: NDArray[Any],
        levels: NDArray[Any] | None = None,
        alpha: int = 1,
        row_factor: int = 0,
        offset: NDArray[Any] | None = None,
    ) -> None: ...

@final
class Windows:
    def __init__(
        self,
        *,
        image: tuple[int, ...],
        output: tuple[int, ...],
        kernel: tuple[int, ...],
        stride: tuple[int, ...],
        padding: tuple[int, ...],
        dilation: tuple[int, ...],
        pixel: int,
        tail: int = 0,
        fill: tuple[int, ...] = (0,),
    ) -> None: ...

@final
class Program:
    def __init__(self, path: int, strides: list[int], most: int) -> None: ...
    def encode(self, source: int, target: int, n: int, requantizer: Requantizer) -> None: ...
    def layout(self, source: int, target: int, n: int, requantizer: Requantizer) -> None: ...
    def product(
        self,
        source: int,
        target: int,
        weights: Weights,
        out: str,
        requantizer: Requantizer | None = None,
    ) -> None: ...
    def chain(
        self,
        source: int,
        target: int,
        n: int,
        links: list[tuple[str, NDArray[Any] | None]],
    ) -> None: ...
    def gather(self, source: int, target: int, windows: Windows) -> None: ...
    def depthwise(
        self,
        source: int,
        target: int,
        windows: Windows,
        weights: Weights,
        out: str,
        requantizer: Requantizer | None = None,
    ) -> None: ...
    def run(
        self,
        x: NDArray[Any],
        y: NDArray[Any],
        start: int,
        stop: int,
        threads: int = 1,
        grain: int = 1,
    ) -> int: ...

def panels(word_nt: NDArray[uint32], out_ptc: NDArray[uint32]) -> None: ...
def prepack_weights(
    path: int,
    threads: int,
    code_nk: NDArray[uint8],
    requantizer: Requantizer,
    planes: int,
    words: int,
    stride: int,
    out_ptc: NDArray[uint32],
    sum_np: NDArray[int32],
) -> None: ...

@final
class Multiplier:
    def __init__(
        self,
        *,
        path: int,
        rows: int,
        n: int,
        k: int,
        program: Program,
        requantizer: Requantizer,
        panels: NDArray[uint32],
        sums: NDArray[int32],
        offset: NDArray[int32],
        scale: NDArray[float32],
        bias: NDArray[float32],
        by_plane: tuple[int, ...],
        constant: int,
        words: int,
        stride: int,
        most: int,
    ) -> None: ...
