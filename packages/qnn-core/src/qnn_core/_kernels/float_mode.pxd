from libc.stdint cimport uint64_t


# See float_mode.h: loops that no pool runs stand between these two.
cdef extern from "float_mode.h" nogil:
    uint64_t float_mode_enter()
    void float_mode_leave(uint64_t before)
    float float_mode_narrow(double x)
