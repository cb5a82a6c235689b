"""The threads that all kernels share: see pool.h."""

from cpython.exc cimport PyErr_CheckSignals
from libc.stdint cimport INT64_MAX, int64_t


cdef extern from "pool.h" nogil:
    int64_t pool_share(
        Task task, void* context, int64_t start, int64_t count, int threads, int64_t limit
    )


cdef enum:
    SLICE = 50000000    # nanoseconds; docs/architecture.md says what follows from it


cdef int share(Task task, void* context, int64_t count, int threads) except -1 nogil:
    """Run tasks ``0..count-1`` on up to ``threads`` threads, the caller's included."""
    cdef int64_t done = pool_share(task, context, 0, count, threads, SLICE)
    while done < count:
        with gil:
            PyErr_CheckSignals()
        done = pool_share(task, context, done, count, threads, SLICE)
    return 0


cdef void share_at_once(Task task, void* context, int64_t count, int threads) noexcept nogil:
    """Run them as one job."""
    pool_share(task, context, 0, count, threads, INT64_MAX)
