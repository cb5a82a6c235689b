/* Pooling of float images, once for each path: LANES channels of a window at a time, in registers. */

#include "lanes.h"

/* `n` channels, LANES if they are whole. */
INLINE VF FN(some)(const int whole, const float *from, int64_t n)
{
    if (whole) return FN(loadf)(from);
    VF v = FN(splatf)(0);
    memcpy(&v, from, 4 * (size_t)n);
    return v;
}

INLINE void FN(put_some)(const int whole, float *to, VF v, int64_t n)
{
    if (whole) memcpy(to, &v, sizeof v);
    else memcpy(to, &v, 4 * (size_t)n);
}

/* A window of a constant size that tiles the image, or of any (0). */
#define LINES(ky, s) ((ky) ? (ky) : (int)((s).y1 - (s).y0))
#define COLUMNS(kx, s) ((kx) ? (kx) : (int)((s).x1 - (s).x0))
#define EACH_PIXEL_OF(ky, kx) \
    for (int y = 0; y < LINES(ky, s); y++) \
        for (int x = 0; x < COLUMNS(kx, s); x++) { \
            int64_t at = first + (y * p->width + x) * p->channels; \
            (void)at;

INLINE VF FN(top_of)(const Pool *p, const int ky, const int kx, const int whole, Span s,
                     int64_t first, const float *value, int64_t n)
{
    VF top = FN(some)(whole, value + first, n);
    EACH_PIXEL_OF(ky, kx)
        VF v = FN(some)(whole, value + at, n);
        top = FN(select)((VI)(v <= top), top, v);
    END
    return top;
}

INLINE void FN(max_some)(const Pool *p, const int ky, const int kx, const int whole, Span s,
                         int64_t first, const float *value, const float *none, float *to, int64_t c,
                         int64_t n)
{
    (void)none;
    VF top = FN(some)(whole, value + first, n);
    EACH_PIXEL_OF(ky, kx)
        VF v = FN(some)(whole, value + at, n);
        /* a NaN stays, and is taken */
        top = FN(select)((VI)(v > top) | (VI)(v != v), v, top);
    END
    FN(put_some)(whole, to + c, top, n);
}

/* To the first element that is the maximum; where windows overlap, added up in their order. */
INLINE void FN(max_gradient_some)(const Pool *p, const int ky, const int kx, const int whole, Span s,
                                  int64_t first, const float *value, const float *g, float *to,
                                  int64_t c, int64_t n)
{
    VF top = FN(top_of)(p, ky, kx, whole, s, first, value, n), none = FN(splatf)(0);
    VF left = FN(some)(whole, g + c, n);
    int add = !ky && !apart(p);
    EACH_PIXEL_OF(ky, kx)
        VI is = (VI)(FN(some)(whole, value + at, n) == top);
        VF give = FN(select)(is, left, none);
        left = FN(select)(is, none, left);
        if (add) give += FN(some)(whole, to + at, n);
        FN(put_some)(whole, to + at, give, n);
    END
}

/* The element of `h` there. */
INLINE void FN(max_choice_some)(const Pool *p, const int ky, const int kx, const int whole, Span s,
                                int64_t first, const float *value, const float *h, float *to,
                                int64_t c, int64_t n)
{
    VF top = FN(top_of)(p, ky, kx, whole, s, first, value, n), chosen = FN(splatf)(0);
    VI open = (VI)(top == top);
    EACH_PIXEL_OF(ky, kx)
        VI is = open & (VI)(FN(some)(whole, value + at, n) == top);
        chosen = FN(select)(is, FN(some)(whole, h + at, n), chosen);
        open = open & ~is;
    END
    FN(put_some)(whole, to + c, chosen, n);
}

/* A large window: what is added up in double is the same bits as one block, where there is one. */
static NOINLINE void FN(mean_of_blocks)(const Pool *p, int whole, Span s, int64_t first,
                                        const float *from, float *to, int64_t n)
{
    double total[LANES] = {0}, count = (double)(p->kernel_y * p->kernel_x);
    float lane[LANES];
    VF sum = FN(splatf)(0);
    int in_block = 0;
    EACH_PIXEL_OF(0, 0)
        sum += whole ? FN(some)(1, from + at, n) : FN(some)(0, from + at, n);
        if (++in_block < BLOCK) continue;
        memcpy(lane, &sum, sizeof lane);
        for (int l = 0; l < LANES; l++) total[l] += lane[l];
        sum = FN(splatf)(0);
        in_block = 0;
    END
    memcpy(lane, &sum, sizeof lane);
    for (int l = 0; l < LANES; l++) lane[l] = (float)((total[l] + lane[l]) / count);
    memcpy(to, lane, 4 * (size_t)n);
}

INLINE void FN(mean_some)(const Pool *p, const int ky, const int kx, const int whole, Span s,
                          int64_t first, const float *from, const float *none, float *to, int64_t c,
                          int64_t n)
{
    (void)none;
    VF sum = FN(splatf)(0);
    if (LINES(ky, s) * COLUMNS(kx, s) > BLOCK) {
        FN(mean_of_blocks)(p, whole, s, first, from, to + c, n);
        return;
    }
    EACH_PIXEL_OF(ky, kx)
        sum += FN(some)(whole, from + at, n);
    END
    sum = sum / (float)(p->kernel_y * p->kernel_x);
    FN(put_some)(whole, to + c, sum, n);
}

INLINE void FN(mean_gradient_some)(const Pool *p, const int ky, const int kx, const int whole, Span s,
                                   int64_t first, const float *none, const float *g, float *to,
                                   int64_t c, int64_t n)
{
    (void)none;
    VF share = FN(some)(whole, g + c, n) / (float)(p->kernel_y * p->kernel_x);
    int add = !ky && !apart(p);
    EACH_PIXEL_OF(ky, kx)
        VF sum = share;
        if (add) sum += FN(some)(whole, to + at, n);
        FN(put_some)(whole, to + at, sum, n);
    END
}

/* All windows of an image. `of_window` is what has the shape of the output; it moves along. */
#define ALL_WINDOWS(some, ky, kx, in, g, out, of_window) \
    for (int64_t line = 0; line < p->out_height; line++) \
        for (int64_t column = 0; column < p->out_width; column++, of_window += p->channels) { \
            Span s = span_of(p, line, column); \
            int64_t first = (s.y0 * p->width + s.x0) * p->channels, c = 0; \
            for (; c + LANES <= p->channels; c += LANES) \
                FN(some)(p, ky, kx, 1, s, first + c, in, g, out, c, LANES); \
            if (c < p->channels) \
                FN(some)(p, ky, kx, 0, s, first + c, in, g, out, c, p->channels - c); \
        }
#define IMAGE(some, in, g, out, of_window) \
    if (p->kernel_y == 2 && p->kernel_x == 2 && tiled(p)) { \
        ALL_WINDOWS(some, 2, 2, in, g, out, of_window) \
    } else { \
        ALL_WINDOWS(some, 0, 0, in, g, out, of_window) \
    }

static void FN(max_image)(const Pool *p, const void *from, void *to)
{
    const float *value = from;
    float *y = to;
    IMAGE(max_some, value, NULL, y, y)
}

static void FN(max_gradient_image)(const Pool *p, const void *from, const void *g, void *to)
{
    const float *value = from, *slope = g;
    float *dx = to;
    clear(p, to, sizeof *dx);
    IMAGE(max_gradient_some, value, slope, dx, slope)
}

static void FN(max_choice_image)(const Pool *p, const void *from, const void *h, void *to)
{
    const float *value = from, *other = h;
    float *y = to;
    IMAGE(max_choice_some, value, other, y, y)
}

static void FN(mean_image)(const Pool *p, const void *from, void *to)
{
    const float *x = from;
    float *y = to;
    IMAGE(mean_some, x, NULL, y, y)
}

static void FN(mean_gradient_image)(const Pool *p, const void *g, void *to)
{
    const float *slope = g;
    float *dx = to;
    clear(p, to, sizeof *dx);
    IMAGE(mean_gradient_some, NULL, slope, dx, slope)
}

#undef LINES
#undef COLUMNS
#undef EACH_PIXEL_OF
#undef ALL_WINDOWS
#undef IMAGE
