# The types of tensor.py, for speed; what it does is all there.

cimport cython

from .memory cimport Memory
from .node cimport Node


cdef class Tensor:
    cdef object __weakref__
    cdef public object array
    cdef public object grad
    cdef public Node node
    cdef public object quantized
    cdef public bint requires_grad
    cdef public Memory memory
    cdef public bint read

    cpdef object put(self, object array)
    cpdef object written(self)


cpdef Memory memory_of(Tensor tensor)


@cython.locals(tensor=Tensor)
cpdef Tensor tensor_of(object array)


cpdef object converted(object data, object wanted)
