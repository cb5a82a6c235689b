"""Pixels to numbers, by a table."""

from libc.stdint cimport int64_t, uint8_t


cdef extern from "decode.h" nogil:
    void look_up(const uint8_t*, const float*, int64_t, float*)


def lookup(const uint8_t[::1] pixel_n, const float[::1] table_v, float[::1] out_n):
    """Write ``table[pixel]``; the table has 256 entries, and there is a pixel."""
    with nogil:
        look_up(&pixel_n[0], &table_v[0], out_n.shape[0], &out_n[0])
