from libc.stdint cimport int64_t

# See the functions of these names without "_of"; `relu` and `kept` are those of channels.h.
cdef void few_sums_of(const float* x, float* total, int64_t rows, int64_t c) noexcept

cdef int sums_of(int path, int threads, tuple shape, const float* x, double* total) except -1

cdef int moments_of(
    int path, int threads, tuple shape, const float* x, double* m, double* s
) except -1

cdef int products_of(
    int path, int threads, tuple shape, const float* x, const float* g, const float* constants,
    double* total, double* moment, const float* kept,
) except -1

cdef int normalize_of(
    int path, int threads, tuple shape, const float* x, const float* constants, float* y, bint relu
) except -1

cdef int normalize_backward_of(
    int path, int threads, tuple shape, const float* x, const float* g, const float* constants,
    float* dx, const float* kept,
) except -1
