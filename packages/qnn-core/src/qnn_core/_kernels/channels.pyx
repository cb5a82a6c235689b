"""Sums over rows for each channel, and maps of rows by constants of their channels: see channels.h.

Arrays are contiguous float32 ``[rows, c]``, sums float64 ``[c]``, and constants float32
``[their number, ways, c]``. ``shape`` is rows, c, ways, and rows of a piece.
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from .buffers cimport address
from .pool cimport Task, share


cdef extern from "channels.h" nogil:
    ctypedef struct Channels:
        const float* x
        const float* g
        float* y
        int64_t rows, c, ways, piece
        const float* constant[4]
        float* memory
        double* part[2]
        int relu
        const float* kept
    int64_t pieces_of(const Channels*)
    const Task channel_sums_tasks[]
    const Task channel_moments_tasks[]
    const Task channel_products_tasks[]
    const Task normalize_tasks[]
    const Task normalize_backward_tasks[]


cdef Channels channels(
    tuple shape, const float* x, const float* g, const float* constants, float* y
) except *:
    cdef Channels f
    cdef int n
    f.rows, f.c, f.ways, f.piece = shape
    f.x, f.g, f.y = x, g, y
    f.memory, f.part[0], f.part[1] = NULL, NULL, NULL
    f.relu, f.kept = False, NULL
    f.constant[0] = constants
    # However many there are: those that are not are not read.
    for n in range(1, 4):
        f.constant[n] = NULL if constants == NULL else constants + n * f.ways * f.c
    return f


cdef int run(const Task task, int threads, Channels* f) except -1:
    """Run a task on all pieces, with memory of its own for each."""
    cdef int64_t pieces = pieces_of(f), sums = 3 * f.ways * f.c * sizeof(float)
    # Doubles first: they have the greater alignment.
    cdef char* memory = <char*>malloc(pieces * (2 * f.c * sizeof(double) + sums) + 1)
    if memory == NULL:
        raise MemoryError
    f.part[0] = <double*>memory
    f.part[1] = f.part[0] + pieces * f.c
    f.memory = <float*>(f.part[1] + pieces * f.c)
    try:
        with nogil:
            share(task, f, pieces, threads)
    except BaseException:
        free(memory)
        raise
    return 0


cdef void add_up(const Channels* f, const double* part, double* total) noexcept nogil:
    cdef int64_t c, p
    for c in range(f.c):
        total[c] = 0
    for p in range(pieces_of(f)):
        for c in range(f.c):
            total[c] += part[p * f.c + c]


def few_sums(x, total, int64_t rows, int64_t c):
    """Write the float32 sum of each channel, taken row by row, as NumPy does.

    Args:
        x: of at least one row.
        total: float32 ``[c]``.
    """
    few_sums_of(<const float*>address(x), <float*>address(total), rows, c)


cdef void few_sums_of(const float* x, float* total, int64_t rows, int64_t c) noexcept:
    cdef int64_t r, j
    memcpy(total, x, c * sizeof(float))
    for r in range(1, rows):
        for j in range(c):
            total[j] += x[r * c + j]


def sums(int path, int threads, tuple shape, x, total):
    """Write the sum of each channel; of each of several arrays, if there are as many totals."""
    cdef const float* at = <const float*>address(x)
    cdef double* to = <double*>address(total)
    cdef int64_t rows = shape[0], c = shape[1], array, arrays = total.size // c
    for array in range(arrays):
        sums_of(path, threads, shape, at + array * rows * c, to + array * c)


cdef int sums_of(int path, int threads, tuple shape, const float* x, double* total) except -1:
    cdef Channels f = channels(shape, x, NULL, NULL, NULL)
    run(channel_sums_tasks[path], threads, &f)
    add_up(&f, f.part[0], total)
    free(f.part[0])
    return 0


def moments(int path, int threads, tuple shape, x, mean, square):
    """Write the mean of each channel, and the sum of squared deviations from it.

    Those of the pieces are put together as Chan, Golub and LeVeque do (1983, "Algorithms for
    computing the sample variance").
    """
    cdef const float* at = <const float*>address(x)
    moments_of(path, threads, shape, at, <double*>address(mean), <double*>address(square))


cdef int moments_of(
    int path, int threads, tuple shape, const float* x, double* m, double* s
) except -1:
    cdef Channels f = channels(shape, x, NULL, NULL, NULL)
    cdef int64_t c, p, before, more
    cdef double apart
    run(channel_moments_tasks[path], threads, &f)
    with nogil:
        for p in range(pieces_of(&f)):
            before = p * f.piece
            more = min(f.piece, f.rows - before)
            for c in range(f.c):
                if p == 0:
                    m[c], s[c] = f.part[0][c], f.part[1][c]
                    continue
                apart = f.part[0][p * f.c + c] - m[c]
                m[c] += apart * more / (before + more)
                s[c] += f.part[1][p * f.c + c] + apart * apart * before * more / (before + more)
    free(f.part[0])
    return 0


def products(int path, int threads, tuple shape, x, g, constants, total, moment):
    """Write the sums of ``g`` and of ``g * (x - mean)`` for each channel."""
    products_of(
        path, threads, shape, <const float*>address(x), <const float*>address(g),
        <const float*>address(constants), <double*>address(total), <double*>address(moment), NULL,
    )


cdef int products_of(
    int path, int threads, tuple shape, const float* x, const float* g, const float* constants,
    double* total, double* moment, const float* kept,
) except -1:
    cdef Channels f = channels(shape, x, g, constants, NULL)
    f.kept = kept
    run(channel_products_tasks[path], threads, &f)
    add_up(&f, f.part[0], total)
    add_up(&f, f.part[1], moment)
    free(f.part[0])
    return 0


def normalize(int path, int threads, tuple shape, x, constants, y):
    """Write ``(x - mean) * factor + bias``."""
    cdef const float* at = <const float*>address(x)
    cdef const float* each = <const float*>address(constants)
    normalize_of(path, threads, shape, at, each, <float*>address(y), False)


cdef int normalize_of(
    int path, int threads, tuple shape, const float* x, const float* constants, float* y, bint relu
) except -1:
    cdef Channels f = channels(shape, x, NULL, constants, y)
    f.relu = relu
    with nogil:
        share(normalize_tasks[path], &f, pieces_of(&f), threads)
    return 0


def normalize_backward(int path, int threads, tuple shape, x, g, constants, dx):
    """Write ``factor * g + (slope * (x - mean) + offset)``; constants: mean, factor and so on."""
    normalize_backward_of(
        path, threads, shape, <const float*>address(x), <const float*>address(g),
        <const float*>address(constants), <float*>address(dx), NULL,
    )


cdef int normalize_backward_of(
    int path, int threads, tuple shape, const float* x, const float* g, const float* constants,
    float* dx, const float* kept,
) except -1:
    cdef Channels f = channels(shape, x, g, constants, dx)
    f.kept = kept
    with nogil:
        share(normalize_backward_tasks[path], &f, pieces_of(&f), threads)
    return 0
