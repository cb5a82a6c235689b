/* The loops of float_gemm.h, once for each path. */

#include "lanes.h"

/* --- Tiles ------------------------------------------------------------------------------------- */

/* Sum terms t0..t1 of `rows` rows into c[row][], going on from what is there or from zero; `b` holds
 * the terms from t0 on. */
INLINE void FN(sums_tile)(const int rows, const int vectors, const Sums *s, int64_t r0, int64_t t0,
                          int64_t t1, int go_on, const float *b, int64_t b_stride, float *c,
                          int64_t c_stride)
{
    const float *a[DOT_ROWS];
    VF sum[DOT_ROWS][DOT_COLS];
    UNROLL for (int r = 0; r < rows; r++) {
        a[r] = s->a + s->a_row[r0 + r];
        UNROLL for (int v = 0; v < vectors; v++)
            sum[r][v] = go_on ? FN(loadf)(c + r * c_stride + v * LANES) : FN(splatf)(0);
    }
    for (int64_t t = t0; t < t1; t++, b += b_stride) {
        int64_t offset = s->a_term[t];
        VF bv[DOT_COLS];
        UNROLL for (int v = 0; v < vectors; v++) bv[v] = FN(loadf)(b + v * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            VF av = FN(splatf)(a[r][offset]);
            UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = FMA(av, bv[v], sum[r][v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++)
            memcpy(c + r * c_stride + v * LANES, &sum[r][v], sizeof(VF));
}

#define ROWS_OF(vectors) \
    switch (rows) { \
    case 1: FN(sums_tile)(1, vectors, s, r0, t0, t1, go_on, b, b_stride, c, c_stride); break; \
    case 2: FN(sums_tile)(2, vectors, s, r0, t0, t1, go_on, b, b_stride, c, c_stride); break; \
    case 3: FN(sums_tile)(DOT_ROWS < 3 ? DOT_ROWS : 3, vectors, s, r0, t0, t1, go_on, b, b_stride, c, c_stride); break; \
    case 4: FN(sums_tile)(DOT_ROWS < 4 ? DOT_ROWS : 4, vectors, s, r0, t0, t1, go_on, b, b_stride, c, c_stride); break; \
    case 5: FN(sums_tile)(DOT_ROWS < 5 ? DOT_ROWS : 5, vectors, s, r0, t0, t1, go_on, b, b_stride, c, c_stride); break; \
    default: FN(sums_tile)(DOT_ROWS, vectors, s, r0, t0, t1, go_on, b, b_stride, c, c_stride); break; \
    }

/* A width in a function of its own, which has the registers to itself. */
#define WIDTH(name, vectors) \
    static NOINLINE void FN(name)(int rows, const Sums *s, int64_t r0, int64_t t0, int64_t t1, \
                                  int go_on, const float *b, int64_t b_stride, float *c, \
                                  int64_t c_stride) \
    { \
        ROWS_OF(vectors) \
    }
WIDTH(sums_1, 1)
WIDTH(sums_2, 2)
#if DOT_COLS == 4
WIDTH(sums_3, 3)
WIDTH(sums_4, 4)
#endif

/* Rows r0..r1 of a panel of `columns` columns, terms t0..t1, to c, whose rows have room for whole
 * vectors. */
static void FN(sums_panel)(const Sums *s, int64_t r0, int64_t r1, int64_t t0, int64_t t1,
                           int go_on, const float *b, int64_t b_stride, float *c,
                           int64_t c_stride, int64_t columns)
{
    for (int64_t j0 = 0; j0 < columns; j0 += DOT_COLS * LANES) {
        int64_t left = (columns - j0 + LANES - 1) / LANES;
        for (int64_t r = r0; r < r1; r += DOT_ROWS) {
            int rows = r1 - r < DOT_ROWS ? (int)(r1 - r) : DOT_ROWS;
            float *to = c + (r - r0) * c_stride + j0;
            switch (left) {
            case 1: FN(sums_1)(rows, s, r, t0, t1, go_on, b + j0, b_stride, to, c_stride); break;
#if DOT_COLS == 4
            case 2: FN(sums_2)(rows, s, r, t0, t1, go_on, b + j0, b_stride, to, c_stride); break;
            case 3: FN(sums_3)(rows, s, r, t0, t1, go_on, b + j0, b_stride, to, c_stride); break;
            default: FN(sums_4)(rows, s, r, t0, t1, go_on, b + j0, b_stride, to, c_stride); break;
#else
            default: FN(sums_2)(rows, s, r, t0, t1, go_on, b + j0, b_stride, to, c_stride); break;
#endif
            }
        }
    }
}

/* Whether rows of a panel that lie so far apart would meet in a few sets of the cache. */
INLINE int FN(meet)(int64_t stride) { return stride % 512 == 0; }

/* A task is a panel of columns of SUM_ROWS rows. */
static void FN(sums)(void *context, int64_t task)
{
    const Sums *s = context;
    int64_t panel = task % panels_in(s->columns), r0 = task / panels_in(s->columns) * SUM_ROWS;
    int64_t j0 = panel * PANEL, r1 = s->rows - r0 < SUM_ROWS ? s->rows : r0 + SUM_ROWS;
    int64_t columns = s->columns - j0 < PANEL ? s->columns - j0 : PANEL;
    /* Where whole vectors may not be read or written, or read well, there are copies. */
    int whole = columns % LANES == 0 && s->b_panel == PANEL;
    int copied = s->b_panel == PANEL && (!whole || FN(meet)(s->b_stride));
    float own[SUM_TERMS * PANEL] ALIGNED, part[SUM_ROWS * PANEL] ALIGNED;
    float *c = columns % LANES ? part : s->c + r0 * s->c_stride + j0;
    int64_t c_stride = columns % LANES ? PANEL : s->c_stride;
    int64_t read = (columns + LANES - 1) / LANES * LANES;
    for (int64_t t0 = 0; t0 < s->terms || t0 == 0; t0 += SUM_TERMS) {
        int64_t t1 = s->terms - t0 < SUM_TERMS ? s->terms : t0 + SUM_TERMS;
        const float *b = s->b + panel * s->b_panel + t0 * s->b_stride;
        for (int64_t t = t0; copied && t < t1; t++) {
            const float *from = b + (t - t0) * s->b_stride;
            if (columns == PANEL) memcpy(own + (t - t0) * PANEL, from, 4 * PANEL);
            else {
                memcpy(own + (t - t0) * PANEL, from, 4 * (size_t)columns);
                memset(own + (t - t0) * PANEL + columns, 0, 4 * (size_t)(read - columns));
            }
        }
        FN(sums_panel)(s, r0, r1, t0, t1, t0 > 0, copied ? own : b, copied ? PANEL : s->b_stride, c,
                       c_stride, columns);
    }
    if (s->affine) {
        const float *scale = s->scale_j ? s->scale_j + j0 : ONES;
        const float *bias = s->bias_j ? s->bias_j + j0 : ZEROS;
        for (int64_t r = 0; r < r1 - r0; r++)
            for (int64_t j = 0; j < columns; j++) {
                float y = c[r * c_stride + j] * scale[j];
                c[r * c_stride + j] = y + bias[j];
            }
    }
    if (c == part)
        for (int64_t r = r0; r < r1; r++)
            memcpy(s->c + r * s->c_stride + j0, part + (r - r0) * PANEL, 4 * (size_t)columns);
}

/* A task is SUM_TERMS columns of all rows. */
static void FN(turn)(void *context, int64_t task)
{
    const Turn *f = context;
    int64_t k0 = task * SUM_TERMS, k1 = f->k - k0 < SUM_TERMS ? f->k : k0 + SUM_TERMS;
    for (int64_t r = 0; r < panels_in(f->rows) * PANEL; r += LANES) {
        int rows = f->rows - r < LANES ? (f->rows > r ? (int)(f->rows - r) : 0) : LANES;
        float *panel = f->panels + r / PANEL * f->k * PANEL + r % PANEL;
        for (int64_t k = k0; k < k1; k += LANES)
            FN(turn_block)(f->from + (rows ? r : 0) * f->k + k, f->k, rows,
                           k1 - k < LANES ? (int)(k1 - k) : LANES, panel + k * PANEL, PANEL, LANES);
    }
}

/* --- y = x w' with samples as lanes: the weights are read as they lie -------------------------- */

/* A task is SUM_ROWS outputs of a panel of samples. */
static void FN(affine)(void *context, int64_t task)
{
    const Affine *f = context;
    int64_t m0 = task % panels_in(f->m) * PANEL, n0 = task / panels_in(f->m) * SUM_ROWS;
    int64_t rows = f->n - n0 < SUM_ROWS ? f->n - n0 : SUM_ROWS;
    int64_t samples = f->m - m0 < PANEL ? f->m - m0 : PANEL;
    int64_t read = (samples + LANES - 1) / LANES * LANES;
    int64_t at[SUM_ROWS], term[SUM_TERMS];
    float part[SUM_ROWS * PANEL] ALIGNED;
    for (int64_t r = 0; r < rows; r++) at[r] = (n0 + r) * f->k;
    for (int64_t t = 0; t < SUM_TERMS; t++) term[t] = t;
    for (int64_t k0 = 0; k0 < f->k || k0 == 0; k0 += SUM_TERMS) {
        int64_t k1 = f->k - k0 < SUM_TERMS ? f->k : k0 + SUM_TERMS;
        Sums s = {.a = f->w + k0, .a_row = at, .a_term = term};
        FN(sums_panel)(&s, 0, rows, 0, k1 - k0, k0 > 0, f->panels + m0 * f->k + k0 * PANEL, PANEL, part, PANEL,
                       samples);
    }
    for (int64_t r = 0; r < rows; r++) {
        float scale = f->scale_n ? f->scale_n[n0 + r] : 1, bias = f->bias_n ? f->bias_n[n0 + r] : 0;
        for (int64_t j = 0; j < read; j++) {
            float y = part[r * PANEL + j] * scale;
            part[r * PANEL + j] = y + bias;
        }
    }
    for (int64_t m = 0; m < samples; m += LANES)
        for (int64_t r = 0; r < rows; r += LANES) {
            int outputs = rows - r < LANES ? (int)(rows - r) : LANES;
            FN(turn_block)(part + r * PANEL + m, PANEL, outputs,
                           samples - m < LANES ? (int)(samples - m) : LANES,
                           f->y + (m0 + m) * f->n + n0 + r, f->n, outputs);
        }
}

#undef ROWS_OF
#undef WIDTH
