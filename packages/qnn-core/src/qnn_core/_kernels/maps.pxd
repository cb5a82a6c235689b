from .instruction cimport Instruction
from .training cimport Limits


cdef class Limit(Instruction):
    cdef Limits limits


cdef class Relu(Limit):
    pass
