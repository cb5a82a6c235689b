from libc.stdint cimport int64_t, uint8_t


cdef extern from "training.h" nogil:
    ctypedef struct Limits:
        float low, high, zero, stop


# See the functions of these names without "_of".
cdef void relu_of(int path, int threads, const float* x, float* y, int64_t size) noexcept

cdef void relu_backward_of(
    int path, int threads, const float* g, const float* x, float* y, int64_t size
) noexcept

cdef void limit_of(
    int path, int threads, const Limits* limits, const float* x, float* y, int64_t size
) noexcept

cdef void limit_backward_of(
    int path, int threads, const Limits* limits, const float* g, const float* x, float* y,
    int64_t size,
) noexcept

cdef void lookup_of(
    int path, int threads, const uint8_t* code, const float* table, int entries, float* y,
    int64_t size,
) noexcept

cdef bint fake_forward_of(
    int path, int threads, object book, const float* x, const float* scale, const float* shift,
    int64_t size, uint8_t* code, float* value, const Limits* limits,
) except -1

cdef int fake_backward_of(
    int path, int threads, object book, const float* x, const float* scale, const float* shift,
    int64_t size, const uint8_t* code, const float* g, float* dx, double* to_scale,
    double* to_shift, const Limits* limits,
) except -1

cdef int fake_slopes_of(
    int path, int threads, object book, const float* x, const float* scale, const float* shift,
    int64_t size, const uint8_t* code, float* scale_gradient, float* shift_gradient,
) except -1
