# The types of on_tape.py, for speed; what it does is all there.

cimport cython

from .._kernels cimport instruction
from .._kernels.instruction cimport Slot
from ..autodiff.node cimport Node
from ..autodiff.tensor cimport Tensor


cdef class Step(instruction.Instruction):
    cdef public object op
    cdef public tuple tensors
    cdef public dict attributes
    cdef public Tensor tensor
    cdef public tuple needs
    cdef public bint copies

    cpdef object lead(self, object g, tuple gradients)
    cpdef int forward(self, int path, int threads) except -1

    @cython.locals(node=Node, needs=tuple, n=Py_ssize_t, slot=Slot, given=Tensor)
    cpdef int backward(self, int path, int threads) except -1


cdef class After(instruction.Instruction):
    cdef Step before
    cdef Step step

    cpdef object lead(self, object g, tuple gradients)
    cpdef int forward(self, int path, int threads) except -1
    cpdef int backward(self, int path, int threads) except -1

    @cython.locals(before=Step)
    cdef object _make(self)


cdef class Beside(instruction.Instruction):
    cdef object action
    cdef Tensor tensor

    @cython.locals(node=Node)
    cpdef int forward(self, int path, int threads) except -1
