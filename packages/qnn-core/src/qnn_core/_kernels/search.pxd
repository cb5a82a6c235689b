from libc.stdint cimport int32_t

cdef extern from "search.h" nogil:
    ctypedef struct CSearch "Search":
        pass
    int search_make(CSearch* s, const float* threshold_t, int32_t count)
    void search_free(CSearch* s)
    int32_t search_code(const CSearch* s, float u)

cdef class Search:
    cdef CSearch c
