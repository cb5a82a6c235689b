/* The loops of sparse.h, once for each path. */

#include "lanes.h"

#define CHUNK_VECTORS (LANES >= 8 ? 8 : 4)

/* There is one task, which counts the terms. */
static void FN(count)(void *context, int64_t task)
{
    Sparse *s = context;
    int64_t size = s->m * s->k;
    s->some = 0;
    for (int64_t i = task; i < size; i += 4096) { /* few enough for 32 bits, which vectors count in */
        int64_t stop = size - i < 4096 ? size : i + 4096;
        uint32_t some = 0;
        if (s->slope)
            for (int64_t e = i; e < stop; e++) some += (s->x[e] != s->x0) | (s->slope[e] != s->slope0);
        else
            for (int64_t e = i; e < stop; e++) some += s->x[e] != s->x0;
        s->some += some;
    }
}

/* Which of LANES numbers are another one, a bit each; NaN is. */
INLINE uint32_t FN(others)(const float *x, float ground)
{
#if LANES == 1
    return *x != ground;
#else
    return SIGNS((VU)(FN(loadf)(x) != FN(splatf)(ground)));
#endif
}

/* A task is a panel of columns of x: which terms they have. */
static void FN(terms)(void *context, int64_t task)
{
    const Sparse *s = context;
    int64_t k0 = task * PANEL, columns = s->k - k0 < PANEL ? s->k - k0 : PANEL, count[PANEL] = {0};
    Entry *entry = s->entry_km + k0 * s->m;
    float x[PANEL] ALIGNED, slope[PANEL] ALIGNED;
    for (int j = 0; j < PANEL; j++) x[j] = s->x0, slope[j] = s->slope0; /* columns that there are not */
    for (int64_t m = 0; m < s->m; m++) {
        memcpy(x, s->x + m * s->k + k0, 4 * (size_t)columns);
        if (s->slope) memcpy(slope, s->slope + m * s->k + k0, 4 * (size_t)columns);
        uint64_t some = 0; /* of all columns: the end of each loop over bits is guessed wrong */
        for (int j = 0; j < PANEL; j += LANES)
            some |= (uint64_t)(FN(others)(x + j, s->x0) | FN(others)(slope + j, s->slope0)) << j;
        for (; some; some &= some - 1) {
            int j = lowest(some);
            entry[j * s->m + count[j]++] = (Entry){(uint32_t)m, x[j] - s->x0, slope[j] - s->slope0};
        }
    }
    memcpy(s->count_k + k0, count, 8 * (size_t)columns);
}

/* A task is CHUNK columns of g, which come to lie row by row in as many lines. */
static void FN(chunk)(void *context, int64_t task)
{
    const Sparse *s = context;
    int64_t n0 = task * CHUNK, left = s->n - n0 < CHUNK ? s->n - n0 : CHUNK;
    float *to = s->chunk + n0 * s->m, *sum = s->sum_n + n0;
    memset(sum, 0, 4 * CHUNK);
    for (int64_t m = 0; m < s->m; m++, to += CHUNK) {
        memcpy(to, s->g + m * s->n + n0, 4 * (size_t)left);
        memset(to + left, 0, 4 * (size_t)(CHUNK - left));
        for (int c = 0; c < CHUNK; c++) sum[c] += to[c];
    }
}

/* What the ground adds to LANES columns; zeros have no part in it, whatever the sum is. */
INLINE VF FN(of_ground)(float ground, const float *sum)
{
    return ground == 0 ? FN(splatf)(0) : FN(splatf)(ground) * FN(loadf)(sum);
}

/* CHUNK_VECTORS vectors of columns of g, from c on, times x and, with `both`, times slope, summed over
 * the terms of a column of x. */
INLINE void FN(column)(const int both, const Sparse *s, int64_t c, const Entry *entry, int64_t count,
                       float *by_x, float *by_slope)
{
    const float *g = s->chunk + c / CHUNK * CHUNK * s->m + c % CHUNK;
    VF sum[CHUNK_VECTORS], other[CHUNK_VECTORS];
    UNROLL for (int v = 0; v < CHUNK_VECTORS; v++) {
        sum[v] = FN(of_ground)(s->x0, s->sum_n + c + v * LANES);
        other[v] = FN(of_ground)(s->slope0, s->sum_n + c + v * LANES);
    }
    for (int64_t e = 0; e < count; e++) {
        const float *row = g + (size_t)entry[e].m * CHUNK;
        VF x = FN(splatf)(entry[e].x), slope = FN(splatf)(entry[e].slope);
        UNROLL for (int v = 0; v < CHUNK_VECTORS; v++) {
            VF column = FN(loadf)(row + v * LANES);
            sum[v] = FMA(x, column, sum[v]);
            if (both) other[v] = FMA(slope, column, other[v]);
        }
    }
    UNROLL for (int v = 0; v < CHUNK_VECTORS; v++) {
        memcpy(by_x + v * LANES, &sum[v], sizeof(VF));
        if (both) memcpy(by_slope + v * LANES, &other[v], sizeof(VF));
    }
}

/* Turn part[k][n] to rows of n. */
INLINE void FN(turned)(const float *part, int64_t inputs, int64_t columns, float *to, int64_t stride)
{
    for (int64_t c = 0; c < columns; c += LANES)
        for (int64_t j = 0; j < inputs; j += LANES) {
            int some = inputs - j < LANES ? (int)(inputs - j) : LANES;
            FN(turn_block)(part + j * CHUNK + c, CHUNK, some,
                           columns - c < LANES ? (int)(columns - c) : LANES, to + c * stride + j,
                           stride, some);
        }
}

/* The sum of part[n][k] * w[n0 + n][k0 + k], in WAYS sums side by side and then in order. */
INLINE double FN(times_weights)(const Sparse *s, const float *part, int64_t n0, int64_t columns,
                                int64_t k0, int64_t inputs)
{
    enum { WAY_VECTORS = WAYS / LANES };
    VF way[WAY_VECTORS];
    for (int v = 0; v < WAY_VECTORS; v++) way[v] = FN(splatf)(0);
    uint8_t padded[PANEL] = {0};
    for (int64_t c = 0; c < columns; c++) {
        const uint8_t *code = s->code_nk + (n0 + c) * s->k + k0;
        if (inputs < PANEL) code = memcpy(padded, code, (size_t)inputs);
        VF scale = FN(splatf)(s->scale_n[n0 + c]), shift = FN(splatf)(s->shift_n[n0 + c]);
        for (int v = 0; v < VECTORS; v++) {
            VF w = LOOKUP16(LOAD16(s->level), GET8(code + v * LANES)) * scale;
            w = w + shift;
            VF term = FN(loadf)(part + c * PANEL + v * LANES) * w;
            way[v % WAY_VECTORS] += term;
        }
    }
    float sums[WAYS];
    memcpy(sums, way, sizeof sums);
    double total = 0;
    for (int w = 0; w < WAYS; w++) total += sums[w];
    return total;
}

/* A task is a chunk of g and a panel of columns of x. */
static void FN(sparse)(void *context, int64_t task)
{
    const Sparse *s = context;
    int64_t n0 = task % chunks_in(s->n) * CHUNK, k0 = task / chunks_in(s->n) * PANEL;
    int64_t columns = s->n - n0 < CHUNK ? s->n - n0 : CHUNK;
    int64_t inputs = s->k - k0 < PANEL ? s->k - k0 : PANEL;
    float by_x[PANEL * CHUNK] ALIGNED, by_slope[PANEL * CHUNK] ALIGNED;
    for (int64_t j = 0; j < inputs; j++) {
        const Entry *entry = s->entry_km + (k0 + j) * s->m;
        int64_t count = s->count_k[k0 + j];
        for (int64_t c = 0; c < columns; c += CHUNK_VECTORS * LANES) {
            float *to = by_x + j * CHUNK + c, *too = by_slope + j * CHUNK + c;
            if (s->slope) FN(column)(1, s, n0 + c, entry, count, to, too);
            else FN(column)(0, s, n0 + c, entry, count, to, too);
        }
    }
    if (s->dw) FN(turned)(by_x, inputs, columns, s->dw + n0 * s->k + k0, s->k);
    if (s->dw && !s->slope) return;
    float rows[CHUNK * PANEL] ALIGNED;
    if (inputs < PANEL) memset(rows, 0, sizeof rows);
    FN(turned)(s->dw ? by_slope : by_x, inputs, columns, rows, PANEL);
    s->total_p[task] = FN(times_weights)(s, rows, n0, columns, k0, inputs);
}

#undef CHUNK_VECTORS
