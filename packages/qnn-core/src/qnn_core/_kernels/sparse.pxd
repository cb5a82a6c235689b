from libc.stdint cimport int64_t, uint8_t

cdef bint weight_gradient(
    int path, int threads, const float* g, const float* x, float* dw,
    int64_t m, int64_t n, int64_t k,
) except? -1

cdef bint sparse_gradients_of(
    int path, int threads, const float* g, const float* x, const float* slope,
    const float* shift_slope, const uint8_t* code, const float* level, const float* scale,
    const float* shift, float* dw, double* totals, int64_t m, int64_t n, int64_t k,
) except? -1
