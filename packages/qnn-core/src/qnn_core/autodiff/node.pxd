# The types of node.py, for speed; what it does is all there.

cimport cython

from .memory cimport Clock


cdef class Node:
    cdef public object op
    cdef public tuple inputs
    cdef public dict attributes
    cdef public bint freed
    cdef public long long time
    cdef public bint watched
    cdef public tuple reads
    cdef public object residual

    cpdef object free(self)
    cpdef object check_alive(self)


@cython.locals(node=Node, clock=Clock)
cpdef Node node_of(object op, tuple inputs, dict attributes)
