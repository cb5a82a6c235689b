/* The loops of channels.h, once for each path, in plain C: the compiler makes vectors of them. */

#include "lanes.h"

/* Where a task's piece lies: its first element, its whole rounds of `ways` rows, what is left. */
#define PIECE_OF(f, task) \
    int64_t row = (task) * (f)->piece, at = row * (f)->c, round = (f)->ways * (f)->c; \
    int64_t rows = (f)->rows - row < (f)->piece ? (f)->rows - row : (f)->piece; \
    int64_t size = rows * (f)->c; \
    float *restrict sum = (f)->memory + (task) * 3 * round; \
    (void)sum

/* Each element i of the piece, with its place w among the ways. */
#define EACH(body) \
    for (int64_t start = 0; start < size; start += round) { \
        int64_t stop = size - start < round ? size - start : round; \
        for (int64_t w = 0, i = start; w < stop; w++, i++) { body; } \
    }

static void FN(channel_sums)(void *context, int64_t task)
{
    const Channels *f = context;
    PIECE_OF(f, task);
    const float *restrict x = f->x + at;
    memset(sum, 0, 4 * (size_t)round);
    EACH(sum[w] += x[i])
    fold(f, sum, f->part[0] + task * f->c);
}

/* The mean of the piece, and the sum of squared deviations from it. */
static void FN(channel_moments)(void *context, int64_t task)
{
    const Channels *f = context;
    PIECE_OF(f, task);
    const float *restrict x = f->x + at;
    float *restrict mean = sum + round;
    double *part = f->part[0] + task * f->c;
    memset(sum, 0, 4 * (size_t)round);
    EACH(sum[w] += x[i])
    fold(f, sum, part);
    for (int64_t c = 0; c < f->c; c++) mean[c] = (float)(part[c] /= rows);
    for (int64_t w = 1; w < f->ways; w++) memcpy(mean + w * f->c, mean, 4 * (size_t)f->c);
    memset(sum, 0, 4 * (size_t)round);
    EACH(float d = x[i] - mean[w]; sum[w] += d * d)
    fold(f, sum, f->part[1] + task * f->c);
    /* The mean was rounded: what the deviations from it are too many by. */
    for (int64_t c = 0; c < f->c; c++) {
        double off = part[c] - mean[c];
        f->part[1][task * f->c + c] -= rows * off * off;
    }
}

/* The sums of g and of g * (x - constant[0]). */
static void FN(channel_products)(void *context, int64_t task)
{
    const Channels *f = context;
    PIECE_OF(f, task);
    const float *restrict x = f->x + at, *restrict g = f->g + at, *restrict mean = f->constant[0];
    float *restrict moment = sum + round;
    memset(sum, 0, 8 * (size_t)round);
    if (f->kept) {
        const float *restrict kept = f->kept + at;
        EACH(float h = g[i]; h = kept[i] > 0.0f ? h : 0.0f; sum[w] += h; moment[w] += h * (x[i] - mean[w]))
    } else {
        EACH(sum[w] += g[i]; moment[w] += g[i] * (x[i] - mean[w]))
    }
    fold(f, sum, f->part[0] + task * f->c);
    fold(f, moment, f->part[1] + task * f->c);
}

/* (x - mean) * factor + bias: the expression of evaluation and of what is deployed. */
static void FN(normalize)(void *context, int64_t task)
{
    const Channels *f = context;
    PIECE_OF(f, task);
    const float *restrict x = f->x + at, *restrict mean = f->constant[0];
    const float *restrict factor = f->constant[1], *restrict bias = f->constant[2];
    float *restrict y = f->y + at;
    if (f->relu) {
        EACH(float z = (x[i] - mean[w]) * factor[w]; z += bias[w]; y[i] = z <= 0.0f ? 0.0f : z)
    } else {
        EACH(float z = (x[i] - mean[w]) * factor[w]; y[i] = z + bias[w])
    }
}

/* factor * g + slope * (x - mean) + offset. */
static void FN(normalize_backward)(void *context, int64_t task)
{
    const Channels *f = context;
    PIECE_OF(f, task);
    const float *restrict x = f->x + at, *restrict g = f->g + at, *restrict mean = f->constant[0];
    const float *restrict factor = f->constant[1], *restrict slope = f->constant[2];
    const float *restrict offset = f->constant[3];
    float *restrict y = f->y + at;
    if (f->kept) {
        const float *restrict kept = f->kept + at;
        EACH(float h = g[i]; h = kept[i] > 0.0f ? h : 0.0f;
             y[i] = factor[w] * h + (slope[w] * (x[i] - mean[w]) + offset[w]))
    } else {
        EACH(y[i] = factor[w] * g[i] + (slope[w] * (x[i] - mean[w]) + offset[w]))
    }
}

#undef PIECE_OF
#undef EACH
