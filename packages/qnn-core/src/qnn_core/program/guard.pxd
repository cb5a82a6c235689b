# The types of guard.py, for speed; what it does is all there.

cimport cython

from ..autodiff.memory cimport Memory
from ..autodiff.tensor cimport Tensor


cdef class Guard:
    cdef public list leaves
    cdef public list fixed
    cdef public list kinds
    cdef public list holders
    cdef public list slotted
    cdef public list names
    cdef public list cells
    cdef public list arrays
    cdef public list digests
    cdef public list random
    cdef public str unseen

    @cython.locals(tensor=Tensor, memory=Memory)
    cdef object _fix(self, list modules)

    @cython.locals(tensor=Tensor, memory=Memory, written="long long", requires_grad=bint)
    cpdef bint holds(self)

    @cython.locals(values=tuple, space=dict)
    cpdef bint attributes_hold(self)


@cython.locals(n=Py_ssize_t)
cdef bint _holds(object holder, tuple values) except *

cdef bint _all_same(tuple these, tuple those) except *

cdef bint _same(object a, object b) except *
