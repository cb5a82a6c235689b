"""Element-wise loops that NumPy would need several passes for."""

from cython cimport floating


def relu_vjp(const floating[::1] grad_n, const floating[::1] x_n, floating[::1] out_n):
    """Write ``grad`` where ``x > 0`` and zero elsewhere."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(out_n.shape[0]):
            out_n[i] = grad_n[i] if x_n[i] > 0 else 0
