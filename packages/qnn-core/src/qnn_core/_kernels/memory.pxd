cdef class Block:
    cdef char* memory
    cdef size_t size, length

    cdef char* start(self) noexcept
