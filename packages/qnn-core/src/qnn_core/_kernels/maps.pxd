from .instruction cimport Instruction


cdef class Relu(Instruction):
    pass
