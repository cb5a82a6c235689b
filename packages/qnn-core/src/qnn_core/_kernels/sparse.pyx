"""Gradients by an input that is mostly one number: see sparse.h."""

from libc.stdint cimport int64_t, uint8_t

from .buffers cimport address
from .memory cimport Block
from .pool cimport Task, share


cdef extern from "sparse.h" nogil:
    ctypedef struct Entry:
        pass
    ctypedef struct Sparse:
        const float* x
        const float* slope
        const float* g
        float* dw
        float x0, slope0
        int64_t m, n, k, some
        float* chunk
        float* sum_n
        int64_t* count_k
        Entry* entry_km
        const uint8_t* code_nk
        const float* level
        const float* scale_n
        const float* shift_n
        double* total_p
    enum:
        CHUNK
    int64_t panels_in(int64_t columns)
    int64_t chunks_in(int64_t columns)
    const Task count_tasks[]
    const Task chunk_tasks[]
    const Task terms_tasks[]
    const Task sparse_tasks[]


cdef enum:
    # Of so many products on, it pays to look for a ground.
    LEAST_PRODUCTS = 4000000
    # Elements that are looked at to find it.
    SAMPLES = 64

# What a term costs, in products of dense sums; with a slope there are two sums, of which the second
# replaces a dense product too.
cdef double COST = 2.5


LEAST = LEAST_PRODUCTS


cdef bint is_sparse(int path, Sparse* s) noexcept:
    """Whether sums over the terms alone are quicker; depends on the data, not on the path."""
    if s.m * s.n * s.k < LEAST_PRODUCTS:
        return False
    with nogil:
        count_tasks[path](s, 0)
    # The last chunk costs as much as a full one.
    return s.some * COST * chunks_in(s.n) * CHUNK <= <double>s.m * s.k * s.n


cdef void find_ground(Sparse* s) noexcept nogil:
    """Take the number, or pair with the slope, that is met most often among a few."""
    cdef int64_t size = s.m * s.k, i, j
    cdef int64_t at[SAMPLES]
    cdef int met, most = 0
    s.x0 = s.slope0 = 0
    for i in range(SAMPLES):
        at[i] = i * size // SAMPLES
    for i in range(SAMPLES):
        met = 0
        for j in range(i, SAMPLES):
            met += s.x[at[i]] == s.x[at[j]] and (
                s.slope == NULL or s.slope[at[i]] == s.slope[at[j]]
            )
        if met > most:
            most = met
            s.x0 = s.x[at[i]]
            s.slope0 = s.slope[at[i]] if s.slope != NULL else 0


cdef double gradients(int path, int threads, Sparse* s) except? -1:
    """Write dw, if it is asked for, and return the total, if that is."""
    cdef int64_t i, chunks = chunks_in(s.n), tasks = panels_in(s.k) * chunks
    cdef size_t lines = 4 * CHUNK * chunks * (s.m + 1), entries = sizeof(Entry) * s.k * s.m
    cdef Block block = Block(lines + 8 * s.k + 8 * tasks + entries)
    cdef double total = 0
    s.chunk = <float*>block.start()
    s.sum_n = s.chunk + CHUNK * chunks * s.m
    s.count_k = <int64_t*>(block.start() + lines)
    s.total_p = <double*>(s.count_k + s.k)
    s.entry_km = <Entry*>(s.total_p + tasks)
    with nogil:
        share(chunk_tasks[path], s, chunks, threads)
        share(terms_tasks[path], s, panels_in(s.k), threads)
        share(sparse_tasks[path], s, tasks, threads)
    if s.slope != NULL or s.dw == NULL:
        for i in range(tasks):
            total += s.total_p[i]
    return total


cdef bint weight_gradient(
    int path, int threads, const float* g, const float* x, float* dw,
    int64_t m, int64_t n, int64_t k,
) except? -1:
    """Write dw if that is quicker than with all terms, and return whether it was."""
    cdef Sparse s
    s.g, s.x, s.slope, s.dw, s.m, s.n, s.k = g, x, NULL, dw, m, n, k
    # With any other ground dw would have other bits than with all terms.
    s.x0 = s.slope0 = 0
    if not is_sparse(path, &s):
        return False
    gradients(path, threads, &s)
    return True


def sparse_gradients(
    int path, int threads, g, x, slope, shift_slope, code, level, scale, shift, dw,
    int64_t m, int64_t n, int64_t k,
):
    """Write dw and return the totals of sparse.h; None if few data are at a ground.

    The second total is that of ``shift_slope``, and 0 for None; ``level`` is float32 ``[16]``,
    ``scale`` and ``shift`` are ``[n]``.
    """
    cdef double total[2]
    cdef bint done = sparse_gradients_of(
        path, threads, <const float*>address(g), <const float*>address(x),
        <const float*>address(slope), <const float*>address(shift_slope),
        <const uint8_t*>address(code), <const float*>address(level), <const float*>address(scale),
        <const float*>address(shift), <float*>address(dw), total, m, n, k,
    )
    return (total[0], total[1]) if done else None


cdef bint sparse_gradients_of(
    int path, int threads, const float* g, const float* x, const float* slope,
    const float* shift_slope, const uint8_t* code, const float* level, const float* scale,
    const float* shift, float* dw, double* totals, int64_t m, int64_t n, int64_t k,
) except? -1:
    """Do `sparse_gradients`; return False, with dw as it was, for None."""
    cdef Sparse s
    s.g, s.m, s.n, s.k = g, m, n, k
    s.code_nk, s.level, s.scale_n, s.shift_n = code, level, scale, shift
    totals[1] = 0
    if m * k < SAMPLES:
        return False
    if shift_slope != NULL:
        # Of what is clipped alone: most data are, or few.
        s.x, s.slope, s.dw = shift_slope, NULL, NULL
        find_ground(&s)
        if not is_sparse(path, &s):
            return False
        totals[1] = gradients(path, threads, &s)
    s.x, s.slope, s.dw = x, slope, dw
    find_ground(&s)
    if not is_sparse(path, &s):
        return False
    totals[0] = gradients(path, threads, &s)
    return True
