# cython: auto_pickle=False
"""Instructions of layers that are a matrix product."""

cimport cython
from libc.math cimport rint
from libc.stdint cimport int64_t, uint8_t

import numpy as np

from .buffers cimport address
from .channels cimport few_sums_of, sums_of
from .engine cimport multiply_of
from .float_gemm cimport affine_gradients_of, affine_of
from .instruction cimport Instruction
from .maps cimport Limit
from .sparse cimport sparse_gradients_of
from .training cimport Limits, fake_backward_of, fake_forward_of, fake_slopes_of, lookup_of


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
        levels: float32, of each code.
        size: of the data.
    """

    cdef object book, levels, arrays
    # Of the activation that the data go through first; NULL if there is none.
    cdef Limit activation
    cdef const Limits* limits
    cdef float greatest
    cdef int64_t size
    cdef uint8_t* codes
    # What each code stands for, and what is at each place; where products are of floats, the
    # elements in units.
    cdef float* meanings
    cdef float* values
    cdef float* elements
    # Scale and shift of the last forward: those that there are may be others by now.
    cdef float scale, shift, zero
    cdef object table

    def __init__(self, object book, object levels, int64_t size):
        self.book, self.levels, self.size = book, levels, size
        self.greatest = np.abs(levels).max()
        codes, values = np.empty(size, np.uint8), np.empty(size, np.float32)
        meanings = np.empty(levels.size, np.float32)
        self.arrays = [codes, values, meanings]
        self.codes, self.values = <uint8_t*>address(codes), <float*>address(values)
        self.meanings = <float*>address(meanings)

    cdef bint usual(self, const float* scale, const float* shift) noexcept:
        """Take over scale and shift; return whether they are what this is made for."""
        cdef float most = 1e30
        self.scale, self.shift, self.zero = scale[0], shift[0], 0
        if not 0 < self.scale * self.greatest < most:
            return False
        if self.shift != 0:
            # Not a zero with a sign.
            self.zero = <float>rint(-self.shift / self.scale) + 0
            return -(self.scale * self.zero) == self.shift
        return True

    cdef void follow(self, Limit activation) noexcept:
        """Have the data go through an activation first: they are what it takes."""
        self.activation, self.limits = activation, &activation.limits

    cdef int use(self, object table) except -1:
        """Take the elements from a table, float32 ``[levels]``; None if nobody wants them."""
        self.table = table
        if table is not None and self.elements == NULL:
            elements = np.empty(self.size, np.float32)
            self.arrays.append(elements)
            self.elements = <float*>address(elements)
        return 0

    cdef bint quantize(self, int path, int threads, const float* x, bint values) except -1:
        """Quantize data, to codes and perhaps values; return whether all of them are finite."""
        return fake_forward_of(
            path, threads, self.book, x, &self.scale, &self.shift, self.size, self.codes,
            self.values if values else NULL, self.limits,
        )

    cdef int decode(self, int path, int threads) except -1:
        """Write the values of the codes."""
        cdef const float* levels = <const float*>address(self.levels)
        cdef int i, count = <int>self.levels.size
        for i in range(count):
            self.meanings[i] = levels[i] * self.scale
            self.meanings[i] += self.shift
        lookup_of(path, threads, self.codes, self.meanings, count, self.values, self.size)
        return 0

    cdef const float* looked_up(self, int path, int threads) except NULL:
        """Return the elements of the codes."""
        cdef const float* table = <const float*>address(self.table)
        lookup_of(
            path, threads, self.codes, table, <int>self.table.size, self.elements, self.size
        )
        return self.elements

    cdef int slopes(
        self, int path, int threads, const float* x, float* by_scale, float* by_shift
    ) except -1:
        """Write the derivatives of each value, in the scale and, unless it is NULL, the shift.

        Of data that no activation was taken in with: theirs want a gradient, which needs no slopes.
        """
        fake_slopes_of(
            path, threads, self.book, x, &self.scale, &self.shift, self.size, self.codes,
            by_scale, by_shift,
        )
        return 0

    cdef int gradients(
        self, int path, int threads, const float* x, const float* g, float* dx, float* dscale,
        float* dshift,
    ) except -1:
        """Write the gradients of data, scale and shift; NULL for what nobody wants."""
        cdef double to_scale, to_shift
        fake_backward_of(
            path, threads, self.book, x, &self.scale, &self.shift, self.size, self.codes, g, dx,
            NULL if dscale == NULL else &to_scale, NULL if dshift == NULL else &to_shift,
            self.limits,
        )
        if dscale != NULL:
            dscale[0] = <float>to_scale
        if dshift != NULL:
            dshift[0] = <float>to_shift
        return 0


@cython.final
cdef class QuantizedLinear(Instruction):
    """The product of two factors after their quantizers, and a bias.

    Inputs: data, scale and shift of both sides, and the bias. Where scales or data are not what the
    kernels take, `otherwise` does it.

    Args:
        m: samples.
        n: outputs.
        k: inputs.
        data: the side of the samples.
        weight: the other one.
        sums: for the gradient of the bias.
        prepare: ``prepare(zero, zero)``, for the zero points of both sides: the unit of the sums,
            and either what multiplies codes (`engine.Multiplier`) or the elements of both sides,
            float32 ``[levels]`` each, for sums in float32: exact ones, or of levels that are no
            integers; None for what kernels do not do.
        sparse: levels of the weight, float32 ``[16]``, if it may pay to look for a ground.
    """

    cdef int64_t m, n, k
    cdef Factor data, weight
    cdef ChannelSums sums
    cdef object prepare, multiplier
    # The zero points that all is prepared for, and whether it could be.
    cdef float data_zero, weight_zero
    cdef bint known, possible
    cdef float unit
    cdef object sparse
    # Whether the last forward was done here.
    cdef bint done
    cdef dict scratch

    def __init__(
        self, int64_t m, int64_t n, int64_t k, Factor data, Factor weight, ChannelSums sums,
        object prepare, object sparse,
    ):
        self.m, self.n, self.k, self.sums = m, n, k, sums
        self.data, self.weight = data, weight
        self.prepare, self.sparse = prepare, sparse
        self.scratch = {}

    cdef float* memory(self, str name, int64_t size) except NULL:
        """Return float32 memory of this instruction's own."""
        if name not in self.scratch:
            self.scratch[name] = np.empty(size, np.float32)
        return <float*>address(self.scratch[name])

    cpdef int forward(self, int path, int threads) except -1:
        self.done = self.made(path, threads)
        if not self.done:
            self.otherwise.forward(path, threads)
        return 0

    cdef bint ready(self) except -1:
        """Return whether the product can be taken with the zero points that there are."""
        cdef Factor x = self.data, w = self.weight
        if not self.known or x.zero != self.data_zero or w.zero != self.weight_zero:
            found = self.prepare(x.zero, w.zero)
            self.data_zero, self.weight_zero = x.zero, w.zero
            self.known, self.possible = True, found is not None
            if self.possible:
                self.unit, self.multiplier, x_table, w_table = found
                x.use(x_table)
                w.use(w_table)
        return self.possible

    cdef bint made(self, int path, int threads) except -1:
        """Write the output; return whether all is what it mostly is."""
        cdef Factor x = self.data, w = self.weight
        cdef const float* bias = self.x(6) if len(self.inputs) > 6 else NULL
        cdef float* column
        cdef double both
        cdef float factor
        cdef int64_t i
        if not (x.usual(self.x(1), self.x(2)) and w.usual(self.x(4), self.x(5))):
            return False
        # A double holds the product of two scales exactly: see `gemm.joint_scale`.
        both = <double>x.scale * <double>w.scale
        if not 1e-30 < both < 1e30 or not self.ready():
            return False
        # Values of weights are read only on the way back to data, which the first layer has not.
        if not x.quantize(path, threads, self.x(0), True):
            return False
        if not w.quantize(path, threads, self.x(3), False):
            return False
        factor = <float>both * self.unit
        if self.multiplier is not None:
            return multiply_of(
                self.multiplier, path, threads, x.codes, w.codes, factor, bias, self.output.data
            )
        column = self.memory("column", self.n)
        for i in range(self.n):
            column[i] = factor
        affine_of(
            path, threads, x.looked_up(path, threads), w.looked_up(path, threads), column, bias,
            self.output.data, self.m, self.n, self.k,
        )
        return True

    cpdef int backward(self, int path, int threads) except -1:
        cdef Factor x = self.data, w = self.weight
        cdef float* dx = NULL
        cdef float* dw = NULL
        if not self.done:
            self.otherwise.backward(path, threads)
            return 0
        # Where they go in the end, if they go anywhere.
        if self.wanted(0):
            dx = self.dx(0) if self.dx(0) != NULL else self.memory("dx", x.size)
        if self.wanted(3):
            dw = self.dx(3) if self.dx(3) != NULL else self.memory("dw", w.size)
        if not self.above_ground(path, threads, dw):
            if dx != NULL:
                w.decode(path, threads)
            affine_gradients_of(
                path, threads, self.g.data, x.values, w.values, dx, dw, self.m, self.n, self.k
            )
            if dx != NULL:
                x.gradients(path, threads, self.x(0), dx, self.dx(0), self.dx(1), self.dx(2))
        if dw != NULL:
            w.gradients(path, threads, self.x(3), dw, self.dx(3), self.dx(4), self.dx(5))
        if len(self.inputs) > 6 and self.dx(6) != NULL:
            self.sums.write(path, threads, self.g.data, self.dx(6))
        return 0

    cdef bint above_ground(self, int path, int threads, float* dw) except -1:
        """Write dw, and gradients of scale and shift of data that want none: if most are alike."""
        cdef float* slope
        cdef float* shift_slope = NULL
        cdef float* qparams
        cdef double total[2]
        cdef int64_t i
        if self.sparse is None or dw == NULL or self.dx(0) != NULL or self.dx(1) == NULL:
            return False
        slope, qparams = self.memory("slope", self.data.size), self.memory("qparams", 2 * self.n)
        if self.dx(2) != NULL:
            shift_slope = self.memory("shift slope", self.data.size)
        self.data.slopes(path, threads, self.x(0), slope, shift_slope)
        for i in range(self.n):
            qparams[i], qparams[self.n + i] = self.weight.scale, self.weight.shift
        if not sparse_gradients_of(
            path, threads, self.g.data, self.data.values, slope, shift_slope, self.weight.codes,
            <const float*>address(self.sparse), qparams, qparams + self.n, dw, total, self.m,
            self.n, self.k,
        ):
            return False
        self.dx(1)[0] = <float>total[0]
        if self.dx(2) != NULL:
            self.dx(2)[0] = <float>total[1]
        return True

    cpdef bint takes_in(self, Instruction before) except -1:
        if not isinstance(before, Limit):
            return False
        self.data.follow(<Limit>before)
        self.inputs = (*before.inputs, *self.inputs[1:])
        return True

    cdef bint wanted(self, Py_ssize_t at) noexcept:
        """Whether a gradient of one side is."""
        return self.dx(at) != NULL or self.dx(at + 1) != NULL or self.dx(at + 2) != NULL
