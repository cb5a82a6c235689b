"""Sums of products of floats in one fixed order: see sums.h."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from .buffers cimport address
from .pool cimport Task, share


cdef extern from "sums.h" nogil:
    enum:
        PANEL, SUM_TERMS, SUM_ROWS
    ctypedef struct Sums:
        const float* a
        const int64_t* a_row
        const int64_t* a_term
        const float* b
        int64_t b_stride
        float* c
        int64_t c_stride, rows, terms, columns
        const float* scale_j
        const float* bias_j
    ctypedef struct Affine:
        const float* x
        float* panels
        const float* w
        const float* scale_n
        const float* bias_n
        float* y
        int64_t m, n, k, w_stride
    const Task sums_tasks[]
    const Task turn_tasks[]
    const Task affine_tasks[]
    int64_t panels_in(int64_t columns)


def sums(
    int path, int threads, a, a_row, a_term, b, c,
    int64_t rows, int64_t terms, int64_t columns, scale=None, bias=None,
):
    """Write ``c[r, j] = sum over t of a[a_row[r] + a_term[t]] * b[t, j]``.

    With ``scale`` and ``bias``, one for each column: times the one and plus the other.
    """
    cdef Sums s = sums_of(a, a_row, a_term, b, c, rows, terms, columns)
    s.scale_j = <const float*>address(scale)
    s.bias_j = <const float*>address(bias)
    run_sums(path, threads, &s)


cdef Sums sums_of(a, a_row, a_term, b, c, int64_t rows, int64_t terms, int64_t columns):
    cdef Sums s
    s.a = <const float*>address(a)
    s.a_row = <const int64_t*>address(a_row)
    s.a_term = <const int64_t*>address(a_term)
    s.b = <const float*>address(b)
    s.c = <float*>address(c)
    s.rows, s.terms, s.columns = rows, terms, columns
    s.b_stride = s.c_stride = columns
    s.scale_j = s.bias_j = NULL
    return s


def sums_in_parts(
    int path, int threads, a, a_row, a_term, b, c,
    int64_t rows, int64_t terms, int64_t columns, int parts,
):
    """Write ``c[part, r, j]``: `sums` over each of so many parts of the terms.

    For few rows and many terms: threads share the parts.
    """
    cdef Sums whole = sums_of(a, a_row, a_term, b, c, rows, terms, columns)
    cdef Parts job
    cdef int64_t p, start
    job.run = sums_tasks[path]
    job.each = (rows + SUM_ROWS - 1) // SUM_ROWS * panels_in(columns)
    job.part = <Sums*>malloc(parts * sizeof(Sums))
    if job.part == NULL:
        raise MemoryError
    for p in range(parts):
        start = terms * p // parts
        job.part[p] = whole
        job.part[p].a_term += start
        job.part[p].b += start * columns
        job.part[p].c += p * rows * columns
        job.part[p].terms = terms * (p + 1) // parts - start
    with nogil:
        share(run_part, &job, parts * job.each, few(threads, rows * columns * terms))
    free(job.part)


cdef struct Parts:
    Task run
    Sums* part
    int64_t each


cdef void run_part(void* context, int64_t task) noexcept nogil:
    cdef Parts* job = <Parts*>context
    job.run(&job.part[task // job.each], task % job.each)


cdef int few(int threads, int64_t products) noexcept nogil:
    """Waking a thread is worth it from some fifty microseconds of work on."""
    return threads if products >= 4000000 else 1


cdef void run_sums(int path, int threads, Sums* s) noexcept nogil:
    cdef int64_t tasks = (s.rows + SUM_ROWS - 1) // SUM_ROWS * panels_in(s.columns)
    share(sums_tasks[path], s, tasks, few(threads, s.rows * s.columns * s.terms))


def matrix(
    int path, int threads, a, int64_t a_row, int64_t a_term, b, c,
    int64_t rows, int64_t terms, int64_t columns, scale=None, bias=None,
):
    """Write ``c[r, j] = sum over t of a[r * a_row + t * a_term] * b[t, j]`` of whole matrices.

    With ``scale`` and ``bias`` as in `sums`.
    """
    cdef Sums s
    cdef int64_t i
    cdef int64_t* table = <int64_t*>malloc((rows + terms + 1) * sizeof(int64_t))
    if table == NULL:
        raise MemoryError
    try:
        s.a = <const float*>address(a)
        s.b = <const float*>address(b)
        s.c = <float*>address(c)
        s.a_row, s.a_term = table, table + rows
        s.b_stride = s.c_stride = columns
        s.rows, s.terms, s.columns = rows, terms, columns
        s.scale_j = <const float*>address(scale)
        s.bias_j = <const float*>address(bias)
        with nogil:
            for i in range(rows):
                table[i] = i * a_row
            for i in range(terms):
                table[rows + i] = i * a_term
            run_sums(path, threads, &s)
    finally:
        free(table)


def affine(
    int path, int threads, x, w, scale, bias, y, int64_t m, int64_t n, int64_t k,
):
    """Write ``y[m, n] = (sum over k of x[m, k] * w[n, k]) * scale[n] + bias[n]``."""
    cdef Affine f
    cdef size_t size = 4 * PANEL * panels_in(m) * k + 64
    cdef char* memory = <char*>malloc(size)
    if memory == NULL:
        raise MemoryError
    try:
        f.x = <const float*>address(x)
        f.w = <const float*>address(w)
        f.scale_n = <const float*>address(scale)
        f.bias_n = <const float*>address(bias)
        f.y = <float*>address(y)
        f.panels = <float*>(memory + (64 - <size_t>memory % 64) % 64)
        f.m, f.n, f.k, f.w_stride = m, n, k, k
        threads = few(threads, m * n * k)
        with nogil:
            share(turn_tasks[path], &f, (k + SUM_TERMS - 1) // SUM_TERMS, threads)
            share(
                affine_tasks[path], &f, (n + SUM_ROWS - 1) // SUM_ROWS * panels_in(m), threads
            )
    finally:
        free(memory)
