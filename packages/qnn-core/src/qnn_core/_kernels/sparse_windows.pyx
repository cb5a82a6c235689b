"""The gradients of a convolution where few of those of its outputs are: see sparse_windows.h."""

from libc.stdint cimport int32_t, int64_t
from libc.stdlib cimport free, malloc

from .buffers cimport address
from .pool cimport Task, share


cdef extern from "sparse_windows.h" nogil:
    ctypedef struct Term:
        pass
    ctypedef struct ToWeight:
        const float* g
        const float* x
        float* sum
        const int64_t* pixel_p
        const int64_t* run_r
        int64_t pixels, n, runs, run, parts
    ctypedef struct ToInput:
        const float* g
        const float* w
        float* x
        const int64_t* pixel_p
        const int64_t* run_r
        int64_t images, tasks, n, runs, run
        int64_t out_height, out_width, height, width, c, pad_y, pad_x
        float* frames
        Term* terms
        int32_t* counts
    enum:
        GROUP
    const Task to_weight_tasks[]
    const Task to_input_tasks[]
    int64_t frame_of(const ToInput* s)


def to_weight(int path, int threads, g, x, pixel, runs, int64_t run, sums):
    """Write ``sums [part, n, runs, run]`` of ``g [pixels, n]`` times the windows in images `x`.

    ``pixel`` is where each window begins, ``runs`` where in it each run of ``run`` numbers; in
    ``sums`` runs are padded to a multiple of 16, and 16 numbers can be read behind the last window.
    """
    cdef ToWeight s
    cdef int64_t parts, n
    parts, n = sums.shape[:2]
    s.g, s.x, s.sum = <const float*>address(g), <const float*>address(x), <float*>address(sums)
    s.pixel_p, s.run_r = <const int64_t*>address(pixel), <const int64_t*>address(runs)
    s.pixels, s.n, s.runs, s.run, s.parts = pixel.size, n, runs.size, run, parts
    with nogil:
        share(to_weight_tasks[path], &s, parts * ((n + GROUP - 1) // GROUP), threads)


def to_input(int path, int threads, g, w, x, pixel, runs, int64_t run, tuple padding):
    """Write ``x [b, h, w, c]``, what ``g [b, oh, ow, n]`` and ``w [runs, n, run]`` give to windows.

    ``pixel`` is where the windows of an image begin, in an image with its padding.
    """
    cdef ToInput s
    cdef int64_t pixels
    s.g, s.w, s.x = <const float*>address(g), <const float*>address(w), <float*>address(x)
    s.pixel_p, s.run_r = <const int64_t*>address(pixel), <const int64_t*>address(runs)
    s.images, s.out_height, s.out_width, s.n = g.shape
    _, s.height, s.width, s.c = x.shape
    s.pad_y, s.pad_x = padding
    s.runs, s.run = runs.size, run
    s.tasks = min(s.images, threads)
    pixels = s.out_height * s.out_width
    s.frames = <float*>malloc(s.tasks * frame_of(&s) * sizeof(float))
    s.terms = <Term*>malloc(s.tasks * pixels * s.n * sizeof(Term))
    s.counts = <int32_t*>malloc(s.tasks * pixels * sizeof(int32_t))
    try:
        if s.frames == NULL or s.terms == NULL or s.counts == NULL:
            raise MemoryError
        with nogil:
            share(to_input_tasks[path], &s, s.tasks, threads)
    finally:
        free(s.frames)
        free(s.terms)
        free(s.counts)
