"""Codes of 1 to 8 bits, packed without gaps: code i is bits [i*b, (i+1)*b), low first."""


def pack(const unsigned char[::1] codes_n, int bits, unsigned char[::1] out_b):
    """Pack `codes_n` (each below ``2**bits``) into the zeroed bytes `out_b`."""
    cdef Py_ssize_t i, byte = 0
    cdef unsigned int window = 0
    cdef int held = 0
    with nogil:
        for i in range(codes_n.shape[0]):
            window |= <unsigned int>codes_n[i] << held
            held += bits
            while held >= 8:
                out_b[byte] = window & 0xFF
                window >>= 8
                held -= 8
                byte += 1
        if held:
            out_b[byte] = window & 0xFF


def unpack(const unsigned char[::1] packed_b, int bits, unsigned char[::1] out_n):
    """Unpack as many codes of `bits` bits as `out_n` holds; the caller checks the byte count."""
    cdef Py_ssize_t i, byte = 0
    cdef unsigned int window = 0
    cdef unsigned int mask = (1u << bits) - 1
    cdef int held = 0
    with nogil:
        for i in range(out_n.shape[0]):
            if held < bits:
                window |= <unsigned int>packed_b[byte] << held
                byte += 1
                held += 8
            out_n[i] = window & mask
            window >>= bits
            held -= bits
