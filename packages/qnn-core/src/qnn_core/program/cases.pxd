# The types of cases.py, for speed; what it does is all there.

cimport cython

from ..autodiff.mode cimport Mode
from ..autodiff.tensor cimport Tensor
from .guard cimport Guard
from .program cimport Program


cdef class Programs:
    cdef public dict reasons
    cdef dict _models

    @cython.locals(mode=Mode)
    cpdef object begin(self)

    cpdef object end(self, object before)

    cpdef list states(self)

    @cython.locals(mode=Mode, x=Tensor, cases=dict, case=Case)
    cpdef object call(self, object module, tuple inputs)


cdef class Case:
    cdef bint _given_up
    cdef Guard _guard
    cdef object _lock
    cdef object _module
    cdef object _name
    cdef list _programs
    cdef dict _reasons
    cdef object _record
    cdef tuple _shapes
    cdef long _recorded
    cdef long _served
    cdef long _vain

    @cython.locals(program=Program)
    cpdef object run(self, tuple inputs)

    @cython.locals(program=Program)
    cdef Program _free(self)

    cdef object _forget(self)

    cdef object _recording(self, tuple inputs)

    cdef object _checking(self, tuple inputs)

    cdef object _recorded_call(self, tuple inputs, object before)

    cdef list _modules(self)

    cpdef str state(self)

    cdef object _give_up(self, str why)
