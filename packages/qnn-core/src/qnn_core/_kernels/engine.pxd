from libc.stdint cimport uint8_t

# Of a Multiplier.
cdef int multiply_of(
    object multiplier, int path, int threads, const uint8_t* x, const uint8_t* w, float scale,
    const float* bias, float* y,
) except -1
