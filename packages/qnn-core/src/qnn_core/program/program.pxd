# The types of program.py, for speed; what it does is all there.

cimport cython

from .._kernels.instruction cimport Instruction, Slot
from ..autodiff.op cimport Op
from ..autodiff.tensor cimport Tensor


cdef class Run:
    cdef public Program program
    cdef object __weakref__


cdef class Program:
    cdef public list instructions
    cdef public Tensor output
    cdef public bint differentiated
    cdef list _steps
    cdef object _arrays
    cdef list _back
    cdef Slot _seed
    cdef list _inputs
    cdef Instruction _last
    cdef tuple _trained
    cdef list _found
    cdef dict _places
    cdef object _run
    cdef object _lock
    cdef long long _time
    cdef Op _op
    cdef object __weakref__

    cpdef bint busy(self)

    @cython.locals(
        given=Tensor, mine=Tensor, slot=Slot, last=Instruction, output=Tensor, made=Tensor, run=Run
    )
    cpdef Tensor run(self, tuple inputs)
