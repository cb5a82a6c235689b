/* The steps, written once in terms of a vector of 32-bit lanes, and included once for each path.
 *
 * Before it is included FN(name), which names a function of the path, and LANES are defined, and
 * ENGINE_PATH_OPERATIONS names a header with the rest: the tiles (ROWS, COLS, DOT_ROWS, DOT_COLS,
 * TABLE_ROWS, TABLE_COLS, TABLE_ALONE, TABLE_MOST), POPCOUNT into counts of bytes or lanes and
 * FLUSHED into lanes, with FLUSH, the words in between; COUNT32; DOT16, and DOT8 where there is one;
 * FMA; TABLE16, LOAD16, LOOKUP16; SIGNS; MASK_GE, ADD_GE and ADD_GE_FLOAT.
 */

#include "lanes.h"
#include "search_path.h"

INLINE uint32_t FN(word)(const char *from, size_t index) {
    uint32_t w; memcpy(&w, from + 4 * index, 4); return w;
}

#include "engine_codes.h"
#include "engine_product.h"

/* --- Floats to floats ---------------------------------------------------------------------- */

static void FN(link)(const Link *l, const float *x, float *y, int64_t n)
{
    const float *c = l->constant_n;
    switch (l->op) {
    case CHAIN_ADD: for (int64_t i = 0; i < n; i++) y[i] = x[i] + c[i]; break;
    case CHAIN_SUB: for (int64_t i = 0; i < n; i++) y[i] = x[i] - c[i]; break;
    case CHAIN_RSUB: for (int64_t i = 0; i < n; i++) y[i] = c[i] - x[i]; break;
    case CHAIN_MUL: for (int64_t i = 0; i < n; i++) y[i] = x[i] * c[i]; break;
    case CHAIN_DIV: for (int64_t i = 0; i < n; i++) y[i] = x[i] / c[i]; break;
    case CHAIN_RDIV: for (int64_t i = 0; i < n; i++) y[i] = c[i] / x[i]; break;
    case CHAIN_MIN: for (int64_t i = 0; i < n; i++) y[i] = x[i] >= c[i] ? c[i] : x[i]; break;
    case CHAIN_MAX: for (int64_t i = 0; i < n; i++) y[i] = x[i] <= c[i] ? c[i] : x[i]; break;
    case CHAIN_TANH: for (int64_t i = 0; i < n; i++) y[i] = qnn_tanh(x[i]); break;
    default: for (int64_t i = 0; i < n; i++) y[i] = qnn_sigmoid(x[i]);
    }
}

static void FN(chain)(const Step *s, Buffer x, Buffer y, int rows)
{
    for (int r = 0; r < rows; r++) {
        const float *from = (const float *)(x.data + r * x.stride);
        float *to = (float *)(y.data + r * y.stride);
        for (int i = 0; i < s->links; i++, from = to) FN(link)(&s->link[i], from, to, s->n);
    }
}

/* --- Weights: codes become panels ------------------------------------------------------------- */

/* A task is a panel: its columns are laid out as rows, summed up, and transposed. */
static void FN(prepack_weights)(void *context, int64_t task)
{
    const Weigh *w = context;
    int64_t n0 = task * PANEL, columns = w->n - n0 < PANEL ? w->n - n0 : PANEL;
    char *rows = w->memory + task * PANEL * (int64_t)w->stride;
    Buffer from = {(char *)w->codes + n0 * w->layout.n, (size_t)w->layout.n}, to = {rows, w->stride};
    FN(layout)(&w->layout, from, to, (int)columns);
    for (int64_t c = 0; c < columns; c++)
        for (int p = 0; p < w->planes; p++) {
            const char *row = rows + c * w->stride + 4 * p * w->plane_words;
            int32_t sum = 0;
            if (w->layout.requantizer.format == ROW_BITS)
                for (int64_t t = 0; t < w->words; t++) sum += (int32_t)COUNT32(FN(word)(row, t));
            else
                for (int64_t k = 0; k < w->layout.n; k++) sum += ((const int8_t *)row)[k];
            w->sum_np[(n0 + c) * w->planes + p] = sum;
        }
    float *out = (float *)(w->panels + n0 * w->words * w->planes); /* words are only moved */
    for (int p = 0; p < w->planes; p++)
        for (int64_t t = 0; t < w->words; t += LANES)
            for (int64_t c = 0; c < PANEL; c += LANES) {
                int64_t left = columns - c < LANES ? columns - c : LANES, words = w->words - t;
                const char *from = rows + (left > 0 ? c : 0) * w->stride + 4 * (p * w->plane_words + t);
                FN(turn_block)((const float *)from, (int64_t)w->stride / 4, left > 0 ? (int)left : 0,
                               words < LANES ? (int)words : LANES,
                               out + (p * w->words + t) * PANEL + c, PANEL, LANES);
            }
}

#include "engine_window.h"
#include "engine_depthwise.h"

static int64_t FN(step)(const Step *s, Buffer x, Buffer y, int64_t row, int rows)
{
    switch (s->op) {
    case STEP_GATHER: FN(gather)(s, x, y, row, rows); return 0;
    case STEP_ENCODE: return FN(encode)(s, x, y, rows);
    case STEP_LAYOUT: FN(layout)(s, x, y, rows); return 0;
    case STEP_PRODUCT: FN(product)(s, x, y, rows); return 0;
    case STEP_DEPTHWISE: FN(depthwise)(s, x, y, row, rows); return 0;
    default: FN(chain)(s, x, y, rows); return 0;
    }
}
