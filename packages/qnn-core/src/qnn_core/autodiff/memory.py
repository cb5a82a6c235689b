"""Who wrote to an array, and when: data that backward reads must be what the operation read.

Writers of ours (optimizers, `load_state_dict`, calibration, the setter of `Tensor.data`) say when
they write. What somebody outside may write to, because they took the array out or brought it, is
compared by a digest: when an operation is recorded, and when its derivative is asked for.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._kernels import digest as kernel

Array = NDArray[Any]

# Of an array that was made outside, so many parts are looked at, and so many elements of each.
PARTS, HEAD = 256, 16


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
        foreign: whether it was made outside: batches, mostly, which are large and always held.
        known: the digest of what nothing was written to since, None if there is none.
    """

    __slots__ = ("array", "exposed", "foreign", "known", "written")

    array: Array
    written: int
    exposed: bool
    foreign: bool
    known: Any

    def __init__(self, array: Array) -> None:
        self.array = array
        self.written = 0
        self.exposed = False
        self.foreign = False
        self.known = None

    def write(self) -> None:
        """Take note that the data are written to now."""
        self.written = CLOCK.tick()
        self.known = None

    def expose(self, used: bool) -> None:
        """Take note that somebody gets hold of the array; `used`: it may be part of a graph."""
        if used and (not self.exposed or self.foreign):
            # The data are still those that were read, unless their digest says otherwise.
            self.look()
            self.known = digest_of(self.array)
        self.exposed = True
        self.foreign = False

    def look(self) -> None:
        """Find out whether somebody wrote to the array since the last look."""
        if not self.exposed:
            return
        found = digest_of(self.array, sample=self.foreign)
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


def foreign(array: Array) -> Memory:
    """Return what is known of an array that was made outside."""
    memory = Memory(array)
    memory.exposed = True
    memory.foreign = True
    return memory


def digest_of(array: Array, *, sample: bool = False) -> int:
    """Return a digest of all of an array, or of the heads of its parts if it is a large one."""
    if array.flags.f_contiguous:
        array = array.T
    if not array.flags.c_contiguous:
        array = np.ascontiguousarray(array)
    if sample and array.size > 2 * PARTS * HEAD:
        parts = array.reshape(-1)[: array.size // PARTS * PARTS].reshape(PARTS, -1)
        array = np.ascontiguousarray(parts[:, :HEAD])
    return kernel.digest(array)
