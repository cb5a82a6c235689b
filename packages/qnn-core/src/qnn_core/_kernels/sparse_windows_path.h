/* The loops of sparse_windows.h, once for each path. */

#include "lanes.h"

#ifdef __GNUC__
#define LOWEST(bits) __builtin_ctz(bits)
#else
#define LOWEST(bits) 0 /* of one lane */
#endif

/* Which of up to LANES numbers are not zero, a bit each; NaN is not. */
INLINE uint32_t FN(not_zero)(const float *x, int64_t left)
{
#if LANES == 1
    return *x != 0;
#else
    VF v = left < LANES ? LOAD_SOME(x, (int)left) : FN(loadf)(x);
    return SIGNS((VU)(v != FN(splatf)(0)));
#endif
}

#define EACH_VECTORS(count, call) \
    switch (count) { \
    case 1: { enum { V = 1 }; call; break; } \
    case 2: { enum { V = 2 }; call; break; } \
    case 3: { enum { V = 3 }; call; break; } \
    case 4: { enum { V = 4 }; call; break; } \
    case 5: { enum { V = 5 }; call; break; } \
    case 6: { enum { V = 6 }; call; break; } \
    case 7: { enum { V = 7 }; call; break; } \
    default: { enum { V = AT_ONCE }; call; break; } \
    }

/* --- To the weight ---------------------------------------------------------------------------- */

/* Terms times vectors that lie `at_v` behind each, added to sums side by side. */
INLINE void FN(add_pixels)(const int vectors, const Term *term, int count, const float *x,
                           const int64_t *at_v, float *to)
{
    VF sum[AT_ONCE];
    UNROLL for (int v = 0; v < vectors; v++) sum[v] = FN(loadf)(to + v * LANES);
    for (int i = 0; i < count; i++) {
        const float *from = x + term[i].at;
        VF g = FN(splatf)(term[i].g);
        UNROLL for (int v = 0; v < vectors; v++) sum[v] = FMA(FN(loadf)(from + at_v[v]), g, sum[v]);
    }
    UNROLL for (int v = 0; v < vectors; v++) memcpy(to + v * LANES, &sum[v], sizeof sum[v]);
}

/* All that terms of one output give to its weights. */
static NOINLINE void FN(add_window)(const ToWeight *s, const Term *term, int count, float *to)
{
    int64_t each = whole_run(s->run) / LANES, vectors = s->runs * each;
    for (int64_t v0 = 0; v0 < vectors; v0 += AT_ONCE) {
        int64_t at_v[AT_ONCE];
        int some = vectors - v0 < AT_ONCE ? (int)(vectors - v0) : AT_ONCE;
        for (int v = 0; v < some; v++) at_v[v] = s->run_r[(v0 + v) / each] + (v0 + v) % each * LANES;
        EACH_VECTORS(some, FN(add_pixels)(V, term, count, s->x, at_v, to + v0 * LANES))
    }
}

/* A task is GROUP outputs of a part of the pixels. */
static void FN(to_weight)(void *context, int64_t task)
{
    const ToWeight *s = context;
    int64_t groups = (s->n + GROUP - 1) / GROUP, part = task / groups, n0 = task % groups * GROUP;
    int64_t outputs = s->n - n0 < GROUP ? s->n - n0 : GROUP, row = s->runs * whole_run(s->run);
    int64_t p = s->pixels * part / s->parts, stop = s->pixels * (part + 1) / s->parts;
    float *sum = s->sum + (part * s->n + n0) * row;
    memset(sum, 0, 4 * (size_t)(outputs * row));
    Term term[GROUP][SOME_PIXELS];
    while (p < stop) {
        int count[GROUP] = {0};
        int64_t until = stop - p < SOME_PIXELS ? stop : p + SOME_PIXELS;
        for (; p < until; p++) {
            const float *g = s->g + p * s->n + n0;
            for (int64_t j0 = 0; j0 < outputs; j0 += LANES)
                for (uint32_t some = FN(not_zero)(g + j0, outputs - j0); some; some &= some - 1) {
                    int64_t j = j0 + LOWEST(some);
                    term[j][count[j]++] = (Term){s->pixel_p[p], g[j]};
                }
        }
        for (int64_t j = 0; j < outputs; j++)
            if (count[j]) FN(add_window)(s, term[j], count[j], sum + j * row);
    }
}

/* --- To the input ----------------------------------------------------------------------------- */

/* Terms times rows of weights, added to numbers side by side; `last` of the last vector are there. */
INLINE void FN(add_weights)(const int vectors, const Term *term, int count, const float *w, int last,
                            float *to)
{
    VF sum[AT_ONCE];
    UNROLL for (int v = 0; v < vectors; v++) sum[v] = FN(loadf)(to + v * LANES);
    for (int i = 0; i < count; i++) {
        const float *from = w + term[i].at;
        VF g = FN(splatf)(term[i].g);
        UNROLL for (int v = 0; v < vectors; v++) sum[v] = FMA(g, FN(loadf)(from + v * LANES), sum[v]);
    }
    UNROLL for (int v = 0; v < vectors - 1; v++) memcpy(to + v * LANES, &sum[v], sizeof sum[v]);
    STORE_SOME(to + (vectors - 1) * LANES, sum[vectors - 1], last);
}

static NOINLINE void FN(add_run)(const ToInput *s, const Term *term, int count, const float *w, float *to)
{
    int64_t vectors = (s->run + LANES - 1) / LANES;
    for (int64_t v0 = 0; v0 < vectors; v0 += AT_ONCE) {
        int some = vectors - v0 < AT_ONCE ? (int)(vectors - v0) : AT_ONCE;
        int64_t left = s->run - (v0 + some - 1) * LANES;
        int last = left < LANES ? (int)left : LANES;
        EACH_VECTORS(some, FN(add_weights)(V, term, count, w + v0 * LANES, last, to + v0 * LANES))
    }
}

/* The terms of an image, pixel by pixel. */
static void FN(collect)(const ToInput *s, const float *g, Term *term, int32_t *counts)
{
    int64_t pixels = s->out_height * s->out_width, row = whole_run(s->run);
    for (int64_t p = 0; p < pixels; p++, g += s->n, term += s->n) {
        int32_t count = 0;
        for (int64_t n0 = 0; n0 < s->n; n0 += LANES)
            for (uint32_t some = FN(not_zero)(g + n0, s->n - n0); some; some &= some - 1) {
                int64_t n = n0 + LOWEST(some);
                term[count++] = (Term){n * row, g[n]};
            }
        counts[p] = count;
    }
}

/* A task is every tasks-th image. Runs upwards and the pixels of a line downwards: each number of an
 * image meets the taps of the window upwards. */
static void FN(to_input)(void *context, int64_t task)
{
    const ToInput *s = context;
    int64_t pixels = s->out_height * s->out_width, line = s->width * s->c;
    int64_t wide = line + 2 * s->pad_x * s->c, row = whole_run(s->run);
    float *frame = s->frames + task * frame_of(s);
    Term *term = s->terms + task * pixels * s->n;
    int32_t *counts = s->counts + task * pixels;
    for (int64_t image = task; image < s->images; image += s->tasks) {
        memset(frame, 0, 4 * (size_t)frame_of(s));
        FN(collect)(s, s->g + image * pixels * s->n, term, counts);
        for (int64_t r = 0; r < s->runs; r++)
            for (int64_t p = pixels; p-- > 0;)
                if (counts[p])
                    FN(add_run)(s, term + p * s->n, counts[p], s->w + r * s->n * row,
                                frame + s->pixel_p[p] + s->run_r[r]);
        const float *from = frame + s->pad_y * wide + s->pad_x * s->c;
        float *x = s->x + image * s->height * line;
        for (int64_t y = 0; y < s->height; y++) memcpy(x + y * line, from + y * wide, 4 * (size_t)line);
    }
}

#undef EACH_VECTORS
#undef LOWEST
