# cython: auto_pickle=False
"""Instructions of layers that are a matrix product."""

cimport cython
from libc.math cimport rint
from libc.stdint cimport int64_t, uint8_t

import numpy as np

from .buffers cimport address
from .channels cimport few_sums_of, sums_of
from .float_gemm cimport affine_gradients_of, affine_of
from .instruction cimport Instruction
from .training cimport fake_backward_of, fake_forward_of, lookup_of


@cython.final
cdef class ChannelSums:
    """The sums of the columns of a matrix, as `gemm.channel_sums` takes them.

    Args:
        few: whether row by row, in float32.
        shape: of the matrix, as kernels of channels take it.
        most: threads that pay for it.
    """

    cdef bint few
    cdef tuple shape
    cdef int most
    cdef int64_t rows, columns
    cdef object total_
    cdef double* total

    def __init__(self, bint few, tuple shape, int most):
        self.few, self.shape, self.most = few, shape, most
        self.rows, self.columns = shape[:2]
        self.total_ = np.empty(self.columns)
        self.total = <double*>address(self.total_)

    cdef int write(self, int path, int threads, const float* x, float* y) except -1:
        cdef int64_t i
        if self.few:
            few_sums_of(x, y, self.rows, self.columns)
            return 0
        sums_of(path, min(threads, self.most), self.shape, x, self.total)
        for i in range(self.columns):
            y[i] = <float>self.total[i]
        return 0


@cython.final
cdef class Linear(Instruction):
    """``x @ w.T + bias`` of floats.

    Args:
        m: samples.
        n: outputs.
        k: inputs.
        sums: for the gradient of the bias.
    """

    cdef int64_t m, n, k
    cdef ChannelSums sums

    def __init__(self, int64_t m, int64_t n, int64_t k, ChannelSums sums):
        self.m, self.n, self.k, self.sums = m, n, k, sums

    cpdef int forward(self, int path, int threads) except -1:
        cdef const float* bias = self.x(2) if len(self.inputs) > 2 else NULL
        affine_of(
            path, threads, self.x(0), self.x(1), NULL, bias, self.output.data, self.m, self.n,
            self.k,
        )
        return 0

    cpdef int backward(self, int path, int threads) except -1:
        affine_gradients_of(
            path, threads, self.g.data, self.x(0), self.x(1), self.dx(0), self.dx(1), self.m,
            self.n, self.k,
        )
        if len(self.inputs) > 2 and self.dx(2) != NULL:
            self.sums.write(path, threads, self.g.data, self.dx(2))
        return 0


@cython.final
cdef class Factor:
    """One side of a product of quantized factors: its tables, its codes, and what they stand for.

    Args:
        book: the scheme's tables.
        greatest: the greatest magnitude of a level.
        grid: ``grid(zero)``, for a zero point: float32 ``[levels]``, the elements as whole numbers,
            the unit and the greatest magnitude of these; None if they are not whole.
        size: of the data.
    """

    cdef object book, grid, arrays
    cdef float greatest
    cdef int64_t size
    cdef uint8_t* codes
    # Values as they are, and elements in units.
    cdef float* values
    cdef float* elements
    # Scale and shift of the last forward: those that there are may be others by now.
    cdef float scale, shift
    # The zero point that the table is for.
    cdef float zero
    cdef bint known
    cdef object table
    cdef float unit
    cdef double reach

    def __init__(self, object book, float greatest, object grid, int64_t size):
        self.book, self.grid, self.greatest, self.size = book, grid, greatest, size
        codes, values, elements = (np.empty(size, t) for t in (np.uint8, np.float32, np.float32))
        self.arrays = (codes, values, elements)
        self.codes = <uint8_t*>address(codes)
        self.values, self.elements = <float*>address(values), <float*>address(elements)

    cdef bint usual(self, const float* scale, const float* shift) except -1:
        """Take over scale and shift; return whether they are what this is made for."""
        cdef float zero = 0, most = 1e30
        self.scale, self.shift = scale[0], shift[0]
        if not 0 < self.scale * self.greatest < most:
            return False
        if self.shift != 0:
            zero = <float>rint(-self.shift / self.scale)
            if -(self.scale * zero) != self.shift:
                return False
        if not self.known or zero != self.zero:
            self.table, found = None, self.grid(zero)
            self.zero, self.known = zero, True
            if found is not None:
                self.table, self.unit, self.reach = found
        return self.table is not None

    cdef bint quantize(self, int path, int threads, const float* x) except -1:
        """Quantize data; return whether all of them are finite."""
        if not fake_forward_of(
            path, threads, self.book, x, &self.scale, &self.shift, self.size, self.codes,
            self.values,
        ):
            return False
        lookup_of(
            path, threads, self.codes, <const float*>address(self.table), <int>self.table.size,
            self.elements, self.size,
        )
        return True

    cdef int gradients(
        self, int path, int threads, const float* x, const float* g, float* dx, float* dscale,
        float* dshift,
    ) except -1:
        """Write the gradients of data, scale and shift; NULL for what nobody wants."""
        cdef double to_scale, to_shift
        fake_backward_of(
            path, threads, self.book, x, &self.scale, &self.shift, self.size, self.codes, g, dx,
            NULL if dscale == NULL else &to_scale, NULL if dshift == NULL else &to_shift,
        )
        if dscale != NULL:
            dscale[0] = <float>to_scale
        if dshift != NULL:
            dshift[0] = <float>to_shift
        return 0


@cython.final
cdef class QuantizedLinear(Instruction):
    """The product of two factors after their quantizers, and a bias: of few elements.

    Inputs: data, scale and shift of both sides, and the bias. Where scales or data are not what the
    kernels take, `otherwise` does it.

    Args:
        m: samples.
        n: outputs.
        k: inputs.
        data: the side of the samples.
        weight: the other one.
        sums: for the gradient of the bias.
        limit: sums of magnitudes below it are exact.
    """

    cdef int64_t m, n, k
    cdef Factor data, weight
    cdef ChannelSums sums
    cdef double limit
    cdef bint done
    cdef object arrays
    cdef float* column
    cdef float* by_data
    cdef float* by_weight

    def __init__(
        self, int64_t m, int64_t n, int64_t k, Factor data, Factor weight, ChannelSums sums,
        double limit,
    ):
        self.m, self.n, self.k, self.sums, self.limit = m, n, k, sums, limit
        self.data, self.weight = data, weight
        column, by_data, by_weight = (np.empty(s, np.float32) for s in (n, m * k, n * k))
        self.arrays = (column, by_data, by_weight)
        self.column = <float*>address(column)
        self.by_data, self.by_weight = <float*>address(by_data), <float*>address(by_weight)

    cpdef int forward(self, int path, int threads) except -1:
        self.done = self.made(path, threads)
        if not self.done:
            self.otherwise.forward(path, threads)
        return 0

    cdef bint made(self, int path, int threads) except -1:
        """Write the output; return whether all is what it mostly is."""
        cdef Factor x = self.data, w = self.weight
        cdef double both
        cdef float factor
        cdef int64_t i
        if not (x.usual(self.x(1), self.x(2)) and w.usual(self.x(4), self.x(5))):
            return False
        # A double holds the product of two scales exactly: see `gemm.joint_scale`.
        both = <double>x.scale * <double>w.scale
        if not 1e-30 < both < 1e30 or not max(self.k, 1) * x.reach * w.reach < self.limit:
            return False
        if not (x.quantize(path, threads, self.x(0)) and w.quantize(path, threads, self.x(3))):
            return False
        factor = <float>both * (x.unit * w.unit)
        for i in range(self.n):
            self.column[i] = factor
        affine_of(
            path, threads, x.elements, w.elements, self.column,
            self.x(6) if len(self.inputs) > 6 else NULL, self.output.data, self.m, self.n, self.k,
        )
        return True

    cpdef int backward(self, int path, int threads) except -1:
        cdef float* dx
        cdef float* dw
        if not self.done:
            self.otherwise.backward(path, threads)
            return 0
        dx = self.by_data if self.wanted(0) else NULL
        dw = self.by_weight if self.wanted(3) else NULL
        affine_gradients_of(
            path, threads, self.g.data, self.data.values, self.weight.values, dx, dw, self.m,
            self.n, self.k,
        )
        if dx != NULL:
            self.data.gradients(
                path, threads, self.x(0), dx, self.dx(0), self.dx(1), self.dx(2)
            )
        if dw != NULL:
            self.weight.gradients(
                path, threads, self.x(3), dw, self.dx(3), self.dx(4), self.dx(5)
            )
        if len(self.inputs) > 6 and self.dx(6) != NULL:
            self.sums.write(path, threads, self.g.data, self.dx(6))
        return 0

    cdef bint wanted(self, Py_ssize_t at) noexcept:
        """Whether a gradient of one side is."""
        return self.dx(at) != NULL or self.dx(at + 1) != NULL or self.dx(at + 2) != NULL
