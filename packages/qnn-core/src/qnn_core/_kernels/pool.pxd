from libc.stdint cimport int64_t

ctypedef void (*Task)(void* context, int64_t index) noexcept nogil

# In slices, between which Python's signal handlers run: one that raises ends the call, and what it
# was to write is then in part unwritten.
cdef int share(Task task, void* context, int64_t count, int threads) except -1 nogil

# Without a break, for what may not be done in part, and for what is quick.
cdef void share_at_once(Task task, void* context, int64_t count, int threads) noexcept nogil
