from typing import final

from numpy import float32
from numpy.typing import NDArray

@final
class Search:
    def __init__(self, thresholds: NDArray[float32]) -> None: ...
