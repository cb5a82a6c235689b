"""Sums of products of floats in one fixed order: see float_gemm.h."""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from .buffers cimport address
from .memory cimport Block
from .pool cimport Task, share
from .sparse cimport weight_gradient


cdef extern from "float_gemm.h" nogil:
    enum:
        PANEL, SUM_TERMS, SUM_ROWS
    ctypedef struct Sums:
        const float* a
        const int64_t* a_row
        const int64_t* a_term
        const float* b
        int64_t b_stride, b_panel
        float* c
        int64_t c_stride, rows, terms, columns
        int affine
        const float* scale_j
        const float* bias_j
    ctypedef struct Turn:
        const float* source "from"
        float* panels
        int64_t rows, k
    ctypedef struct Affine:
        const float* panels
        const float* w
        const float* scale_n
        const float* bias_n
        float* y
        int64_t m, n, k
    const Task sums_tasks[]
    const Task turn_tasks[]
    const Task affine_tasks[]
    int64_t panels_in(int64_t columns)


def sums(
    int path, int threads, a, a_row, a_term, b, c,
    int64_t rows, int64_t terms, int64_t columns, scale=None, bias=None,
):
    """Write ``c[r, j] = sum over t of a[a_row[r] + a_term[t]] * b[t, j]``.

    With ``scale`` or ``bias``, one for each column: times the one (or 1) and plus the other (or 0).
    """
    cdef Sums s = sums_of(a, a_row, a_term, b, c, rows, terms, columns)
    s.scale_j = <const float*>address(scale)
    s.bias_j = <const float*>address(bias)
    s.affine = s.scale_j != NULL or s.bias_j != NULL
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
    s.b_panel = PANEL
    s.affine = 0
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
    try:
        with nogil:
            share(run_part, &job, parts * job.each, few(threads, rows * columns * terms))
    finally:
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


cdef int run_sums(int path, int threads, Sums* s) except -1 nogil:
    cdef int64_t tasks = (s.rows + SUM_ROWS - 1) // SUM_ROWS * panels_in(s.columns)
    return share(sums_tasks[path], s, tasks, few(threads, s.rows * s.columns * s.terms))


def matrix(
    int path, int threads, a, int64_t a_row, int64_t a_term, b, c,
    int64_t rows, int64_t terms, int64_t columns,
):
    """Write ``c[r, j] = sum over t of a[r * a_row + t * a_term] * b[t, j]`` of whole matrices."""
    cdef const float* from_a = <const float*>address(a)
    cdef const float* from_b = <const float*>address(b)
    cdef float* to = <float*>address(c)
    matrices(path, threads, from_a, a_row, a_term, from_b, to, rows, terms, columns)


cdef int matrices(
    int path, int threads, const float* a, int64_t a_row, int64_t a_term, const float* b, float* c,
    int64_t rows, int64_t terms, int64_t columns,
) except -1:
    cdef Sums s
    s.a, s.b, s.c = a, b, c
    s.b_stride = s.c_stride = columns
    s.b_panel = PANEL
    s.rows, s.terms, s.columns = rows, terms, columns
    s.affine = 0
    return strided(path, threads, &s, a_row, a_term)


cdef int strided(int path, int threads, Sums* s, int64_t a_row, int64_t a_term) except -1:
    """Run sums over a matrix, whose table of offsets is two strides."""
    cdef int64_t i
    cdef Block block = Block((s.rows + s.terms) * sizeof(int64_t))
    cdef int64_t* table = <int64_t*>block.start()
    s.a_row, s.a_term = table, table + s.rows
    with nogil:
        for i in range(s.rows):
            table[i] = i * a_row
        for i in range(s.terms):
            table[s.rows + i] = i * a_term
        run_sums(path, threads, s)
    return 0


cdef double cost(int64_t lanes, int64_t rows, int64_t k) noexcept:
    """About what a product costs, in multiply-adds at full speed, if one side is the lanes.

    Measured: few vectors of lanes leave the units idle, and turning a matrix that the second-level
    cache does not hold is slower.
    """
    cdef int64_t vectors = (lanes + 15) // 16
    cdef double idle = 3 if vectors == 1 else 1.5 if vectors == 2 else 1
    return 16 * vectors * rows * k * idle + lanes * k * (25 if lanes * k < 131072 else 60)


def affine(int path, int threads, x, w, scale, bias, y, int64_t m, int64_t n, int64_t k):
    """Write ``y[m, n] = (sum over k of x[m, k] * w[n, k]) * scale[n] + bias[n]``.

    ``scale`` and ``bias`` may be None, for 1 and for 0. One side is turned into panels, the other
    one is read as it lies; if that is ``w``, ``y`` is turned back.
    """
    affine_of(
        path, threads, <const float*>address(x), <const float*>address(w),
        <const float*>address(scale), <const float*>address(bias), <float*>address(y), m, n, k,
    )


cdef int affine_of(
    int path, int threads, const float* x, const float* w, const float* scale, const float* bias,
    float* y, int64_t m, int64_t n, int64_t k,
) except -1:
    cdef Turn turn
    cdef Affine f
    cdef Sums s
    cdef bint turn_x = cost(m, n, k) + 15 * m * n < cost(n, m, k)
    turn.source, turn.rows, turn.k = (x, m, k) if turn_x else (w, n, k)
    cdef Block block = Block(4 * PANEL * panels_in(turn.rows) * k)
    turn.panels = <float*>block.start()
    f.scale_n = s.scale_j = scale
    f.bias_n = s.bias_j = bias
    threads = few(threads, m * n * k)
    with nogil:
        share(turn_tasks[path], &turn, (k + SUM_TERMS - 1) // SUM_TERMS, threads)
    if turn_x:
        f.panels, f.w, f.y = turn.panels, w, y
        f.m, f.n, f.k = m, n, k
        with nogil:
            share(affine_tasks[path], &f, (n + SUM_ROWS - 1) // SUM_ROWS * panels_in(m), threads)
    else:
        s.a, s.b, s.c = x, turn.panels, y
        s.b_stride, s.b_panel, s.c_stride = PANEL, PANEL * k, n
        s.rows, s.terms, s.columns, s.affine = m, k, n, 1
        strided(path, threads, &s, k, 1)
    return 0


def affine_gradients(
    int path, int threads, g, x, w, dx, dw, int64_t m, int64_t n, int64_t k,
):
    """Write the gradients of `affine` without a scale, ``g w`` and ``g' x``.

    ``dx`` and ``dw`` may be None.
    """
    affine_gradients_of(
        path, threads, <const float*>address(g), <const float*>address(x),
        <const float*>address(w), <float*>address(dx), <float*>address(dw), m, n, k,
    )


cdef int affine_gradients_of(
    int path, int threads, const float* g, const float* x, const float* w, float* dx, float* dw,
    int64_t m, int64_t n, int64_t k,
) except -1:
    if dx != NULL:
        matrices(path, threads, g, n, 1, w, dx, m, n, k)
    if dw != NULL and not weight_gradient(path, threads, g, x, dw, m, n, k):
        matrices(path, threads, g, 1, n, x, dw, n, m, k)
    return 0
