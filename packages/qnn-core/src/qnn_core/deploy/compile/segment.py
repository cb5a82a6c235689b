"""Runs of nodes that the engine does in one go, block of rows by block of rows."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..._kernels import engine
from ...errors import NonFiniteError, ShapeError
from ...gemm.im2col import Im2col
from ...gemm.layouts import padded
from ...machine.threads import threads_for
from ...qtensor import QuantizedTensor

Array = NDArray[Any]


@dataclass
class Segment:
    """A run of nodes from one value to another, both of rows along the last axis.

    Attributes:
        source: name of the value that it takes.
        output: name of the value that it makes.
        k: columns of the source.
        n: columns of the output.
        coding: what the codes mean that it makes; None if it makes floats.
        takes_codes: whether the source is codes, not floats.
        encodes: whether it refuses a source that is not finite.
        program: the steps.
        work: nanoseconds of a row on one thread, about.
        where: its first node, for messages.
        kernels: output name and kernel of each product, in order.
        images: of a segment that begins with a convolution: its source is images, not rows.
        flat: whether a row is all that a sample has, on however many axes.
    """

    source: str
    output: str
    k: int
    n: int
    coding: QuantizedTensor | None
    takes_codes: bool
    encodes: bool
    program: engine.Program
    work: float
    where: str
    kernels: tuple[tuple[str, str], ...] = ()
    images: "Images | None" = None
    flat: bool = False

    def __call__(self, x: Array) -> Array:
        """Return the output for rows of any leading shape: float32, or uint8 codes."""
        shape = x.shape
        if self.flat:
            x = x.reshape(len(x), math.prod(shape[1:]))
        if self.images is None:
            rows, lead = rows_of(x, self.k, self.where), x.shape[:-1]
        else:
            rows, lead = self.images.of(x, self.where)
        m = math.prod(lead)
        if self.coding is None:
            y = np.empty((m, self.n), np.float32)
        else:
            y = np.empty((m, padded(self.n)), np.uint8)
        if self.program.run(rows, y, 0, m, threads_for(self.work * m)):
            raise NonFiniteError(f"{self.where}: values to quantize are not finite")
        if self.coding is not None:
            y = np.asarray(y[:, : self.n], order="C")
        if self.flat:
            return y.reshape(shape)
        return y if len(lead) == 1 else y.reshape(*lead, self.n)


@dataclass(frozen=True, eq=False)
class Images:
    """What a convolution at the start of a segment looks at.

    Attributes:
        shape: height, width and channels.
        output: height and width of what it makes.
        gather: how windows on the images become rows.
    """

    shape: tuple[int, ...]
    output: tuple[int, int]
    gather: Im2col

    def of(self, x: Array, where: str) -> tuple[Array, tuple[int, ...]]:
        """Return the images as the engine reads them, and the lengths of the rows' axes.

        Raises:
            ShapeError: if they are others than the windows were made for.
        """
        if x.shape[1:] != self.shape:
            raise ShapeError(f"{where}: images of shape {self.shape} are needed, got {x.shape}")
        return self.gather.image(x), (len(x), *self.output)


def rows_of(x: Array, k: int, where: str) -> Array:
    """Return an array as contiguous rows of `k` columns: the engine believes that they are.

    Raises:
        ShapeError: if the last axis is not that long.
    """
    if x.shape[-1] != k:
        raise ShapeError(f"{where}: {k} columns are needed, got shape {x.shape}")
    return np.asarray(x, order="C").reshape(math.prod(x.shape[:-1]), k)
