# The types of node.py, for speed; what it does is all there.

cimport cython


cdef class Node:
    cdef public object op
    cdef public tuple inputs
    cdef public dict attributes
    cdef public bint freed

    cpdef object free(self)
    cpdef object check_alive(self)


@cython.locals(node=Node)
cpdef Node node_of(object op, tuple inputs, dict attributes)
