"""Pooling of images, channels last, from image `start` to `stop`: see pool.h.

`geometry` is height, width, channels, height and width of the output, and (vertical, horizontal)
kernel, stride and padding, eleven numbers. Arrays are flat and contiguous.
"""

from libc.stdint cimport int64_t, uint8_t

ctypedef fused number:
    uint8_t
    float
    double

ctypedef fused real:
    float
    double


cdef extern from "pool.h" nogil:
    ctypedef struct Pool:
        int64_t height, width, channels, out_height, out_width
        int64_t kernel_y, kernel_x, stride_y, stride_x, pad_y, pad_x
    void max_image_uint8_t(const Pool*, const uint8_t*, uint8_t*)
    void max_image_float(const Pool*, const float*, float*)
    void max_image_double(const Pool*, const double*, double*)
    void max_gradient_image_float(const Pool*, const float*, const float*, float*)
    void max_gradient_image_double(const Pool*, const double*, const double*, double*)
    void max_choice_image_float(const Pool*, const float*, const float*, float*)
    void max_choice_image_double(const Pool*, const double*, const double*, double*)
    void mean_image_float(const Pool*, const float*, float*)
    void mean_image_double(const Pool*, const double*, double*)
    void mean_gradient_image_float(const Pool*, const float*, float*)
    void mean_gradient_image_double(const Pool*, const double*, double*)


cdef Pool pool_of(tuple geometry):
    cdef Pool p
    (
        p.height, p.width, p.channels, p.out_height, p.out_width, p.kernel_y, p.kernel_x,
        p.stride_y, p.stride_x, p.pad_y, p.pad_x,
    ) = geometry
    return p


def maximum(const number[::1] x, number[::1] y, tuple geometry, int64_t start, int64_t stop):
    """Write the maximum of each window. This and the others return 0."""
    cdef Pool p = pool_of(geometry)
    cdef int64_t n = p.height * p.width * p.channels, m = p.out_height * p.out_width * p.channels
    cdef int64_t i
    with nogil:
        for i in range(start, stop):
            if number is uint8_t:
                max_image_uint8_t(&p, &x[i * n], &y[i * m])
            elif number is float:
                max_image_float(&p, &x[i * n], &y[i * m])
            else:
                max_image_double(&p, &x[i * n], &y[i * m])
    return 0


def maximum_gradient(
    const real[::1] x, const real[::1] g, real[::1] dx, tuple geometry, int64_t start, int64_t stop
):
    """Add each g to the first maximum of its window."""
    cdef Pool p = pool_of(geometry)
    cdef int64_t n = p.height * p.width * p.channels, m = p.out_height * p.out_width * p.channels
    cdef int64_t i
    with nogil:
        for i in range(start, stop):
            if real is float:
                max_gradient_image_float(&p, &x[i * n], &g[i * m], &dx[i * n])
            else:
                max_gradient_image_double(&p, &x[i * n], &g[i * m], &dx[i * n])
    return 0


def maximum_choice(
    const real[::1] x, const real[::1] h, real[::1] y, tuple geometry, int64_t start, int64_t stop
):
    """Write the element of h where the first maximum of each window of x is."""
    cdef Pool p = pool_of(geometry)
    cdef int64_t n = p.height * p.width * p.channels, m = p.out_height * p.out_width * p.channels
    cdef int64_t i
    with nogil:
        for i in range(start, stop):
            if real is float:
                max_choice_image_float(&p, &x[i * n], &h[i * n], &y[i * m])
            else:
                max_choice_image_double(&p, &x[i * n], &h[i * n], &y[i * m])
    return 0


def mean(const real[::1] x, real[::1] y, tuple geometry, int64_t start, int64_t stop):
    """Write the mean of each window; what lies outside counts as 0."""
    cdef Pool p = pool_of(geometry)
    cdef int64_t n = p.height * p.width * p.channels, m = p.out_height * p.out_width * p.channels
    cdef int64_t i
    with nogil:
        for i in range(start, stop):
            if real is float:
                mean_image_float(&p, &x[i * n], &y[i * m])
            else:
                mean_image_double(&p, &x[i * n], &y[i * m])
    return 0


def mean_gradient(const real[::1] g, real[::1] dx, tuple geometry, int64_t start, int64_t stop):
    """Add a share of each g to every element of its window."""
    cdef Pool p = pool_of(geometry)
    cdef int64_t n = p.height * p.width * p.channels, m = p.out_height * p.out_width * p.channels
    cdef int64_t i
    with nogil:
        for i in range(start, stop):
            if real is float:
                mean_gradient_image_float(&p, &g[i * m], &dx[i * n])
            else:
                mean_gradient_image_double(&p, &g[i * m], &dx[i * n])
    return 0
