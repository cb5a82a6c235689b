"""The gradient of a convolution's input, in place: see convolution.h."""

from libc.stdint cimport int64_t
from libc.stdlib cimport calloc, free

from .buffers cimport address
from .pool cimport Task, share


cdef extern from "convolution.h" nogil:
    ctypedef struct Spread:
        const float* g
        const float* w
        float* x
        const int64_t* first_t
        const int64_t* from_p
        const int64_t* to_p
        int64_t taps, n, c, outputs, pixels
    ctypedef struct Few:
        const float* g
        const float* w
        float* x
        float* memory
        const int64_t* shift_t
        int64_t images, tasks, taps, n, c
        int64_t out_height, out_width, height, width, line, plane, first, step_y, step_x
    enum:
        PLANE_ROOM
    const Task spread_tasks[]
    const Task few_tasks[]
    int64_t spread_panels(const Spread* s)


def input_gradient(
    int path, int threads, g, w, x, first, source, target, int64_t batch, int64_t n, int64_t c,
):
    """Write to ``x [batch, pixels, c]`` what ``g [batch, outputs, n]`` and ``w [taps, n, c]`` give.

    The pairs of tap ``t`` are ``first[t] .. first[t + 1] - 1``: output pixel ``source`` gives to
    pixel ``target``. ``c`` is a multiple of 16.
    """
    cdef Spread s
    s.g, s.w, s.x = <const float*>address(g), <const float*>address(w), <float*>address(x)
    s.first_t = <const int64_t*>address(first)
    s.from_p = <const int64_t*>address(source)
    s.to_p = <const int64_t*>address(target)
    s.taps, s.n, s.c = first.size - 1, n, c
    s.outputs, s.pixels = g.size // (batch * n), x.size // (batch * c)
    with nogil:
        share(spread_tasks[path], &s, batch * spread_panels(&s), threads)


def input_gradient_of_few(
    int path, int threads, g, w, x, shift, int64_t batch, int64_t n, int64_t c,
    tuple output, tuple image, int64_t line, int64_t plane, int64_t first, tuple step,
):
    """The same for few channels and ``w [c, taps, n]``: see ``Few``.

    ``step`` is what lies between output pixels in a frame, vertical and horizontal.
    """
    cdef Few f
    f.g, f.w, f.x = <const float*>address(g), <const float*>address(w), <float*>address(x)
    f.shift_t = <const int64_t*>address(shift)
    f.images, f.taps, f.n, f.c = batch, shift.size, n, c
    f.tasks = batch if batch < 4 * threads else 4 * threads
    f.out_height, f.out_width = output
    f.height, f.width = image
    f.line, f.plane, f.first = line, plane, first
    f.step_y, f.step_x = step
    f.memory = <float*>calloc(f.tasks * (n * plane + PLANE_ROOM), sizeof(float))
    if f.memory == NULL:
        raise MemoryError
    try:
        with nogil:
            share(few_tasks[path], &f, f.tasks, threads)
    finally:
        free(f.memory)
