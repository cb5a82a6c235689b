/* The portable path: no instruction set is assumed, and no compiler either (lanes of one then). */

#define FLUSH 31 /* bytes hold 8 bits a word, up to 255 */
#define ROWS 2
#define COLS 2
#define DOT_ROWS 2
#define DOT_COLS 2
#define TABLE_ROWS 2
#define TABLE_COLS 2
#define TABLE_ALONE 2 /* with one row */
#define TABLE_MOST 4
#define TABLE16 const float *
#define LOAD16(levels) (levels)

/* Count the bits of each byte, by adding neighbours. */
INLINE VU FN(popcount)(VU v) {
    v = v - ((v >> 1) & 0x55555555u);
    v = (v & 0x33333333u) + ((v >> 2) & 0x33333333u);
    return (v + (v >> 4)) & 0x0F0F0F0Fu;
}
INLINE VU FN(flushed)(VU v) {
    v = (v & 0x00FF00FFu) + ((v >> 8) & 0x00FF00FFu);
    return (v & 0xFFFFu) + (v >> 16);
}
INLINE uint32_t FN(count32)(uint32_t v) {
    v = v - ((v >> 1) & 0x55555555u);
    v = (v & 0x33333333u) + ((v >> 2) & 0x33333333u);
    return (((v + (v >> 4)) & 0x0F0F0F0Fu) * 0x01010101u) >> 24;
}
INLINE VU FN(dot16)(VU sum, VU x, VU w) {
    sum += (VU)((VI)(x << 16) >> 16) * (VU)((VI)(w << 16) >> 16);
    return sum + (VU)((VI)x >> 16) * (VU)((VI)w >> 16);
}
/* Unsigned times signed bytes. Nothing chooses it here, where int16 is as quick: it says what the
 * instructions of other paths compute, on every processor. */
INLINE VU FN(dot8)(VU sum, VU x, VU w) {
    for (int i = 0; i < 32; i += 8) sum += ((x >> i) & 0xFFu) * (VU)((VI)(w << (24 - i)) >> 24);
    return sum;
}
INLINE VF FN(fma)(VF a, VF b, VF c) {
    float x[LANES], y[LANES], z[LANES];
    memcpy(x, &a, sizeof a);
    memcpy(y, &b, sizeof b);
    memcpy(z, &c, sizeof c);
    for (int l = 0; l < LANES; l++) z[l] = fmaf(x[l], y[l], z[l]);
    memcpy(&c, z, sizeof c);
    return c;
}
INLINE VF FN(lookup16)(const float *table, VU code) {
    uint32_t index[LANES];
    float level[LANES];
    memcpy(index, &code, sizeof code);
    for (int l = 0; l < LANES; l++) level[l] = table[index[l] & 15];
    VF v;
    memcpy(&v, level, sizeof v);
    return v;
}
/* Comparisons give lanes of all ones, or one on lanes of one: this makes it all ones. */
#if LANES == 1
#define ALL_ONES(comparison) (-(VU)(comparison))
#else
#define ALL_ONES(comparison) ((VU)(comparison))
#endif
INLINE uint32_t FN(signs)(VU v) {
    uint32_t lane[LANES], mask = 0;
    memcpy(lane, &v, sizeof v);
    for (int l = 0; l < LANES; l++) mask |= (lane[l] >> 31) << l;
    return mask;
}
#define POPCOUNT FN(popcount)
#define FLUSHED FN(flushed)
#define COUNT32 FN(count32)
#define DOT8 FN(dot8)
#define DOT16 FN(dot16)
#define FMA FN(fma)
#define LOOKUP16 FN(lookup16)
#define SIGNS FN(signs)
#define ADD_GE(to, a, b, gain) ((to) + (ALL_ONES((VI)(a) >= (VI)(b)) & (gain)))
#define ADD_GE_FLOAT(to, a, b, gain) ((to) + (ALL_ONES((a) >= (b)) & (gain)))
#define MASK_GE(a, b) SIGNS(ALL_ONES((VI)(a) >= (VI)(b)))
INLINE VF FN(gather_floats)(const float *table, VU index) {
    uint32_t lane[LANES];
    float found[LANES];
    memcpy(lane, &index, sizeof index);
    for (int l = 0; l < LANES; l++) found[l] = table[lane[l]];
    VF v;
    memcpy(&v, found, sizeof v);
    return v;
}
INLINE VU FN(gather_ints)(const int32_t *table, VI index) {
    int32_t lane[LANES];
    memcpy(lane, &index, sizeof index);
    for (int l = 0; l < LANES; l++) lane[l] = table[lane[l]];
    return FN(load)(lane);
}
INLINE void FN(put8)(uint8_t *to, VU v) {
    uint32_t lane[LANES];
    memcpy(lane, &v, sizeof v);
    for (int l = 0; l < LANES; l++) to[l] = (uint8_t)lane[l];
}
INLINE VU FN(get8)(const uint8_t *from) {
    uint32_t lane[LANES];
    for (int l = 0; l < LANES; l++) lane[l] = from[l];
    VU v;
    memcpy(&v, lane, sizeof v);
    return v;
}
INLINE uint64_t FN(bits64)(const uint8_t *from, int b) {
    uint64_t bits = 0;
    for (int i = 0; i < 64; i++) bits |= (uint64_t)(from[i] >> b & 1) << i;
    return bits;
}
INLINE void FN(lookup64)(const uint8_t *table, const uint8_t *from, uint8_t *to) {
    for (int i = 0; i < 64; i++) to[i] = table[from[i] & 15];
}
#define BITS64 FN(bits64)
#define LOOKUP64 FN(lookup64)
#define GATHER FN(gather_floats)
#define GATHER_INTS FN(gather_ints)
#define PUT8 FN(put8)
#define GET8 FN(get8)
