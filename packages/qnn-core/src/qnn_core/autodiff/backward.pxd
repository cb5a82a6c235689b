# The types of backward.py, for speed; what it does is all there.

cimport cython

from .memory cimport Memory
from .node cimport Node
from .tensor cimport Tensor


cdef class Stop:
    cdef public Tensor tensor
    cdef public list behind
    cdef public Py_ssize_t ahead
    cdef public bint wanted
    cdef public bint needed
    cdef public Tensor gradient
    cdef public bint owned


@cython.locals(order=list, stops=dict)
cdef tuple _producers_first(list outputs, set wanted)


@cython.locals(path=list, stop=Stop, known=Stop, node=Node, tensor=Tensor)
cdef object _append(list order, dict stops, Tensor output, set wanted)


@cython.locals(stop=Stop, node=Node)
cdef Stop _stop(dict stops, Tensor tensor, set wanted)


@cython.locals(stop=Stop, found=list)
cdef list _walk(list order, bint retain, bint in_place)


@cython.locals(behind=Stop, node=Node, needs=tuple, answers=list, need=bint, any_needed=bint)
cdef object _pull(Stop stop, Tensor gradient, bint in_place)


@cython.locals(
    reads=tuple, bits="long long", n=Py_ssize_t, bit=Py_ssize_t, need=bint, tensor=Tensor
)
cdef object _check_unchanged(Node node, Tensor output, tuple needs)


@cython.locals(memory=Memory)
cdef bint _is_changed(Tensor tensor, long long time) except? True


@cython.locals(before=Tensor)
cdef object _accumulate(Stop stop, Tensor gradient, bint in_place)


cpdef Tensor unbroadcast(Tensor gradient, Tensor tensor, Node node)
