from libc.stdint cimport int64_t

# See `affine` and `affine_gradients`; NULL for None.
cdef int affine_of(
    int path, int threads, const float* x, const float* w, const float* scale, const float* bias,
    float* y, int64_t m, int64_t n, int64_t k,
) except -1

cdef int affine_gradients_of(
    int path, int threads, const float* g, const float* x, const float* w, float* dx, float* dw,
    int64_t m, int64_t n, int64_t k,
) except -1
