"""Random affine maps, and images seen through them.

Everything is additions, multiplications, divisions and conversions, each rounded once: the bits
are the same on every machine.
"""

from libc.math cimport floor
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy


cdef extern from "images.h" nogil:
    ctypedef struct View:
        int64_t channels, stride
        float most_y, most_x, start_y, start_x, step_y, step_x
    void see_base(View, const float*, int64_t, int64_t, float*)
    void see_avx2(View, const float*, int64_t, int64_t, float*)
    void to_floats(const uint8_t*, int64_t, float*)
    void to_bytes(const float*, int64_t, uint8_t*)
    bint has_avx2()

cdef extern from "float_mode.h" nogil:
    uint64_t float_mode_enter()
    void float_mode_leave(uint64_t before)


cdef inline uint64_t mix(uint64_t z) noexcept nogil:
    """Return what SplitMix64 makes of its state (Steele, Lea, Flood 2014)."""
    z += 0x9E3779B97F4A7C15ULL
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL
    return z ^ (z >> 31)


cdef inline double symmetric(uint64_t bits) noexcept nogil:
    """Return a number from -1 to 1, both reached."""
    return <double><int64_t>(bits >> 11) * (2.0 / 9007199254740991.0) - 1.0


cdef inline void turn(double degrees, double* cosine, double* sine) noexcept nogil:
    """Write the cosine and sine, exact for multiples of 90; not libm's, which differ."""
    cdef double quarters = floor(degrees / 90.0 + 0.5)
    cdef double x = (degrees - 90.0 * quarters) * 0.017453292519943295
    cdef double z = x * x
    # Taylor series up to pi/4: the first term left out is below 1e-13.
    cdef double s = x * (1 - z / 6 * (1 - z / 20 * (1 - z / 42 * (1 - z / 72 * (1 - z / 110)))))
    cdef double c = 1 - z / 2 * (1 - z / 12 * (1 - z / 30 * (1 - z / 56 * (1 - z / 90))))
    cdef int64_t quadrant = <int64_t>quarters & 3
    if quadrant & 1:
        s, c = c, -s
    if quadrant & 2:
        s, c = -s, -c
    cosine[0] = c
    sine[0] = s


def draw(
    const int64_t[::1] sample_n,
    uint64_t key,
    double shift_y,
    double shift_x,
    double rotation,
    double scale,
    double[:, ::1] move_nk,
):
    """Write for each sample its (down, right, degrees anticlockwise, factor).

    The four are uniform in -shift_y..shift_y, -shift_x..shift_x, -rotation..rotation and
    1-scale..1+scale: a pure function of the key and the sample's number.
    """
    cdef Py_ssize_t n
    cdef uint64_t own
    with nogil:
        for n in range(sample_n.shape[0]):
            own = mix(key ^ mix(<uint64_t>sample_n[n]))
            move_nk[n, 0] = shift_y * symmetric(mix(own))
            move_nk[n, 1] = shift_x * symmetric(mix(own + 1))
            move_nk[n, 2] = rotation * symmetric(mix(own + 2))
            move_nk[n, 3] = 1 + scale * symmetric(mix(own + 3))


cdef inline View viewed(
    Py_ssize_t height, Py_ssize_t width, Py_ssize_t channels, const double* move_k
) noexcept nogil:
    """Return where the output's first pixel is in the bordered image, and the step to the next."""
    cdef View view
    cdef double cosine, sine
    cdef double middle_y = 0.5 * <double>(height - 1), middle_x = 0.5 * <double>(width - 1)
    cdef double y = -middle_y - move_k[0], x = -middle_x - move_k[1]
    turn(move_k[2], &cosine, &sine)
    cosine = cosine / move_k[3]
    sine = sine / move_k[3]
    view.channels = channels
    view.stride = (width + 3) * channels
    view.most_y = <float>(height + 1)
    view.most_x = <float>(width + 1)
    view.start_y = <float>(cosine * y + sine * x + middle_y + 1)
    view.start_x = <float>(cosine * x - sine * y + middle_x + 1)
    view.step_y = <float>sine
    view.step_x = <float>cosine
    return view


def wide():
    """Return whether this processor has AVX2."""
    return has_avx2()


ctypedef fused pixel:
    uint8_t
    float


cdef inline void copy_row(const pixel* row, Py_ssize_t count, float* out) noexcept nogil:
    if pixel is float:
        memcpy(out, row, count * sizeof(float))
    else:
        to_floats(row, count, out)


def warp(
    const pixel[:, :, :, ::1] image_nyxc,
    const double[:, ::1] move_nk,
    float[:, :, ::1] bordered_yxc,
    float[::1] seen_p,
    pixel[:, :, :, ::1] out_nyxc,
    bint avx2,
):
    """Write each image as its move shows it; no size may be zero.

    `bordered_yxc` is room for an image with a border, one pixel before and two after, and comes
    filled with what lies around the images; `seen_p` is room for an image.
    """
    cdef Py_ssize_t height = image_nyxc.shape[1], width = image_nyxc.shape[2]
    cdef Py_ssize_t channels = image_nyxc.shape[3], count = height * width * channels
    cdef Py_ssize_t n, i
    cdef View view
    cdef uint64_t mode
    with nogil:
        mode = float_mode_enter()
        for n in range(image_nyxc.shape[0]):
            for i in range(height):
                copy_row(&image_nyxc[n, i, 0, 0], width * channels, &bordered_yxc[i + 1, 1, 0])
            view = viewed(height, width, channels, &move_nk[n, 0])
            if avx2:
                see_avx2(view, &bordered_yxc[0, 0, 0], height, width, &seen_p[0])
            else:
                see_base(view, &bordered_yxc[0, 0, 0], height, width, &seen_p[0])
            if pixel is float:
                memcpy(&out_nyxc[n, 0, 0, 0], &seen_p[0], count * sizeof(float))
            else:
                to_bytes(&seen_p[0], count, &out_nyxc[n, 0, 0, 0])
        float_mode_leave(mode)
