# cython: auto_pickle=False
"""Memory that one array after the other uses.

A training step asks for the same large arrays again and again. The C library gives such blocks back
to the system when they are freed, and every page of the next one costs a fault: in a step of a
millisecond, that is most of the time.
"""

cimport cython
from cpython.buffer cimport PyBuffer_FillInfo
from libc.stdlib cimport free, malloc
from libc.stdint cimport uintptr_t

import numpy as np

from .watched cimport allow, forbid

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef enum:
    ALIGNMENT = 64
    SLOTS = 256          # blocks that are kept

# What is kept at most, in bytes.
cdef size_t MOST = 1 << 28

# What an array can have at most: beyond, rounding up would overflow.
cdef size_t MOST_POSSIBLE = PY_SSIZE_T_MAX // 2

cdef struct Kept:
    char* memory
    size_t size

cdef Kept kept[SLOTS]
cdef int count = 0
cdef size_t total = 0


cdef size_t rounded(size_t size) noexcept:
    """Sizes in steps of an eighth, so that nearly equal arrays share blocks."""
    cdef size_t step = 4096
    while step * 16 <= size:
        step *= 2
    return (size + step - 1) // step * step


cdef char* take(size_t size) noexcept:
    """Return a kept block of just this size, the one freed last, or a new one."""
    global count, total
    cdef int i
    cdef char* memory
    for i in range(count - 1, -1, -1):
        if kept[i].size == size:
            memory = kept[i].memory
            count -= 1
            total -= size
            while i < count:
                kept[i] = kept[i + 1]
                i += 1
            return memory
    return <char*>malloc(size + ALIGNMENT)


cdef void give(char* memory, size_t size) noexcept:
    """Keep a block; the ones that nobody wanted for longest make room."""
    global count, total
    cdef int i
    if size > MOST:
        free(memory)
        return
    forbid(memory, size + ALIGNMENT)
    while count == SLOTS or total + size > MOST:
        free(kept[0].memory)
        total -= kept[0].size
        count -= 1
        for i in range(count):
            kept[i] = kept[i + 1]
    kept[count].memory = memory
    kept[count].size = size
    count += 1
    total += size


@cython.final
cdef class Block:
    """Memory of at least `size` bytes that starts at a cache line; given back when forgotten."""

    def __init__(self, size_t size):
        if size > MOST_POSSIBLE:
            raise MemoryError(f"{size:,} bytes")
        self.length = size
        self.size = rounded(size)
        self.memory = take(self.size)
        if self.memory == NULL:
            raise MemoryError(f"{size:,} bytes")
        forbid(self.memory, self.size + ALIGNMENT)
        allow(self.start(), self.length)

    def __getbuffer__(self, Py_buffer* view, int flags):
        PyBuffer_FillInfo(view, self, self.start(), self.length, 0, flags)

    cdef char* start(self) noexcept:
        """Where the memory begins."""
        cdef uintptr_t beyond = <uintptr_t>self.memory % ALIGNMENT
        return self.memory + (ALIGNMENT - beyond) % ALIGNMENT

    def __dealloc__(self):
        if self.memory != NULL:
            give(self.memory, self.size)


# Arrays of fewer elements the C library keeps by itself.
cdef enum:
    LEAST = 1 << 13


def empty(tuple shape, dtype):
    """Return an array as `numpy.empty` does, large ones in memory that is used again.

    Up to 256 MiB that no array uses any longer are kept for the next ones.
    """
    elements = 1
    for length in shape:
        elements *= length
    if elements < LEAST:
        return np.empty(shape, dtype)
    return np.ndarray(shape, dtype, Block(elements * np.dtype(dtype).itemsize))


def kept_bytes():
    """Return how many bytes are kept for arrays to come."""
    return total
