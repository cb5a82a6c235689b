# cython: auto_pickle=False
"""The table of uneven thresholds, for all that searches among them: see search.h."""

cimport cython

from libc.stdint cimport uint64_t

from .buffers cimport address
from .float_mode cimport float_mode_enter, float_mode_leave


@cython.final
cdef class Search:
    """A table for thresholds: float32, ascending, at most 255, none of them NaN."""

    def __cinit__(self, thresholds):
        cdef const float* threshold_t = <const float*>address(thresholds)
        cdef int32_t count = thresholds.size
        cdef uint64_t mode = float_mode_enter()
        cdef bint made = search_make(&self.c, threshold_t, count)
        float_mode_leave(mode)
        if not made:
            raise MemoryError

    def __dealloc__(self):
        search_free(&self.c)
