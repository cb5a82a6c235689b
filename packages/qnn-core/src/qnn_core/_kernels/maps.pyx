# cython: auto_pickle=False
"""Instructions that take element after element."""

cimport cython
from libc.stdint cimport int64_t

import numpy as np

from .instruction cimport Instruction
from .training cimport relu_backward_of, relu_of


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


@cython.final
cdef class Relu(Instruction):
    """``max(x, 0)``."""

    cpdef int forward(self, int path, int threads) except -1:
        relu_of(path, threads, self.x(0), self.output.data, self.output.array.size)
        return 0

    cpdef int backward(self, int path, int threads) except -1:
        cdef int64_t size = self.output.array.size
        relu_backward_of(path, threads, self.g.data, self.x(0), self.dx(0), size)
        return 0
