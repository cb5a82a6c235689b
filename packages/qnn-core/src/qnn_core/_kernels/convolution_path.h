/* The loops of convolution.h, once for each path. */

#include "lanes.h"

/* Rows of a tile of so many vectors: as many sums as the registers hold beside a row of weights. */
#if LANES == 16
#define SPREAD_ROWS(vectors) ((vectors) == 4 ? 6 : 8)
#elif LANES == 8
#define SPREAD_ROWS(vectors) 6
#else
#define SPREAD_ROWS(vectors) 2
#endif

/* `rows` pairs from p on: terms n0..n1 of their sums for `vectors` vectors of columns. */
INLINE void FN(spread_tile)(const int rows, const int vectors, const Spread *s, const float *g,
                            float *x, int64_t p, const float *w, int64_t n0, int64_t n1)
{
    const float *from[8];
    float *to[8];
    VF sum[8][DOT_COLS];
    UNROLL for (int r = 0; r < rows; r++) {
        from[r] = g + s->from_p[p + r] * s->n;
        to[r] = x + s->to_p[p + r] * s->c;
        UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = FN(loadf)(to[r] + v * LANES);
    }
    for (int64_t n = n0; n < n1; n++, w += s->c) {
        VF wv[DOT_COLS];
        UNROLL for (int v = 0; v < vectors; v++) wv[v] = FN(loadf)(w + v * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            VF gv = FN(splatf)(from[r][n]);
            UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = FMA(gv, wv[v], sum[r][v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vectors; v++) memcpy(to[r] + v * LANES, &sum[r][v], sizeof(VF));
}

/* The pairs p..stop of a tap. A width in a function of its own has the registers to itself. */
#define SPREAD_WIDTH(name, vectors) \
    static NOINLINE void FN(name)(const Spread *s, const float *g, float *x, int64_t p, int64_t stop, \
                                  const float *w, int64_t n0, int64_t n1) \
    { \
        enum { MOST = SPREAD_ROWS(vectors) }; \
        for (; p + MOST <= stop; p += MOST) FN(spread_tile)(MOST, vectors, s, g, x, p, w, n0, n1); \
        if (MOST > 4 && p + 4 <= stop) FN(spread_tile)(4, vectors, s, g, x, p, w, n0, n1), p += 4; \
        if (MOST > 2 && p + 2 <= stop) FN(spread_tile)(2, vectors, s, g, x, p, w, n0, n1), p += 2; \
        if (p < stop) FN(spread_tile)(1, vectors, s, g, x, p, w, n0, n1); \
    }
SPREAD_WIDTH(spread_1, 1)
SPREAD_WIDTH(spread_2, 2)
#if DOT_COLS == 4
SPREAD_WIDTH(spread_3, 3)
SPREAD_WIDTH(spread_4, 4)
#endif

/* A task is a panel of columns of an image. */
static void FN(spread)(void *context, int64_t task)
{
    const Spread *s = context;
    int64_t image = task / spread_panels(s), j0 = task % spread_panels(s) * PANEL;
    int64_t j1 = s->c - j0 < PANEL ? s->c : j0 + PANEL;
    const float *g = s->g + image * s->outputs * s->n;
    float *x = s->x + image * s->pixels * s->c;
    if (s->c <= PANEL) memset(x, 0, 4 * (size_t)(s->pixels * s->c));
    else
        for (int64_t pixel = 0; pixel < s->pixels; pixel++)
            memset(x + pixel * s->c + j0, 0, 4 * (size_t)(j1 - j0));
    for (int64_t tap = 0; tap < s->taps; tap++)
        for (int64_t n0 = 0; n0 < s->n; n0 += TAP_TERMS) {
            int64_t n1 = s->n - n0 < TAP_TERMS ? s->n : n0 + TAP_TERMS;
            int64_t p = s->first_t[tap], stop = s->first_t[tap + 1];
            const float *w = s->w + (tap * s->n + n0) * s->c;
            for (int64_t j = j0; j < j1; j += DOT_COLS * LANES) {
                int64_t left = (j1 - j) / LANES;
                if (left == 1) FN(spread_1)(s, g, x + j, p, stop, w + j, n0, n1);
#if DOT_COLS == 4
                else if (left == 2) FN(spread_2)(s, g, x + j, p, stop, w + j, n0, n1);
                else if (left == 3) FN(spread_3)(s, g, x + j, p, stop, w + j, n0, n1);
                else FN(spread_4)(s, g, x + j, p, stop, w + j, n0, n1);
#else
                else FN(spread_2)(s, g, x + j, p, stop, w + j, n0, n1);
#endif
            }
        }
}

/* --- Few channels ----------------------------------------------------------------------------- */

/* FEW_VECTORS vectors of pixels of one channel, from `at` on. */
static NOINLINE void FN(few_tile)(const Few *f, const float *planes, const float *w, int64_t at, float *to)
{
    VF sum[FEW_VECTORS];
    UNROLL for (int v = 0; v < FEW_VECTORS; v++) sum[v] = FN(splatf)(0);
    for (int64_t t = 0; t < f->taps; t++) {
        const float *from = planes + f->shift_t[t] + at;
        for (int64_t n = 0; n < f->n; n++, from += f->plane, w++) {
            VF wv = FN(splatf)(*w);
            UNROLL for (int v = 0; v < FEW_VECTORS; v++)
                sum[v] = FMA(wv, FN(loadf)(from + v * LANES), sum[v]);
        }
    }
    memcpy(to, sum, sizeof sum);
}

/* One image's gradients to their places in the planes. */
static void FN(few_planes)(const Few *f, const float *g, float *planes)
{
    for (int64_t y = 0; y < f->out_height; y++, g += f->out_width * f->n)
        for (int64_t n = 0; n < f->n; n++) {
            float *to = planes + n * f->plane + f->first + y * f->step_y;
            for (int64_t x = 0; x < f->out_width; x++) to[x * f->step_x] = g[x * f->n + n];
        }
}

/* A task is every tasks-th image. */
static void FN(few)(void *context, int64_t task)
{
    const Few *f = context;
    float *planes = f->memory + task * (f->n * f->plane + PLANE_ROOM);
    for (int64_t image = task; image < f->images; image += f->tasks) {
        FN(few_planes)(f, f->g + image * f->out_height * f->out_width * f->n, planes);
        float *x = f->x + image * f->height * f->width * f->c;
        for (int64_t c = 0; c < f->c; c++)
            for (int64_t at = 0; at < f->height * f->line; at += FEW_VECTORS * LANES) {
                float sum[FEW_VECTORS * LANES];
                FN(few_tile)(f, planes, f->w + c * f->taps * f->n, at, sum);
                int64_t line = at / f->line, column = at % f->line;
                for (int64_t i = 0; i < FEW_VECTORS * LANES && line < f->height; i++) {
                    if (column < f->width) x[(line * f->width + column) * f->c + c] = sum[i];
                    if (++column == f->line) column = 0, line++;
                }
            }
    }
}

#undef SPREAD_ROWS
#undef SPREAD_WIDTH
