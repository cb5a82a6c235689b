# The types of tensor.py, for speed; what it does is all there.

cimport cython

from .node cimport Node


cdef class Tensor:
    cdef object __weakref__
    cdef public object data
    cdef public object grad
    cdef public Node node
    cdef public object quantized
    cdef public bint requires_grad


@cython.locals(tensor=Tensor)
cpdef Tensor tensor_of(object array)


cpdef object converted(object data, object wanted)
