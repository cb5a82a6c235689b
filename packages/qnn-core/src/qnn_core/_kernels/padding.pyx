"""Images with zeros around them: see padding.h. Images are shared among threads."""

from libc.stdint cimport int64_t, uint8_t

from .buffers cimport address
from .pool cimport Task, share


cdef extern from "padding.h" nogil:
    ctypedef struct Padding:
        const float* x
        const uint8_t* code
        const float* table
        int entries
        float* y
        int64_t height, width, c, pad_y, pad_x
    const Task pad_tasks[]


def pad(int path, int threads, x, table, y, tuple padding):
    """Write images ``x [b, h, w, c]`` to ``y [b, h + 2 * vertical, w + 2 * horizontal, c]``.

    Where there is a `table`, float32, `x` are uint8 codes, and what is written are its values;
    every code has one. Else it is None, and `x` are values. ``padding`` is (vertical, horizontal).
    """
    cdef Padding p
    cdef int64_t batch
    batch, p.height, p.width, p.c = x.shape
    p.pad_y, p.pad_x = padding
    p.y = <float*>address(y)
    p.x, p.code, p.table, p.entries = NULL, NULL, NULL, 0
    if table is None:
        p.x = <const float*>address(x)
    else:
        p.code, p.table = <const uint8_t*>address(x), <const float*>address(table)
        p.entries = table.size
    with nogil:
        share(pad_tasks[path], &p, batch, threads)
