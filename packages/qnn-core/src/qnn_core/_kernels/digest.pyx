"""What is kept of an array's bytes, to see later whether they changed."""

from libc.stdint cimport uint32_t, uint64_t

from .buffers cimport address

cdef enum:
    WAYS = 8


def digest(array):
    """Return 64 bits that follow from a contiguous array of whole 32-bit words.

    For each of eight ways, with word i in way i % 8: the sum of its words, and the sum of its sums
    so far. Any change of one word changes the first, a change of order the second.
    """
    cdef const uint32_t* word = <const uint32_t*>address(array)
    cdef Py_ssize_t count = array.nbytes // 4, i, r, w
    cdef uint64_t total[WAYS]
    cdef uint64_t sums[WAYS]
    cdef uint64_t result = <uint64_t>count
    for w in range(WAYS):
        total[w] = sums[w] = 0
    with nogil:
        for r in range(count // WAYS):
            for w in range(WAYS):
                total[w] += word[r * WAYS + w]
                sums[w] += total[w]
        for i in range(count - count % WAYS, count):
            total[i % WAYS] += word[i]
            sums[i % WAYS] += total[i % WAYS]
        for w in range(WAYS):
            # Multiplied by an odd number, so that no bit is lost.
            result = (result ^ total[w]) * <uint64_t>0x9E3779B97F4A7C15
            result = (result ^ sums[w]) * <uint64_t>0x9E3779B97F4A7C15
    return result
