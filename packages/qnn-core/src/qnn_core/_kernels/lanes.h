/* A vector of LANES 32-bit numbers, in the names of the path that FN makes. */

#define VECTORS (PANEL / LANES)

#if LANES == 1
typedef uint32_t FN(vu);
typedef int32_t FN(vi);
typedef float FN(vf);
#define CONVERT(v, type) ((type)(v))
#else
typedef uint32_t FN(vu) __attribute__((vector_size(4 * LANES)));
typedef int32_t FN(vi) __attribute__((vector_size(4 * LANES)));
typedef float FN(vf) __attribute__((vector_size(4 * LANES)));
typedef uint8_t FN(vu8) __attribute__((vector_size(LANES)));
typedef int16_t FN(vi16) __attribute__((vector_size(2 * LANES)));
#define CONVERT(v, type) __builtin_convertvector(v, type)
#endif

#define VU FN(vu)
#define VI FN(vi)
#define VF FN(vf)

INLINE VU FN(load)(const void *from) { VU v; memcpy(&v, from, sizeof v); return v; }
INLINE VF FN(loadf)(const void *from) { VF v; memcpy(&v, from, sizeof v); return v; }
INLINE VU FN(splat)(uint32_t x) { return (VU){0} + x; }
/* Adding x to zeros would be an addition: it turns -0 into 0. */
INLINE VF FN(splatf)(float x)
{
#if LANES == 16
    return (VF)_mm512_set1_ps(x);
#elif LANES == 8
    return (VF)_mm256_set1_ps(x);
#elif LANES == 4
    return (VF){x, x, x, x};
#else
    return x;
#endif
}

#include ENGINE_PATH_OPERATIONS

/* `a` where the comparison holds, else `b`. */
INLINE VF FN(select)(VI holds, VF a, VF b)
{
#if LANES == 1
    return holds ? a : b;
#else
    return (VF)(((VU)holds & (VU)a) | (~(VU)holds & (VU)b));
#endif
}

/* The second where they do not compare. */
#ifndef GREATER
#define GREATER(a, b) FN(select)((VI)((a) > (b)), a, b)
#define LESSER(a, b) FN(select)((VI)((a) < (b)), a, b)
#endif

/* The first `n` lanes; the others are zero, and neither read nor written. */
#ifndef LOAD_SOME
INLINE VF FN(load_some)(const float *from, int n)
{
    VF v = FN(splatf)(0);
    memcpy(&v, from, 4 * (size_t)n);
    return v;
}
#define LOAD_SOME(from, n) FN(load_some)(from, n)
#define STORE_SOME(to, v, n) memcpy(to, &(v), 4 * (size_t)(n))
#endif

/* --- Transposition of a block of LANES x LANES ---------------------------------------------- */

#if LANES == 16
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif LANES == 4
#define ZIP_LOW(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define ZIP_HIGH(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#endif

/* Each round interleaves the first half of the rows with the second; as many rounds as LANES has
 * bits bring each element to its place. */
INLINE void FN(transpose)(VF row[LANES])
{
#if LANES > 1
    UNROLL for (int round = 1; round < LANES; round *= 2) {
        VF next[LANES];
        UNROLL for (int i = 0; i < LANES / 2; i++) {
            next[2 * i] = ZIP_LOW(row[i], row[i + LANES / 2]);
            next[2 * i + 1] = ZIP_HIGH(row[i], row[i + LANES / 2]);
        }
        memcpy(row, next, sizeof next);
    }
#else
    (void)row;
#endif
}

/* to[j][i] = from[i][j] for i < rows, j < columns, both at most LANES; missing rows are zero, and of
 * each row of `to` as many columns are written as it has. */
INLINE void FN(turn_block)(const float *from, int64_t from_stride, int rows, int columns, float *to,
                           int64_t to_stride, int to_columns)
{
    VF row[LANES];
    if (rows == LANES && columns == LANES && to_columns == LANES) { /* nearly always */
        UNROLL for (int i = 0; i < LANES; i++) row[i] = FN(loadf)(from + i * from_stride);
        FN(transpose)(row);
        UNROLL for (int j = 0; j < LANES; j++) memcpy(to + j * to_stride, &row[j], sizeof(VF));
        return;
    }
    for (int i = 0; i < LANES; i++)
        row[i] = i < rows ? LOAD_SOME(from + i * from_stride, columns) : FN(splatf)(0);
    FN(transpose)(row);
    for (int j = 0; j < columns; j++) STORE_SOME(to + j * to_stride, row[j], to_columns);
}
