from libc.stdint cimport int64_t


cdef class Slot:
    cdef readonly object array
    cdef readonly tuple shape
    cdef float* data
    cdef public bint read
    cdef object plain

    cpdef object put(self, object array)
    cpdef object drop(self)
    cpdef object renew(self)


cdef class Instruction:
    cdef public tuple inputs
    cdef public Slot output
    cdef public Slot g
    cdef public tuple gradients
    cdef public object otherwise
    cdef public object residual
    cdef public bint alike

    cdef const float* x(self, Py_ssize_t n) noexcept
    cdef float* dx(self, Py_ssize_t n) noexcept
    cpdef int forward(self, int path, int threads) except -1
    cpdef int backward(self, int path, int threads) except -1
    cpdef object lead(self, object g, tuple gradients)
    cpdef bint takes_over(self, Instruction next) except -1
    cpdef bint takes_in(self, Instruction before) except -1
