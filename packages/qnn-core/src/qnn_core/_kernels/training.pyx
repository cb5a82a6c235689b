# cython: auto_pickle=False
"""The element-wise loops of a training step in float32: see training.h.

Everything here trusts its caller: arrays are contiguous and of one size.
"""

from numpy import dtype

cimport cython
from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free, malloc
from libc.math cimport INFINITY, sqrt

from .buffers cimport address
from .float_mode cimport float_mode_narrow as narrow
from .pool cimport Task, share_at_once
from .search cimport CSearch, Search


cdef extern from "training.h" nogil:
    enum:
        PIECE
    ctypedef struct QParams:
        pass
    ctypedef struct Fake:
        const float* x
        const float* scale_r
        const float* shift_r
        int64_t rows, length
        int own_qparams
        QParams* qparams_r
        const float* threshold_t
        int32_t count
        float per_step
        CSearch search
        const float* level_l
        float first, step
        uint8_t* code
        float* value
        int64_t* bad_p
        int limited
        Limits limits
        const float* g
        float* dx
        double* scale_p
        double* shift_p
        float* scale_gradient
        float* shift_gradient
        int64_t candidates
        int even
        const float* weight
        int64_t weight_stride
        double* error_p
    ctypedef struct Update:
        float* w
        const float* g
        float* slot[2]
        int64_t size
        float rate, decay, low, high, keep, ahead, along
        float keep1, take1, keep2, take2, inverse_root, shrink, epsilon
    ctypedef struct Average:
        float* y
        const float* x
        int64_t size
        float keep, take
    ctypedef struct Map:
        const float* x
        const float* g
        float* y
        int64_t size
        Limits limits
    ctypedef struct Lookup:
        const uint8_t* code
        const float* table
        int entries
        float* y
        int64_t size
    ctypedef struct Entropy:
        const float* x
        const int64_t* label
        int64_t columns
        double* loss_r
        float factor
        float* gradient
    int64_t pieces_in(int64_t length)
    const Task fake_qparams_tasks[]
    const Task fake_forward_tasks[]
    const Task fake_backward_tasks[]
    const Task fake_slopes_tasks[]
    const Task fake_error_tasks[]
    const Task sgd_tasks[]
    const Task sgd_momentum_tasks[]
    const Task adam_tasks[]
    const Task average_tasks[]
    const Task relu_tasks[]
    const Task relu_backward_tasks[]
    const Task limit_tasks[]
    const Task limit_backward_tasks[]
    const Task lookup_tasks[]
    const Task entropy_tasks[]


cdef void run(
    const Task* tasks, int path, int threads, void* context, int64_t pieces
) noexcept nogil:
    # A piece takes about a microsecond; waking a thread takes ten. No parameter is updated in part.
    share_at_once(tasks[path], context, pieces, threads if pieces >= 24 else 1)


@cython.final
cdef class Book:
    """A scheme's tables for the loops of fake quantization."""

    cdef Fake c
    cdef object alive

    def __init__(
        self, *, bounded_thresholds, int count, float per_step, Search search, levels,
        float first, float step,
    ):
        """
        Args:
            bounded_thresholds: float32 ``[count + 2]``, between -inf and NaN.
            count: thresholds without those two.
            per_step: 1 / distance of the thresholds if they are about evenly spaced, else 0.
            search: among the thresholds; None if they are evenly spaced.
            levels: float32 ``[count + 1]``.
            first, step: ``levels[c] == first + step * c`` for all codes; step 0 if that is not so.
        """
        self.alive = (bounded_thresholds, search, levels)
        self.c.threshold_t = <const float*>address(bounded_thresholds)
        self.c.level_l = <const float*>address(levels)
        self.c.count, self.c.per_step = count, per_step
        self.c.first, self.c.step = first, step
        if search is not None:
            self.c.search = search.c


cdef Fake fake(Book book, x, scale, shift, int64_t rows, int64_t length, int own_qparams):
    cdef Fake f = book.c
    f.x = <const float*>address(x)
    f.scale_r = <const float*>address(scale)
    f.shift_r = <const float*>address(shift)
    f.rows, f.length, f.own_qparams = rows, length, own_qparams
    return f


cdef int run_fake(const Task* tasks, int path, int threads, Fake* f) except -1:
    """Turn scales and shifts into qparams, then run the pieces."""
    cdef QParams shared
    cdef int64_t count = f.rows if f.own_qparams else 1
    f.qparams_r = &shared
    if count > 1:
        f.qparams_r = <QParams*>malloc(count * sizeof(QParams))
        if f.qparams_r == NULL:
            raise MemoryError
    with nogil:
        run(fake_qparams_tasks, path, threads, f, count)
        run(tasks, path, threads, f, f.rows * pieces_in(f.length))
    if count > 1:
        free(f.qparams_r)
    return 0


def fake_forward(
    int path, int threads, Book book, x, scale, shift,
    int64_t rows, int64_t length, bint own_qparams, code, value,
):
    """Write codes and, unless ``value`` is None, values; return whether all of x is finite."""
    cdef Fake f = fake(book, x, scale, shift, rows, length, own_qparams)
    cdef int64_t bad = 0
    f.code = <uint8_t*>address(code)
    f.value = <float*>address(value)
    f.bad_p = &bad
    f.g = NULL
    run_fake(fake_forward_tasks, path, threads, &f)
    return bad == 0


def fake_backward(
    int path, int threads, Book book, x, scale, shift,
    int64_t rows, int64_t length, bint own_qparams, code, g, dx, scale_sums, shift_sums,
):
    """Write the straight-through gradients with the clip surrogate; None for what nobody needs.

    ``scale_sums`` and ``shift_sums`` are float64 ``[rows]``, or of one element if the qparams are
    shared.
    """
    cdef Fake f = fake(book, x, scale, shift, rows, length, own_qparams)
    cdef int64_t pieces = pieces_in(length)
    cdef double* to_scale = <double*>address(scale_sums)
    cdef double* to_shift = <double*>address(shift_sums)
    cdef double* part = <double*>calloc(2 * rows * pieces + 1, sizeof(double))
    if part == NULL:
        raise MemoryError
    f.code = <uint8_t*>address(code)
    f.g = <const float*>address(g)
    f.dx = <float*>address(dx)
    f.scale_p = part if to_scale != NULL else NULL
    f.shift_p = part + rows * pieces if to_shift != NULL else NULL
    try:
        run_fake(fake_backward_tasks, path, threads, &f)
        if to_scale != NULL:
            add_up(f.scale_p, rows, pieces, to_scale)
        if to_shift != NULL:
            add_up(f.shift_p, rows, pieces, to_shift)
    finally:
        free(part)


def fake_slopes(
    int path, int threads, Book book, x, scale, shift,
    int64_t rows, int64_t length, bint own_qparams, code, scale_gradient, shift_gradient,
):
    """Write the derivatives in the scale, ``level - u * surrogate``, of each element.

    Unless ``shift_gradient`` is None, also those in the shift, ``1 - surrogate``.
    """
    cdef Fake f = fake(book, x, scale, shift, rows, length, own_qparams)
    f.code = <uint8_t*>address(code)
    f.scale_gradient = <float*>address(scale_gradient)
    f.shift_gradient = <float*>address(shift_gradient)
    # That there is a gradient asks the qparams for the surrogate.
    f.g = f.x
    run_fake(fake_slopes_tasks, path, threads, &f)


def fake_error(
    int path, int threads, Book book, x, scale, shift,
    int64_t rows, int64_t length, int64_t candidates, bint even, weight,
    int64_t weight_stride, error,
):
    """Write the sum of the squared errors of each row with each of its candidate qparams.

    Args:
        x: finite, ``[rows, length]``; squares of it must not overflow.
        scale, shift: ``[rows, candidates]``.
        even: whether levels are even and the nearest is taken.
        weight: of each element; None if all count alike.
        weight_stride: from a row's weights to the next one's, 0 if all rows share them.
        error: float64 ``[rows, candidates]``.
    """
    cdef Fake f = fake(book, x, scale, shift, rows, length, True)
    cdef int64_t pieces = pieces_in(length), r, p, k
    cdef int64_t made = 0 if even else rows * candidates
    cdef double* total = <double*>address(error)
    cdef double* part = <double*>malloc((rows * pieces * candidates + 1) * sizeof(double))
    f.qparams_r = <QParams*>malloc((made + 1) * sizeof(QParams))
    try:
        if part == NULL or f.qparams_r == NULL:
            raise MemoryError
        f.g = NULL
        f.candidates, f.error_p, f.even = candidates, part, even
        f.weight, f.weight_stride = <const float*>address(weight), weight_stride
        with nogil:
            run(fake_qparams_tasks, path, threads, &f, made)
            run(fake_error_tasks, path, threads, &f, rows * pieces)
            for r in range(rows):
                for k in range(candidates):
                    total[r * candidates + k] = 0
                    for p in range(r * pieces, (r + 1) * pieces):
                        total[r * candidates + k] += part[p * candidates + k]
    finally:
        free(part)
        free(f.qparams_r)


cdef void add_up(const double* part, int64_t rows, int64_t pieces, double* total_r) noexcept nogil:
    cdef int64_t r, p
    for r in range(rows):
        total_r[r] = 0
        for p in range(pieces):
            total_r[r] += part[r * pieces + p]


cdef Update update(w, g, double rate, double decay, double low, double high):
    cdef Update u
    u.w = <float*>address(w)
    u.g = <const float*>address(g)
    u.size = w.size
    u.rate, u.decay, u.low, u.high = narrow(rate), narrow(decay), narrow(low), narrow(high)
    return u


def sgd(int path, int threads, w, g, double rate, double decay, double low, double high):
    """Plain step, ``w -= rate * (g + decay * w)``, then into low..high."""
    cdef Update u = update(w, g, rate, decay, low, high)
    with nogil:
        run(sgd_tasks, path, threads, &u, pieces_in(u.size))


def sgd_momentum(
    int path, int threads, w, g, double rate, double decay, double low, double high,
    velocity, double momentum, bint nesterov,
):
    """Momentum: ``v = m * v + g``, ``w -= rate * v`` (Nesterov: ``rate * (g + m * v)``)."""
    cdef Update u = update(w, g, rate, decay, low, high)
    u.slot[0] = <float*>address(velocity)
    u.keep = narrow(momentum)
    # The look-ahead as factors keeps the loop free of branches.
    u.ahead = 1 if nesterov else 0
    u.along = u.keep if nesterov else 1
    with nogil:
        run(sgd_momentum_tasks, path, threads, &u, pieces_in(u.size))


def adam(
    int path, int threads, w, g, double rate, double decay, double low, double high,
    mean, square, double beta1, double beta2, double epsilon,
    double correction1, double correction2,
    double decoupled_decay,
):
    """Adam or AdamW step; `correction1` and `correction2` are ``1 - beta**step``."""
    cdef Update u = update(w, g, rate / correction1, decay, low, high)
    u.slot[0] = <float*>address(mean)
    u.slot[1] = <float*>address(square)
    # Rounded once, from double: 1 - beta2 in float32 would be off by 4e-5 of itself.
    u.keep1, u.take1 = narrow(beta1), narrow(1 - beta1)
    u.keep2, u.take2 = narrow(beta2), narrow(1 - beta2)
    u.inverse_root = narrow(1 / sqrt(correction2))
    u.shrink = narrow(1 - rate * decoupled_decay)
    u.epsilon = narrow(epsilon)
    with nogil:
        run(adam_tasks, path, threads, &u, pieces_in(u.size))


cdef class _Updates:
    """The updates of many parameters, made ready before any of them is carried out."""

    cdef Update* each
    cdef Py_ssize_t count
    cdef list alive

    def __cinit__(self, list parameters):
        self.count = len(parameters)
        self.alive = []
        self.each = <Update*>malloc((self.count + 1) * sizeof(Update))
        if self.each == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.each)

    cdef bint gather(self, list parameters, list slots, double rate, double decay) except *:
        """Fill the updates in; return whether each parameter has what a kernel takes."""
        cdef Py_ssize_t n, s
        cdef object parameter, w, g, bounds
        cdef double low, high
        for n in range(self.count):
            parameter = parameters[n]
            w, g = parameter.array, parameter.grad
            if g is None or not parameter.requires_grad:
                return False
            g = g.array
            if not (is_plain(w, w.shape) and is_plain(g, w.shape) and w.flags.writeable):
                return False
            self.alive.append((w, g))
            low, high, bounds = -INFINITY, INFINITY, parameter.bounds
            if bounds is not None:
                low, high = bounds
            self.each[n] = update(w, g, rate, decay if parameter.decay else 0, low, high)
            for s in range(len(slots)):
                g = slots[s][n]
                if not is_plain(g, w.shape):
                    return False
                self.each[n].slot[s] = <float*>address(g)
        return True

    cdef void carry_out(self, const Task* tasks, int path, int threads) noexcept:
        cdef Py_ssize_t n
        with nogil:
            for n in range(self.count):
                run(tasks, path, threads, &self.each[n], pieces_in(self.each[n].size))


cdef object FLOAT32 = dtype("float32")


cdef bint is_plain(object array, object shape) except *:
    """Whether an array is one block of float32 of a shape."""
    return array.dtype is FLOAT32 and array.shape == shape and array.flags.c_contiguous


def sgd_all(
    int path, int threads, list parameters, list slots, double rate, double decay,
    double momentum, bint nesterov,
):
    """Do `sgd` or, with a slot of velocities, `sgd_momentum` on each of the parameters.

    Return False, having done nothing, if one has no gradient, or arrays that it does not take.
    """
    cdef _Updates updates = _Updates(parameters)
    cdef Py_ssize_t n
    if not updates.gather(parameters, slots, rate, decay):
        return False
    for n in range(updates.count):
        updates.each[n].keep = narrow(momentum)
        updates.each[n].ahead = 1 if nesterov else 0
        updates.each[n].along = updates.each[n].keep if nesterov else 1
    if slots:
        updates.carry_out(sgd_momentum_tasks, path, threads)
    else:
        updates.carry_out(sgd_tasks, path, threads)
    return True


def adam_all(
    int path, int threads, list parameters, list slots, double rate, double decay,
    double beta1, double beta2, double epsilon,
    double correction1, double correction2, double decoupled_decay,
):
    """Do `adam` on each of the parameters; see `sgd_all`."""
    cdef _Updates updates = _Updates(parameters)
    cdef Py_ssize_t n
    cdef Update* u
    if not updates.gather(parameters, slots, rate / correction1, decay):
        return False
    for n in range(updates.count):
        u = &updates.each[n]
        u.keep1, u.take1 = narrow(beta1), narrow(1 - beta1)
        u.keep2, u.take2 = narrow(beta2), narrow(1 - beta2)
        u.inverse_root = narrow(1 / sqrt(correction2))
        u.shrink = narrow(1 - rate * (decoupled_decay if parameters[n].decay else 0))
        u.epsilon = narrow(epsilon)
    updates.carry_out(adam_tasks, path, threads)
    return True


def average(int path, int threads, y, x, double keep, double take):
    """Let a running average go on: ``y = keep * y + take * x``."""
    cdef Average f
    f.y, f.x, f.size = <float*>address(y), <const float*>address(x), y.size
    f.keep, f.take = narrow(keep), narrow(take)
    with nogil:
        run(average_tasks, path, threads, &f, pieces_in(f.size))


def relu(int path, int threads, x, y):
    """Write ``max(x, 0)``; NaN stays."""
    relu_of(path, threads, <const float*>address(x), <float*>address(y), x.size)


cdef void relu_of(
    int path, int threads, const float* x, float* y, int64_t size
) noexcept:
    cdef Map f
    f.x, f.y, f.size = x, y, size
    with nogil:
        run(relu_tasks, path, threads, &f, pieces_in(size))


def relu_backward(int path, int threads, g, x, y):
    """Write ``g`` where ``x > 0``, and zero elsewhere."""
    cdef const float* from_g = <const float*>address(g)
    relu_backward_of(
        path, threads, from_g, <const float*>address(x), <float*>address(y), x.size
    )


cdef void relu_backward_of(
    int path, int threads, const float* g, const float* x, float* y, int64_t size
) noexcept:
    cdef Map f
    f.g, f.x, f.y, f.size = g, x, y, size
    with nogil:
        run(relu_backward_tasks, path, threads, &f, pieces_in(size))


cdef void limit_of(
    int path, int threads, const Limits* limits, const float* x, float* y, int64_t size
) noexcept:
    """Write x within limits; NaN stays."""
    cdef Map f
    f.x, f.y, f.size, f.limits = x, y, size, limits[0]
    with nogil:
        run(limit_tasks, path, threads, &f, pieces_in(size))


cdef void limit_backward_of(
    int path, int threads, const Limits* limits, const float* g, const float* x, float* y,
    int64_t size,
) noexcept:
    """Write ``g`` where x is within limits, and zero elsewhere."""
    cdef Map f
    f.g, f.x, f.y, f.size, f.limits = g, x, y, size, limits[0]
    with nogil:
        run(limit_backward_tasks, path, threads, &f, pieces_in(size))


cdef void put_limits(Fake* f, const Limits* limits) noexcept:
    """Have an activation carried out as x is loaded, if there are limits."""
    if limits != NULL:
        f.limited, f.limits = True, limits[0]


def lookup(int path, int threads, code, table, y):
    """Write ``table[code]``; every code has an entry."""
    cdef const uint8_t* codes = <const uint8_t*>address(code)
    cdef const float* entries = <const float*>address(table)
    lookup_of(path, threads, codes, entries, table.size, <float*>address(y), code.size)


cdef void lookup_of(
    int path, int threads, const uint8_t* code, const float* table, int entries, float* y,
    int64_t size,
) noexcept:
    cdef Lookup f
    f.code, f.table, f.entries, f.y, f.size = code, table, entries, y, size
    with nogil:
        run(lookup_tasks, path, threads, &f, pieces_in(size))


cdef bint fake_forward_of(
    int path, int threads, object book, const float* x, const float* scale, const float* shift,
    int64_t size, uint8_t* code, float* value, const Limits* limits,
) except -1:
    """Do `fake_forward` with one scale and one shift, of x within limits; NULL for none."""
    cdef Fake f = (<Book>book).c
    put_limits(&f, limits)
    cdef int64_t bad = 0
    f.x, f.scale_r, f.shift_r = x, scale, shift
    f.rows, f.length, f.own_qparams = 1, size, False
    f.code, f.value, f.bad_p, f.g = code, value, &bad, NULL
    run_fake(fake_forward_tasks, path, threads, &f)
    return bad == 0


cdef int fake_backward_of(
    int path, int threads, object book, const float* x, const float* scale, const float* shift,
    int64_t size, const uint8_t* code, const float* g, float* dx, double* to_scale,
    double* to_shift, const Limits* limits,
) except -1:
    """Do `fake_backward` with one scale and one shift, and the derivative of the limits."""
    cdef Fake f = (<Book>book).c
    put_limits(&f, limits)
    cdef int64_t pieces = pieces_in(size)
    cdef double* part = <double*>calloc(2 * pieces + 1, sizeof(double))
    if part == NULL:
        raise MemoryError
    f.x, f.scale_r, f.shift_r = x, scale, shift
    f.rows, f.length, f.own_qparams = 1, size, False
    f.code, f.g, f.dx = <uint8_t*>code, g, dx
    f.scale_p = part if to_scale != NULL else NULL
    f.shift_p = part + pieces if to_shift != NULL else NULL
    try:
        run_fake(fake_backward_tasks, path, threads, &f)
        if to_scale != NULL:
            add_up(f.scale_p, 1, pieces, to_scale)
        if to_shift != NULL:
            add_up(f.shift_p, 1, pieces, to_shift)
    finally:
        free(part)
    return 0


cdef int fake_slopes_of(
    int path, int threads, object book, const float* x, const float* scale, const float* shift,
    int64_t size, const uint8_t* code, float* scale_gradient, float* shift_gradient,
) except -1:
    """Do `fake_slopes` with one scale and one shift."""
    cdef Fake f = (<Book>book).c
    f.x, f.scale_r, f.shift_r = x, scale, shift
    f.rows, f.length, f.own_qparams = 1, size, False
    # That there is a gradient asks the qparams for the surrogate.
    f.code, f.g = <uint8_t*>code, x
    f.scale_gradient, f.shift_gradient = scale_gradient, shift_gradient
    run_fake(fake_slopes_tasks, path, threads, &f)
    return 0


def first_outside(label, int64_t classes):
    """Return the first position of a label, int64, that is not in 0..classes-1; -1 for none."""
    cdef const int64_t* at = <const int64_t*>address(label)
    cdef int64_t i, count = label.size
    for i in range(count):
        if not 0 <= at[i] < classes:
            return i
    return -1


def entropy(
    int path, int threads, x, label, int64_t rows, int64_t columns, double factor, gradient
):
    """Return the sum over the rows of the softmax cross-entropy, in order.

    With a ``gradient``, write ``factor * (softmax - one_hot)`` to it.
    """
    cdef Entropy e
    cdef int64_t r
    cdef double total = 0
    e.x = <const float*>address(x)
    e.label = <const int64_t*>address(label)
    e.columns, e.factor = columns, narrow(factor)
    e.gradient = <float*>address(gradient)
    e.loss_r = <double*>malloc(rows * sizeof(double))
    if e.loss_r == NULL:
        raise MemoryError
    with nogil:
        share_at_once(entropy_tasks[path], &e, rows, threads if rows * columns > 50000 else 1)
    for r in range(rows):
        total += e.loss_r[r]
    free(e.loss_r)
    return total
