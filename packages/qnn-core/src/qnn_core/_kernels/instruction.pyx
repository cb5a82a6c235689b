# cython: auto_pickle=False
"""What a program is made of: instructions that read slots and write slots, without Python between.

An instruction is an operation together with its derivative. Those of float32 arrays are extension
types, called as C calls them; others may be classes of Python with the same two methods.
"""

cimport cython
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t

import numpy as np

from .memory import empty

from .buffers cimport address


cdef extern from "Python.h":
    # Of a pointer: an argument that is an object would be counted too.
    Py_ssize_t Py_REFCNT(PyObject* o)


cdef class Slot:
    """A place for an array: instructions know the place, and the array may be another each time.

    Attributes:
        array: what is there, or None.
        shape: what it has.
        read: whether some instruction reads its float32 numbers as one block of memory.
    """

    def __init__(self, tuple shape, bint read=False):
        self.shape = shape
        self.read = read

    cpdef object put(self, object array):
        """Put an array there."""
        self.array = array
        if self.read:
            if array.dtype != np.float32 or not array.flags.c_contiguous:
                # An array of its own, as the operation itself would make.
                array = self.plain = np.array(array, np.float32, order="C")
            self.data = <float*>address(array)

    cpdef object drop(self):
        """Let go of the array."""
        self.array = self.plain = None
        self.data = NULL

    cpdef object renew(self):
        """Put a new float32 array there, unless nobody else has the one that is there."""
        # One reference is the slot's own.
        if self.array is None or Py_REFCNT(<PyObject*>self.array) > 1:
            self.put(empty(self.shape, np.float32))


cdef class Instruction:
    """An operation with its slots.

    Attributes:
        inputs: slots of what it takes.
        output: slot of what it makes.
        g: slot of the gradient of the output, None if there is none.
        gradients: a slot for each input's gradient, None where nobody wants one.
        otherwise: another instruction of the same operation, for numbers that this one does not
            take; it writes to the same arrays.
        residual: what forward makes beside the output, for whoever asks.
        alike: whether the gradients of all inputs are the same numbers.
    """

    cdef const float* x(self, Py_ssize_t n) noexcept:
        """Where an input begins."""
        return (<Slot>self.inputs[n]).data

    cdef float* dx(self, Py_ssize_t n) noexcept:
        """Where the gradient of an input begins; NULL if nobody wants it."""
        slot = self.gradients[n]
        return NULL if slot is None else (<Slot>slot).data

    cpdef int forward(self, int path, int threads) except -1:
        """Write the output."""
        raise NotImplementedError  # each operation has its own; what only goes back has none

    cpdef int backward(self, int path, int threads) except -1:
        """Write the gradients of the inputs."""
        raise NotImplementedError  # likewise; what is done beside the operations has none

    cpdef object lead(self, object g, tuple gradients):
        """Take where the gradient comes from, and where those of the inputs go."""
        self.g, self.gradients = g, gradients

    cpdef bint takes_over(self, Instruction next) except -1:
        """Do from now on what `next` does to the output, too, if that is known here."""
        return False

    cpdef bint takes_in(self, Instruction before) except -1:
        """Do from now on what `before` does to the first input, too, if that is known here."""
        return False


@cython.final
cdef class Sum(Instruction):
    """On the way back: the sum of two gradients of one tensor."""

    cpdef int backward(self, int path, int threads) except -1:
        cdef const float* a = self.x(0)
        cdef const float* b = self.x(1)
        cdef float* y = self.output.data
        cdef int64_t i, size = self.output.array.size
        for i in range(size):
            y[i] = a[i] + b[i]
        return 0


@cython.final
cdef class Drop(Instruction):
    """On the way back: lets go of a gradient that nobody needs any more."""

    cpdef int backward(self, int path, int threads) except -1:
        self.output.drop()
        return 0


@cython.final
cdef class Renew(Instruction):
    """On the way back: sees to it that nobody else has the array that is written to next."""

    cpdef int backward(self, int path, int threads) except -1:
        self.output.renew()
        return 0


def carry_out(list instructions, int path, int threads):
    """Carry instructions out, one after the other."""
    cdef Py_ssize_t n
    for n in range(len(instructions)):
        (<Instruction>instructions[n]).forward(path, threads)


def carry_back(list instructions, int path, int threads):
    """Carry the derivatives of instructions out, one after the other."""
    cdef Py_ssize_t n
    for n in range(len(instructions)):
        (<Instruction>instructions[n]).backward(path, threads)
