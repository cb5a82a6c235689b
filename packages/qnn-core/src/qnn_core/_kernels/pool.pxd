from libc.stdint cimport int64_t

ctypedef void (*Task)(void* context, int64_t index) noexcept nogil

cdef void share(Task task, void* context, int64_t count, int threads) noexcept nogil
