# The types of op.py, for speed; what it does is all there.

cimport cython

from .mode cimport Mode
from .node cimport Node, node_of
from .tensor cimport Tensor, converted, memory_of, tensor_of


cdef class Op:
    cdef public str name
    cdef public object forward
    cdef public object shape
    cdef public object vjp
    cdef public object macs
    cdef public object codes
    cdef public tuple reads
    cdef bint _watches
    cdef bint _moves
    cdef public object given
    cdef bint _checked_by_numpy
    cdef bint _refuses
    cdef Py_ssize_t _count

    @cython.locals(
        tensor=Tensor, output=Tensor, mode=Mode, arrays=list, tensors=tuple, node=Node
    )
    cpdef Tensor apply(self, tuple inputs, dict attributes)

    cdef object _forward(self, list arrays, dict attributes)

    cdef tuple _with_codes(self, tuple tensors, list arrays, dict attributes)

    @cython.locals(tensor=Tensor, others=bint)
    cdef tuple _tensors(self, tuple inputs)


@cython.locals(tensor=Tensor)
cdef object _watch(tuple tensors)
