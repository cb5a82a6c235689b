from libc.stdint cimport int64_t

cdef bint weight_gradient(
    int path, int threads, const float* g, const float* x, float* dw,
    int64_t m, int64_t n, int64_t k,
) except? -1
