# cython: auto_pickle=False
"""Instructions that take element after element."""

cimport cython
from libc.math cimport INFINITY, NAN
from libc.stdint cimport int64_t
from libc.string cimport memcpy

import numpy as np

from .instruction cimport Instruction
from .training cimport limit_backward_of, limit_of, relu_backward_of, relu_of


@cython.final
cdef class Exp(Instruction):
    """The exponential, of NumPy: its last bits are its own."""

    cpdef int forward(self, int path, int threads) except -1:
        np.exp(self.inputs[0].array, self.output.array)
        return 0

    cpdef int backward(self, int path, int threads) except -1:
        times(self.g.data, self.output.data, self.dx(0), self.output.array.size)
        return 0


@cython.final
cdef class Add(Instruction):
    """The sum of two arrays of one shape; then a relu.

    Both gradients are the same numbers: slots may be one.
    """

    cdef bint relu

    def __cinit__(self):
        self.alike = True

    cpdef int forward(self, int path, int threads) except -1:
        sums(self.x(0), self.x(1), self.output.data, self.output.array.size, self.relu)
        return 0

    cpdef int backward(self, int path, int threads) except -1:
        cdef float* a = self.dx(0)
        cdef float* b = self.dx(1)
        cdef float* first = b if a == NULL else a
        cdef int64_t size = self.output.array.size
        if self.relu:
            # What comes out is above zero where the sum is.
            relu_backward_of(path, threads, self.g.data, self.output.data, first, size)
        else:
            memcpy(first, self.g.data, size * sizeof(float))
        if a != NULL and b != NULL and a != b:
            memcpy(b, a, size * sizeof(float))
        return 0

    cpdef bint takes_over(self, Instruction next) except -1:
        if self.relu or not isinstance(next, Relu):
            return False
        self.relu = True
        return True


cdef void sums(const float* a, const float* b, float* y, int64_t size, bint relu) noexcept nogil:
    cdef int64_t i
    cdef float total
    if not relu:
        for i in range(size):
            y[i] = a[i] + b[i]
        return
    for i in range(size):
        total = a[i] + b[i]
        y[i] = 0 if total <= 0 else total


@cython.final
cdef class Multiply(Instruction):
    """The product of two arrays of one shape."""

    cpdef int forward(self, int path, int threads) except -1:
        times(self.x(0), self.x(1), self.output.data, self.output.array.size)
        return 0

    cpdef int backward(self, int path, int threads) except -1:
        cdef int n
        for n in range(2):
            if self.dx(n) != NULL:
                times(self.g.data, self.x(1 - n), self.dx(n), self.output.array.size)
        return 0


cdef void times(const float* a, const float* b, float* y, int64_t size) noexcept nogil:
    cdef int64_t i
    for i in range(size):
        y[i] = a[i] * b[i]


cdef class Limit(Instruction):
    """``min(max(x, low), high)``, where either limit may be infinite.

    Args:
        low: float32.
        high: likewise, not below it.
    """

    def __init__(self, float low, float high):
        # Where no limit is a zero, zeros keep their sign.
        self.limits.zero = 0.0 if low == 0 or high == 0 else -0.0
        self.limits.low, self.limits.high, self.limits.stop = low, high, NAN

    cpdef int forward(self, int path, int threads) except -1:
        cdef int64_t size = self.output.array.size
        limit_of(path, threads, &self.limits, self.x(0), self.output.data, size)
        return 0

    cpdef int backward(self, int path, int threads) except -1:
        cdef int64_t size = self.output.array.size
        limit_backward_of(
            path, threads, &self.limits, self.g.data, self.x(0), self.dx(0), size
        )
        return 0


@cython.final
cdef class Relu(Limit):
    """``max(x, 0)``; at 0 it lets no gradient pass."""

    def __init__(self):
        Limit.__init__(self, 0, INFINITY)
        self.limits.stop = 0

    cpdef int forward(self, int path, int threads) except -1:
        relu_of(path, threads, self.x(0), self.output.data, self.output.array.size)
        return 0

    cpdef int backward(self, int path, int threads) except -1:
        cdef int64_t size = self.output.array.size
        relu_backward_of(path, threads, self.g.data, self.x(0), self.dx(0), size)
        return 0
