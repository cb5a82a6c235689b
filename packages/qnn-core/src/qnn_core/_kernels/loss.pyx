"""Softmax cross-entropy over the rows of a matrix: one pass over each row."""

from cython cimport floating
from libc.math cimport exp, log
from libc.stdint cimport uint64_t

from .float_mode cimport float_mode_enter, float_mode_leave


cdef floating row_max(const floating* x_c, Py_ssize_t columns) noexcept nogil:
    cdef Py_ssize_t c
    cdef floating top = x_c[0]
    for c in range(1, columns):
        if x_c[c] > top:
            top = x_c[c]
    return top


def cross_entropy(const floating[:, ::1] logits_rc, const long long[::1] labels_r):
    """Return the sum over rows of ``log(sum(exp(row))) - row[label]``, in double precision.

    Every row needs at least one column, and every label must be a valid column: the caller checks.
    """
    cdef Py_ssize_t r, c
    cdef Py_ssize_t columns = logits_rc.shape[1]
    cdef double total = 0, denominator
    cdef floating top
    cdef uint64_t mode
    with nogil:
        mode = float_mode_enter()
        for r in range(logits_rc.shape[0]):
            top = row_max(&logits_rc[r, 0], columns)
            denominator = 0
            for c in range(columns):
                denominator += exp(logits_rc[r, c] - top)
            total += log(denominator) + top - logits_rc[r, labels_r[r]]
        float_mode_leave(mode)
    return total


def softmax_minus_one_hot(
    const floating[:, ::1] logits_rc,
    const long long[::1] labels_r,
    double factor,
    floating[:, ::1] out_rc,
):
    """Write ``factor * (softmax(row) - one_hot(label))``, the gradient of the cross-entropy."""
    cdef Py_ssize_t r, c
    cdef Py_ssize_t columns = logits_rc.shape[1]
    cdef double denominator, scale
    cdef floating top
    cdef uint64_t mode
    with nogil:
        mode = float_mode_enter()
        for r in range(logits_rc.shape[0]):
            top = row_max(&logits_rc[r, 0], columns)
            denominator = 0
            for c in range(columns):
                out_rc[r, c] = exp(logits_rc[r, c] - top)
                denominator += out_rc[r, c]
            scale = factor / denominator
            for c in range(columns):
                out_rc[r, c] = <floating>(out_rc[r, c] * scale)
            out_rc[r, labels_r[r]] -= <floating>factor
        float_mode_leave(mode)
