/* AVX-512: 32 registers of 16 lanes; with or without VPOPCNTDQ and VNNI. */

#define ROWS 4
#define COLS 4
#define DOT_ROWS 6
#define DOT_COLS 4
#define TABLE_ROWS 4
#define TABLE_COLS 4
#define TABLE_ALONE 4 /* with one row */
#define TABLE_MOST 8
#define TABLE16 __m512
#define LOAD16(levels) _mm512_loadu_ps(levels)

#ifdef WITH_VNNI
#define FLUSH ((size_t)1 << 30)
#define POPCOUNT(v) ((VU)_mm512_popcnt_epi32((__m512i)(v)))
#define FLUSHED(v) (v)
#define DOT8(sum, x, w) ((VU)_mm512_dpbusd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w)))
#define DOT16(sum, x, w) ((VU)_mm512_dpwssd_epi32((__m512i)(sum), (__m512i)(x), (__m512i)(w)))
#else
#define FLUSH 31
INLINE VU FN(popcount)(VU v) {
    const __m512i nibble = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
    __m512i low = _mm512_set1_epi8(15), x = (__m512i)v;
    return (VU)_mm512_add_epi8(
        _mm512_shuffle_epi8(nibble, _mm512_and_si512(x, low)),
        _mm512_shuffle_epi8(nibble, _mm512_and_si512(_mm512_srli_epi16(x, 4), low)));
}
INLINE VU FN(flushed)(VU v) {
    __m512i pairs = _mm512_maddubs_epi16((__m512i)v, _mm512_set1_epi8(1));
    return (VU)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
}
#define POPCOUNT FN(popcount)
#define FLUSHED FN(flushed)
#define DOT16(sum, x, w) ((sum) + (VU)_mm512_madd_epi16((__m512i)(x), (__m512i)(w)))
#endif

#define COUNT32(v) ((uint32_t)_mm_popcnt_u32(v))
#define FMA(a, b, c) ((VF)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c)))
#define LOOKUP16(table, code) ((VF)_mm512_permutexvar_ps((__m512i)(code), table))
#define SIGNS(v) ((uint32_t)_mm512_movepi32_mask((__m512i)(v)))
#define MASK_GE(a, b) ((uint32_t)_mm512_cmpge_epi32_mask((__m512i)(a), (__m512i)(b)))
#define ADD_GE(to, a, b, gain) \
    ((VU)_mm512_mask_add_epi32((__m512i)(to), \
                               _mm512_cmpge_epi32_mask((__m512i)(a), (__m512i)(b)), \
                               (__m512i)(to), _mm512_set1_epi32((int)(gain))))
#define ADD_GE_FLOAT(to, a, b, gain) \
    ((VU)_mm512_mask_add_epi32((__m512i)(to), \
                               _mm512_cmp_ps_mask((__m512)(a), (__m512)(b), _CMP_GE_OQ), \
                               (__m512i)(to), _mm512_set1_epi32((int)(gain))))
/* Bit `b` of each of 64 bytes, and 64 bytes of a table of 16. */
#define BITS64(from, b) \
    ((uint64_t)_mm512_test_epi8_mask(_mm512_loadu_si512(from), _mm512_set1_epi8((char)(1 << (b)))))
#define LOOKUP64(table, from, to) \
    _mm512_storeu_si512(to, _mm512_shuffle_epi8(_mm512_broadcast_i32x4(_mm_loadu_si128( \
                                (const __m128i *)(table))), _mm512_loadu_si512(from)))
#define GATHER(table, index) ((VF)_mm512_i32gather_ps((__m512i)(index), table, 4))
#define GATHER_INTS(table, index) ((VU)_mm512_i32gather_epi32((__m512i)(index), table, 4))
/* The second where they do not compare. */
#define GREATER(a, b) ((VF)_mm512_max_ps((__m512)(a), (__m512)(b)))
#define LESSER(a, b) ((VF)_mm512_min_ps((__m512)(a), (__m512)(b)))
#define LOAD_SOME(from, n) ((VF)_mm512_maskz_loadu_ps((__mmask16)((1u << (n)) - 1), from))
#define STORE_SOME(to, v, n) _mm512_mask_storeu_ps(to, (__mmask16)((1u << (n)) - 1), (__m512)(v))
#define PUT8(to, v) _mm_storeu_si128((__m128i *)(to), _mm512_cvtepi32_epi8((__m512i)(v)))
#define GET8(from) ((VU)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(from))))
