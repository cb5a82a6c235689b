"""Who wrote to an array, and when: data that backward reads must be what the operation read.

Writers of ours (optimizers, `load_state_dict`, calibration, the setter of `Tensor.data`) say when
they write. What somebody outside may write to, because they took the array out by `Tensor.data`, is
compared by a digest: when an operation is recorded, and when its derivative is asked for.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import digest as kernel

Array = NDArray[Any]


class Clock:
    """Counts writes: what happened later has the greater number."""

    __slots__ = ("now",)

    now: int

    def __init__(self) -> None:
        self.now = 0

    def tick(self) -> int:
        """Return a number greater than all before."""
        self.now += 1
        return self.now


CLOCK = Clock()


class Memory:
    """What is known of an array that one tensor has, or several whose arrays are views of it.

    Attributes:
        array: all of it.
        written: when the last write was noticed.
        exposed: whether somebody outside may write to it.
        known: the digest of what nothing was written to since, None if there is none.
    """

    __slots__ = ("array", "exposed", "known", "written")

    array: Array
    written: int
    exposed: bool
    known: Any

    def __init__(self, array: Array) -> None:
        self.array = array
        self.written = 0
        self.exposed = False
        self.known = None

    def write(self) -> None:
        """Take note that the data are written to now."""
        self.written = CLOCK.tick()
        self.known = None

    def expose(self, used: bool) -> None:
        """Take note that somebody gets hold of the array; `used`: it may be part of a graph."""
        if used and not self.exposed:
            # The data are still those that were read, unless their digest says otherwise.
            self.known = digest_of(self.array)
        self.exposed = True

    def look(self) -> None:
        """Find out whether somebody wrote to the array since the last look."""
        if not self.exposed:
            return
        found = digest_of(self.array)
        if self.known is None:
            self.known = found
        elif found != self.known:
            self.written = CLOCK.tick()
            self.known = found
        if self.holders() <= ALONE and self.array.flags.owndata:
            self.exposed = False

    def holders(self) -> int:
        """Return how many hold the array, and as many more as it takes to count them."""
        return sys.getrefcount(self.array)


# Held by this module's object and by one tensor: by nobody outside any more.
ALONE = Memory(np.empty(1)).holders() + 1


def digest_of(array: Array) -> int:
    """Return a digest of all of an array."""
    if array.flags.f_contiguous:
        array = array.T
    if not array.flags.c_contiguous:
        array = np.ascontiguousarray(array)
    return kernel.digest(array)
