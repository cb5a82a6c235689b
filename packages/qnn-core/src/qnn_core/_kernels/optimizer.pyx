"""Optimizer updates in one pass over a parameter, in place."""

from cython cimport floating
from libc.math cimport sqrt, sqrtf


cdef inline floating root(floating x) noexcept nogil:
    """Square root in the type of x: through double, float32 would run at half the speed."""
    if floating is float:
        return sqrtf(x)
    return sqrt(x)


def sgd(
    floating[::1] weight_n,
    const floating[::1] grad_n,
    double lr,
    double decay,
):
    """Plain step: ``w -= lr * (g + decay * w)``."""
    cdef Py_ssize_t i
    cdef floating rate = <floating>lr, penalty = <floating>decay
    with nogil:
        for i in range(weight_n.shape[0]):
            weight_n[i] -= rate * (grad_n[i] + penalty * weight_n[i])


def sgd_momentum(
    floating[::1] weight_n,
    const floating[::1] grad_n,
    floating[::1] velocity_n,
    double lr,
    double decay,
    double momentum,
    bint nesterov,
):
    """Momentum: ``v = m * v + g``, ``w -= lr * v`` (Nesterov: ``lr * (g + m * v)``)."""
    cdef Py_ssize_t i
    cdef floating g
    cdef floating rate = <floating>lr, penalty = <floating>decay, keep = <floating>momentum
    # The look-ahead as factors keeps the loop free of branches.
    cdef floating ahead = 1 if nesterov else 0
    cdef floating along = keep if nesterov else 1
    with nogil:
        for i in range(weight_n.shape[0]):
            g = grad_n[i] + penalty * weight_n[i]
            velocity_n[i] = keep * velocity_n[i] + g
            weight_n[i] -= rate * (ahead * g + along * velocity_n[i])


def adam(
    floating[::1] weight_n,
    const floating[::1] grad_n,
    floating[::1] mean_n,
    floating[::1] square_n,
    double lr,
    double beta1,
    double beta2,
    double epsilon,
    double correction1,
    double correction2,
    double l2_decay,
    double decoupled_decay,
):
    """Adam or AdamW step; `correction1` and `correction2` are ``1 - beta**step``."""
    cdef Py_ssize_t i
    cdef floating g
    # Rounded once, from double: 1 - beta2 in float32 would be off by 4e-5 of itself.
    cdef floating keep1 = <floating>beta1, take1 = <floating>(1 - beta1)
    cdef floating keep2 = <floating>beta2, take2 = <floating>(1 - beta2)
    cdef floating inverse_root = <floating>(1 / sqrt(correction2))
    cdef floating rate = <floating>(lr / correction1)
    cdef floating keep = <floating>(1 - lr * decoupled_decay)
    cdef floating penalty = <floating>l2_decay
    cdef floating offset = <floating>epsilon
    with nogil:
        for i in range(weight_n.shape[0]):
            g = grad_n[i] + penalty * weight_n[i]
            mean_n[i] = keep1 * mean_n[i] + take1 * g
            square_n[i] = keep2 * square_n[i] + take2 * g * g
            weight_n[i] = keep * weight_n[i] - rate * mean_n[i] / (
                root(square_n[i]) * inverse_root + offset
            )
