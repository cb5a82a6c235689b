# The types of guard.py, for speed; what it does is all there.

cimport cython

from ..autodiff.memory cimport Memory
from ..autodiff.tensor cimport Tensor


cdef class Guard:
    cdef public list leaves
    cdef public list fixed
    cdef public list holders
    cdef public list names
    cdef public list cells
    cdef public list arrays
    cdef public list digests

    @cython.locals(tensor=Tensor, memory=Memory, written="long long", requires_grad=bint, n=Py_ssize_t)
    cpdef bint holds(self)

    cpdef bint attributes_hold(self)

    cpdef bint arrays_hold(self)


@cython.locals(n=Py_ssize_t)
cdef bint _holds(object holder, tuple values) except *
