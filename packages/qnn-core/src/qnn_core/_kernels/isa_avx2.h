/* AVX2 with FMA: 16 registers of 8 lanes. */

#define FLUSH 31
#define ROWS 2
#define COLS 4
#define DOT_ROWS 6
#define DOT_COLS 2
#define TABLE_ROWS 4
#define TABLE_COLS 4
#define TABLE_ALONE 8 /* with one row */
#define TABLE_MOST 8
#define TABLE16 const float *
#define LOAD16(levels) (levels)

INLINE VU FN(popcount)(VU v) {
    const __m256i nibble = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4, 0, 1, 1,
                                            2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
    __m256i low = _mm256_set1_epi8(15), x = (__m256i)v;
    return (VU)_mm256_add_epi8(
        _mm256_shuffle_epi8(nibble, _mm256_and_si256(x, low)),
        _mm256_shuffle_epi8(nibble, _mm256_and_si256(_mm256_srli_epi16(x, 4), low)));
}
INLINE VU FN(flushed)(VU v) {
    __m256i pairs = _mm256_maddubs_epi16((__m256i)v, _mm256_set1_epi8(1));
    return (VU)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}
#define POPCOUNT FN(popcount)
#define FLUSHED FN(flushed)
#define COUNT32(v) ((uint32_t)_mm_popcnt_u32(v))
#define DOT16(sum, x, w) ((sum) + (VU)_mm256_madd_epi16((__m256i)(x), (__m256i)(w)))
#define FMA(a, b, c) ((VF)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c)))
#define SIGNS(v) ((uint32_t)_mm256_movemask_ps((__m256)(v)))
INLINE VF FN(lookup16)(const float *table, VU code) {
    __m256i index = (__m256i)code;
    __m256 low = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index);
    __m256 high = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), index);
    return (VF)_mm256_blendv_ps(low, high, (__m256)_mm256_slli_epi32(index, 28));
}
#define LOOKUP16 FN(lookup16)
#define ADD_GE(to, a, b, gain) ((to) + ((VU)((VI)(a) >= (VI)(b)) & (gain)))
#define ADD_GE_FLOAT(to, a, b, gain) ((to) + ((VU)((a) >= (b)) & (gain)))
#define MASK_GE(a, b) SIGNS((VI)(a) >= (VI)(b))
INLINE uint64_t FN(bits64)(const uint8_t *from, int b) {
    uint64_t bits = 0;
    for (int half = 0; half < 2; half++) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(from + 32 * half));
        bits |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_slli_epi16(v, 7 - b)) << (32 * half);
    }
    return bits;
}
INLINE void FN(lookup64)(const uint8_t *table, const uint8_t *from, uint8_t *to) {
    __m256i wide = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)table));
    for (int half = 0; half < 2; half++) {
        __m256i v = _mm256_loadu_si256((const __m256i *)(from + 32 * half));
        _mm256_storeu_si256((__m256i *)(to + 32 * half), _mm256_shuffle_epi8(wide, v));
    }
}
#define BITS64 FN(bits64)
#define LOOKUP64 FN(lookup64)
#define GATHER(table, index) ((VF)_mm256_i32gather_ps(table, (__m256i)(index), 4))
#define GATHER_INTS(table, index) ((VU)_mm256_i32gather_epi32(table, (__m256i)(index), 4))
#define GREATER(a, b) ((VF)_mm256_max_ps((__m256)(a), (__m256)(b)))
#define LESSER(a, b) ((VF)_mm256_min_ps((__m256)(a), (__m256)(b)))
INLINE void FN(put8)(uint8_t *to, VU v)
{
    __m256i low = _mm256_shuffle_epi8((__m256i)v, _mm256_set1_epi32(0x0C080400));
    uint32_t few[2] = {(uint32_t)_mm256_extract_epi32(low, 0), (uint32_t)_mm256_extract_epi32(low, 4)};
    memcpy(to, few, sizeof few);
}
#define PUT8(to, v) FN(put8)(to, v)
#define GET8(from) ((VU)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(from))))
