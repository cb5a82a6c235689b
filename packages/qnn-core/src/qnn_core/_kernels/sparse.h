/* Gradients by an input that is mostly one number, its ground: zero in images and the outputs of ReLU,
 * another one in images that are centred, or have but one bit:
 *
 *     dw[n][k]  = sum over m of g[m][n] * x[m][k]
 *     total     = sum over m, k of slope[m][k] * (sum over n of g[m][n] * w[n][k])
 *
 * Only terms where x or slope is not at its ground are looked at, with what they lie above it; the ground
 * times the sum over all m is where each sum begins. With a ground of zero the terms left out change no
 * sum of finite numbers, so dw has the bits of float_gemm.h, but for a -0 in place of 0 where products are
 * too small for any number. The second is what a scale of the data, or
 * a shift, wants of the gradient of all the data. Either may be asked for alone: the total, with x for
 * slopes and no dw.
 */
#ifndef QNN_SPARSE_H
#define QNN_SPARSE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <math.h>

#include "isa.h"

enum {
    CHUNK = 128, /* columns of g, of a task: their sums fit in registers */
    WAYS = 16    /* sums of `total` that are taken side by side */
};

typedef struct {
    uint32_t m;
    float x, slope;           /* above the ground */
} Entry;

typedef struct {
    const float *x, *slope;   /* [m][k]; slope may be NULL */
    const float *g;           /* [m][n] */
    float *dw;                /* or NULL, then the total is that of x */
    int64_t m, n, k;
    float x0, slope0;         /* the ground; that of the slope is zero where there is none */
    int64_t some;             /* elements where x or slope is not at its ground */
    float *chunk;             /* g as [CHUNK columns][m][column], zeros in the last */
    float *sum_n;             /* the sum of each of these columns */
    int64_t *count_k;
    Entry *entry_km;          /* of each column the terms, m ascending */
    /* With a total: w[n][k] = scale_n * level[code] + shift_n */
    const uint8_t *code_nk;
    const float *level;       /* 16 */
    const float *scale_n, *shift_n;
    double *total_p;          /* of each task */
} Sparse;

static inline int64_t chunks_in(int64_t columns) { return (columns + CHUNK - 1) / CHUNK; }

/* The place of the lowest bit; there is one. */
static inline int lowest(uint64_t bits)
{
#ifdef __GNUC__
    return __builtin_ctzll(bits);
#else
    int place = 0;
    while (!(bits & 1)) bits >>= 1, place++;
    return place;
#endif
}

#define PATH_TEMPLATE "sparse_path.h"
#include "for_each_isa.h"

TASKS(count)
TASKS(chunk)
TASKS(terms)
TASKS(sparse)

#endif
