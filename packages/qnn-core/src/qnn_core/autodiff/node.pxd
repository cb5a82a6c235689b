# The types of node.py, for speed; what it does is all there.

cdef class Node:
    cdef public object op
    cdef public tuple inputs
    cdef public dict attributes
    cdef public bint freed
