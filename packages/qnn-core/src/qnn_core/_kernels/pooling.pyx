"""Pooling of images, channels last: see pooling.h. Images are shared among threads.

`geometry` is height, width, channels, height and width of the output, and (vertical, horizontal)
kernel, stride and padding, eleven numbers. Arrays are contiguous: uint8, float32 or float64.
"""

from libc.stdint cimport int64_t, uint8_t

from .buffers cimport address
from .pool cimport share


cdef extern from "pooling.h" nogil:
    ctypedef struct Pool:
        int64_t height, width, channels, out_height, out_width
        int64_t kernel_y, kernel_x, stride_y, stride_x, pad_y, pad_x
    ctypedef void (*FromOne)(const Pool*, const void*, void*) noexcept
    ctypedef void (*FromTwo)(const Pool*, const void*, const void*, void*) noexcept
    void max_image_uint8_t(const Pool*, const uint8_t*, uint8_t*)
    void max_image_double(const Pool*, const double*, double*)
    void max_gradient_image_double(const Pool*, const double*, const double*, double*)
    void max_choice_image_double(const Pool*, const double*, const double*, double*)
    void mean_image_double(const Pool*, const double*, double*)
    void mean_gradient_image_double(const Pool*, const double*, double*)
    # Of float images, for each path.
    const FromOne max_images[]
    const FromTwo max_gradient_images[]
    const FromTwo max_choice_images[]
    const FromOne mean_images[]
    const FromOne mean_gradient_images[]


# What is done to an image: from one array, or from two, to another.
cdef struct Job:
    Pool pool
    FromOne from_one
    FromTwo from_two
    const char* a
    const char* b
    char* to
    int64_t a_bytes, b_bytes, to_bytes   # of an image


cdef void run_image(void* context, int64_t i) noexcept nogil:
    cdef Job* job = <Job*>context
    cdef const char* a = job.a + i * job.a_bytes
    cdef char* to = job.to + i * job.to_bytes
    if job.from_one != NULL:
        job.from_one(&job.pool, a, to)
    else:
        job.from_two(&job.pool, a, job.b + i * job.b_bytes, to)


cdef run(int threads, FromOne from_one, FromTwo from_two, tuple geometry, int64_t batch, a, b, to):
    cdef Job job
    cdef Pool p
    (
        p.height, p.width, p.channels, p.out_height, p.out_width, p.kernel_y, p.kernel_x,
        p.stride_y, p.stride_x, p.pad_y, p.pad_x,
    ) = geometry
    job.pool, job.from_one, job.from_two = p, from_one, from_two
    job.a, job.to = <const char*>address(a), <char*>address(to)
    job.a_bytes, job.to_bytes = a.nbytes // batch, to.nbytes // batch
    if b is not None:
        job.b, job.b_bytes = <const char*>address(b), b.nbytes // batch
    with nogil:
        share(run_image, &job, batch, threads)


def maximum(int path, int threads, tuple geometry, int64_t batch, x, y):
    """Write the maximum of each window."""
    cdef FromOne job = (
        <FromOne>max_image_uint8_t if x.itemsize == 1
        else max_images[path] if x.itemsize == 4 else <FromOne>max_image_double
    )
    run(threads, job, NULL, geometry, batch, x, None, y)


def maximum_gradient(int path, int threads, tuple geometry, int64_t batch, x, g, dx):
    """Write each g at the first maximum of its window, added up, and zeros elsewhere."""
    cdef FromTwo job = (
        max_gradient_images[path] if x.itemsize == 4 else <FromTwo>max_gradient_image_double
    )
    run(threads, NULL, job, geometry, batch, x, g, dx)


def maximum_choice(int path, int threads, tuple geometry, int64_t batch, x, h, y):
    """Write the element of h where the first maximum of each window of x is."""
    cdef FromTwo job = (
        max_choice_images[path] if x.itemsize == 4 else <FromTwo>max_choice_image_double
    )
    run(threads, NULL, job, geometry, batch, x, h, y)


def mean(int path, int threads, tuple geometry, int64_t batch, x, y):
    """Write the mean of each window; what lies outside counts as 0."""
    cdef FromOne job = mean_images[path] if x.itemsize == 4 else <FromOne>mean_image_double
    run(threads, job, NULL, geometry, batch, x, None, y)


def mean_gradient(int path, int threads, tuple geometry, int64_t batch, g, dx):
    """Write a share of each g at every element of its window, added up, and zeros elsewhere."""
    cdef FromOne job = (
        mean_gradient_images[path] if g.itemsize == 4 else <FromOne>mean_gradient_image_double
    )
    run(threads, job, NULL, geometry, batch, g, None, dx)
