# The types of mode.py, for speed; what it does is all there.

cdef class Mode:
    cdef public bint grad
    cdef public object recorder
    cdef public object compiler
