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
    cdef public bint residual
    cdef public object packed
    cdef public object ufunc
    cdef public object instruction
    cdef public object doc
    cdef bint _watches
    cdef bint _moves
    cdef bint _plain
    cdef public object given
    cdef bint _checked_by_numpy
    cdef bint _refuses
    cdef Py_ssize_t _count

    @cython.locals(tensor=Tensor, arrays=list, tensors=tuple)
    cpdef Tensor apply(self, tuple inputs, dict attributes)

    @cython.locals(tensor=Tensor, tensors=tuple)
    cdef tuple _checked(self, tuple inputs, dict attributes)

    @cython.locals(tensor=Tensor, first=Tensor, output=Tensor, mode=Mode, node=Node)
    cdef Tensor _output(
        self, tuple tensors, dict attributes, object data, object quantized, object residual
    )

    @cython.locals(tensor=Tensor, arrays=list)
    cpdef object again(self, tuple tensors, dict attributes, Tensor output)

    cpdef Tensor output(self, tuple tensors, object data, object residual)

    @cython.locals(node=Node)
    cpdef object pull(self, Tensor g, Tensor y, Node node, tuple needs)

    cdef object _forward(self, list arrays, dict attributes)

    cdef tuple _with_codes(self, tuple tensors, list arrays, dict attributes)

    @cython.locals(tensor=Tensor, others=bint)
    cdef tuple _tensors(self, tuple inputs)


@cython.locals(tensor=Tensor)
cdef object _watch(tuple tensors)
