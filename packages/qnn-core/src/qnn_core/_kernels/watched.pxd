cdef extern from "watched.h" nogil:
    enum: GUARD
    void forbid(const char* memory, size_t size) noexcept
    void allow(const char* memory, size_t size) noexcept
