"""The threads that all kernels share: see pool.h."""

from libc.stdint cimport int64_t


cdef extern from "pool.h" nogil:
    void pool_share(Task task, void* context, int64_t count, int threads)


cdef void share(Task task, void* context, int64_t count, int threads) noexcept nogil:
    """Run tasks ``0..count-1`` on up to ``threads`` threads, the caller's included."""
    pool_share(task, context, count, threads)
