# The types of program.py, for speed; what it does is all there.

cimport cython

from ..autodiff.node cimport Node
from ..autodiff.op cimport Op
from ..autodiff.tensor cimport Tensor


cdef class Run:
    cdef object __weakref__


cdef class Again:
    cdef public object op
    cdef public tuple inputs
    cdef public dict attributes
    cdef public Tensor output
    cdef public object action


cdef class Program:
    cdef public list inputs
    cdef public list steps
    cdef public Tensor output
    cdef public list order
    cdef public tuple trained
    cdef public bint differentiated
    cdef dict _places
    cdef object _run
    cdef long long _time
    cdef bint _bound
    cdef Op _op
    cdef object __weakref__

    cpdef bint busy(self)

    @cython.locals(given=Tensor, mine=Tensor, step=Again, node=Node, made=Tensor, run=Run)
    cpdef Tensor run(self, tuple inputs)
