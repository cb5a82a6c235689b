# cython: auto_pickle=False
"""The instruction of a batch normalization in training."""

cimport cython
from libc.math cimport sqrtf
from libc.stdint cimport int64_t

import numpy as np

from .buffers cimport address
from .channels cimport moments_of, normalize_backward_of, normalize_of, products_of
from .instruction cimport Instruction
from .maps cimport Relu


@cython.final
cdef class NormalizeBatch(Instruction):
    """``(x - mean) * (weight / sqrt(variance + eps)) + bias`` by the moments of x; then a relu.

    Args:
        shape: of x, as kernels of channels take it.
        most: threads that pay for it.
        eps: keeps the root away from zero.

    Attributes:
        moments: mean and variance of the last forward, float32 ``[channels]``, in place.
    """

    cdef tuple shape
    cdef int most
    cdef float eps, count
    cdef int64_t rows, c, ways
    cdef readonly tuple moments
    cdef object sums_, constants_
    cdef float* mean
    cdef float* variance
    cdef double* first
    cdef double* second
    cdef float* constants
    cdef bint relu

    def __init__(self, tuple shape, int most, float eps):
        self.shape, self.most, self.eps = shape, most, eps
        self.rows, self.c, self.ways, _ = shape
        self.count = <float>self.rows
        self.moments = tuple([np.empty(self.c, np.float32) for _ in range(2)])
        self.mean, self.variance = (
            <float*>address(self.moments[0]), <float*>address(self.moments[1])
        )
        self.sums_ = np.empty((2, self.c))
        self.first = <double*>address(self.sums_)
        self.second = self.first + self.c
        self.constants_ = np.empty((4, self.ways, self.c), np.float32)
        self.constants = <float*>address(self.constants_)

    cpdef int forward(self, int path, int threads) except -1:
        cdef const float* weight = self.x(1)
        cdef const float* bias = self.x(2)
        cdef int64_t i
        cdef double square
        threads = min(threads, self.most)
        moments_of(path, threads, self.shape, self.x(0), self.first, self.second)
        for i in range(self.c):
            self.mean[i] = <float>self.first[i]
            square = self.second[i] / self.rows
            # What is no number stays what it is.
            self.variance[i] = 0 if square < 0 else <float>square
            self.constant(0)[i] = self.mean[i]
            self.constant(1)[i] = weight[i] / sqrtf(self.variance[i] + self.eps)
            self.constant(2)[i] = bias[i]
        self.repeat(3)
        normalize_of(
            path, threads, self.shape, self.x(0), self.constants, self.output.data, self.relu
        )
        return 0

    cpdef int backward(self, int path, int threads) except -1:
        cdef const float* x = self.x(0)
        cdef const float* weight = self.x(1)
        cdef float* total = self.dx(2)
        cdef float* moment = self.dx(1)
        cdef const float* kept = self.output.data if self.relu else NULL
        cdef float inverse, factor, by_moment, by_total
        cdef int64_t i
        threads = min(threads, self.most)
        for i in range(self.c):
            self.constant(0)[i] = self.mean[i]
        self.repeat(1)
        products_of(
            path, threads, self.shape, x, self.g.data, self.constants, self.first, self.second,
            kept,
        )
        for i in range(self.c):
            inverse = 1 / sqrtf(self.variance[i] + self.eps)
            by_total = <float>self.first[i]
            by_moment = <float>self.second[i] * inverse
            factor = weight[i] * inverse
            self.constant(1)[i] = factor
            self.constant(2)[i] = -factor * inverse * by_moment / self.count
            self.constant(3)[i] = -factor * by_total / self.count
            if total != NULL:
                total[i] = by_total
            if moment != NULL:
                moment[i] = by_moment
        if self.dx(0) != NULL:
            self.repeat(4)
            normalize_backward_of(
                path, threads, self.shape, x, self.g.data, self.constants, self.dx(0), kept
            )
        return 0

    cpdef bint takes_over(self, Instruction next) except -1:
        if self.relu or not isinstance(next, Relu):
            return False
        self.relu = True
        return True

    cdef float* constant(self, int n) noexcept:
        return self.constants + n * self.ways * self.c

    cdef void repeat(self, int count) noexcept:
        """Write so many constants for as many rows as are taken at a time."""
        cdef int n
        cdef int64_t way, i
        cdef float* to
        for n in range(count):
            to = self.constant(n)
            for way in range(1, self.ways):
                for i in range(self.c):
                    to[way * self.c + i] = to[i]
