# The types of memory.py, for speed; what it does is all there.

cimport cython


cdef class Clock:
    cdef public long long now

    cpdef long long tick(self)


cdef class Memory:
    cdef public object array
    cdef public long long written
    cdef public bint exposed
    cdef public object known

    cpdef object write(self)
    cpdef object expose(self, bint used)
    cpdef object look(self)
    cpdef Py_ssize_t holders(self)
