"""Quantization of contiguous rows: a value becomes a code, a code becomes a value.

QParams come broadcast to the rows: ``scale_rn`` and ``shift_rn`` have the shape of ``x_rn`` and,
along a row, a stride of one element (a channel each) or of zero (one for the row). A code is
the number of thresholds that are not above ``u = (x - shift) / scale``, rounded to float32: any
monotone decision can be written that way, so one kernel serves every scheme.
"""

from cython cimport floating
from libc.stdint cimport uint64_t

from .float_mode cimport float_mode_enter, float_mode_leave
from .search cimport CSearch, Search, search_code

cdef enum:
    BLOCK = 256     # elements whose u and code stay in the first-level cache
    FEW = 16        # up to here, comparing with every threshold beats a search


cdef inline int guess(
    const float* threshold_t, int count, float per_step, float u
) noexcept nogil:
    """Return the same number for thresholds about evenly spaced: a guess, then a correction."""
    cdef float position = (u - threshold_t[0]) * per_step + 1
    cdef int code
    # Written so that NaN, which compares false with everything, becomes zero too.
    if not position > 0:
        position = 0
    if position > count:
        position = count
    code = <int>position
    while code < count and threshold_t[code] <= u:
        code += 1
    while code > 0 and threshold_t[code - 1] > u:
        code -= 1
    return code


cdef inline void codes_of(
    const float* u_n, int n, const float[::1] threshold_t, float per_step, const CSearch* search,
    int* code_n,
) noexcept nogil:
    cdef int i, t, count = <int>threshold_t.shape[0]
    if count <= FEW:
        for i in range(n):
            code_n[i] = 0
        for t in range(count):
            for i in range(n):
                code_n[i] += u_n[i] >= threshold_t[t]
    elif per_step > 0:
        for i in range(n):
            code_n[i] = guess(&threshold_t[0], count, per_step, u_n[i])
    else:
        for i in range(n):
            code_n[i] = search_code(search, u_n[i])


cdef inline void units(
    const floating* x_n,
    int n,
    const floating* scale_n,
    const floating* shift_n,
    bint per_element,
    float* u_n,
) noexcept nogil:
    cdef int i
    cdef floating scale = scale_n[0], shift = shift_n[0]
    if per_element:
        for i in range(n):
            u_n[i] = <float>((x_n[i] - shift_n[i]) / scale_n[i])
    else:
        for i in range(n):
            u_n[i] = <float>((x_n[i] - shift) / scale)


def encode(
    const floating[:, ::1] x_rn,
    const floating[:, :] scale_rn,
    const floating[:, :] shift_rn,
    const float[::1] threshold_t,
    float per_step,
    Search search,
    unsigned char[:, ::1] code_rn,
):
    """Write the code of every element and return how many elements are not finite.

    ``search`` may be None where ``per_step`` is not 0.
    """
    cdef Py_ssize_t r, block, start, bad = 0, length = x_rn.shape[1]
    cdef bint per_element = scale_rn.strides[1] != 0
    cdef int n, i
    cdef const floating* x
    cdef const CSearch* table = NULL if search is None else &search.c
    cdef float[BLOCK] u
    cdef int[BLOCK] code
    cdef uint64_t mode
    with nogil:
        mode = float_mode_enter()
        for r in range(x_rn.shape[0]):
            for block in range((length + BLOCK - 1) // BLOCK):
                start = block * BLOCK
                n = <int>min(BLOCK, length - start)
                x = &x_rn[r, start]
                units(x, n, &scale_rn[r, start], &shift_rn[r, start], per_element, u)
                codes_of(u, n, threshold_t, per_step, table, code)
                for i in range(n):
                    code_rn[r, start + i] = <unsigned char>code[i]
                for i in range(n):
                    bad += x[i] - x[i] != 0
        float_mode_leave(mode)
    return bad


def decode(
    const unsigned char[:, ::1] code_rn,
    const floating[:, :] scale_rn,
    const floating[:, :] shift_rn,
    const floating[::1] level_l,
    floating[:, ::1] out_rn,
):
    """Write ``scale * level[code] + shift``."""
    cdef Py_ssize_t r, i, length = code_rn.shape[1]
    cdef bint per_element = scale_rn.strides[1] != 0
    cdef floating scale, shift
    cdef uint64_t mode
    if length == 0:
        return
    with nogil:
        mode = float_mode_enter()
        for r in range(code_rn.shape[0]):
            if per_element:
                for i in range(length):
                    out_rn[r, i] = scale_rn[r, i] * level_l[code_rn[r, i]] + shift_rn[r, i]
            else:
                scale = scale_rn[r, 0]
                shift = shift_rn[r, 0]
                for i in range(length):
                    out_rn[r, i] = scale * level_l[code_rn[r, i]] + shift
        float_mode_leave(mode)


def clip_surrogate(
    const floating[:, ::1] x_rn,
    const floating[:, :] scale_rn,
    const floating[:, :] shift_rn,
    const unsigned char[:, ::1] code_rn,
    const floating[::1] level_l,
    floating[:, ::1] surrogate_rn,
    floating[:, ::1] scale_gradient_rn,
):
    """Write the clip surrogate ``w`` (1 inside the levels, else 0) and ``level[code] - u * w``."""
    cdef Py_ssize_t r, block, start, length = x_rn.shape[1]
    cdef bint per_element = scale_rn.strides[1] != 0
    cdef int n, i
    cdef floating low = level_l[0], high = level_l[level_l.shape[0] - 1]
    cdef floating* surrogate
    cdef float[BLOCK] u
    cdef uint64_t mode
    with nogil:
        mode = float_mode_enter()
        for r in range(x_rn.shape[0]):
            for block in range((length + BLOCK - 1) // BLOCK):
                start = block * BLOCK
                n = <int>min(BLOCK, length - start)
                units(
                    &x_rn[r, start], n, &scale_rn[r, start], &shift_rn[r, start], per_element, u
                )
                surrogate = &surrogate_rn[r, start]
                for i in range(n):
                    surrogate[i] = 1 if low <= u[i] <= high else 0
                for i in range(n):
                    # Not u * surrogate: far outside, u may be infinite.
                    scale_gradient_rn[r, start + i] = level_l[code_rn[r, start + i]] - (
                        u[i] if surrogate[i] != 0 else 0
                    )
        float_mode_leave(mode)
