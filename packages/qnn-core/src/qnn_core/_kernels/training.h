/* The element-wise loops of a training step, in as few passes over memory as can be.
 *
 * A task is a piece of an array whose bounds follow from its shape alone; sums are taken in a fixed
 * order within a piece and over the pieces. So results depend neither on the path nor on who does
 * which piece.
 */
#ifndef QNN_TRAINING_H
#define QNN_TRAINING_H

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "isa.h"
#include "search.h"

enum {
    PIECE = 4096, /* elements */
    WAYS = 16,    /* sums that are taken side by side, element i in way i % WAYS */
    FEW = 16      /* thresholds: up to here they are turned into cuts on x */
};

/* How a code is found. */
enum { BY_EACH, BY_HALVES, BY_PLACE, BY_SEARCH, BY_ROUNDING };

/* Qparams as numbers on x: `cut[j]` is the least x with u >= threshold[j], so comparing with it decides
 * the same without a division. */
typedef struct {
    float scale, shift, per_scale;
    float coarse, fine;     /* scale = coarse + fine; coarse times a level of 8 bits is exact */
    float low, high;        /* the least and the greatest x where the clip surrogate is 1 */
    float cut[FEW + 2];     /* for up to FEW thresholds, between -inf and NaNs */
    float level[FEW];       /* for fewer */
    float per_step;         /* position among the cuts = (x - cut[1]) * per_step */
} QParams;

/* An activation that keeps x within limits: y = min(max(x, low), high) + zero, and NaN stays.
 * `zero` is 0 where -0 becomes 0, and -0 where it stays. The gradient passes within the limits, these
 * included, but not at x = stop: 0 of a relu, NaN of what has no such place. */
typedef struct {
    float low, high, zero, stop;
} Limits;

/* Fake quantization of rows, each with qparams of its own or all with one. With
 * u = (x - shift) / scale, the code is the count of thresholds <= u. */
typedef struct {
    const float *x, *scale_r, *shift_r;
    int64_t rows, length;
    int own_qparams;              /* whether each row has qparams of its own */
    QParams *qparams_r;             /* what becomes of scale and shift; one if they are shared */
    const float *threshold_t;   /* between -inf and NaN, which nothing reaches */
    int32_t count;              /* thresholds without those two */
    float per_step;             /* 1 / distance of the thresholds, 0 if they are uneven */
    Search search;              /* among more than FEW uneven ones */
    const float *level_l;
    float first, step;          /* level = first + step * code, where step is not 0 */
    uint8_t *code;
    float *value;               /* NULL if nobody asks */
    int64_t *bad_p;             /* pieces with a number that is not finite are marked here */
    /* Of forward and backward: what is done to x first, and the gradient taken back through it. */
    int limited;
    Limits limits;
    /* Backward: */
    const float *g;
    float *dx;                  /* NULL if nobody asks */
    double *scale_p, *shift_p;  /* sums over a piece; NULL if nobody asks */
    float *scale_gradient;      /* of each value the derivative in the scale, alone */
    float *shift_gradient;      /* and in the shift; NULL if nobody asks */
    /* Errors of several candidate qparams for each row, one after the other: */
    int64_t candidates;
    int even;                   /* whether levels are even and the nearest is taken */
    const float *weight;        /* of each element; NULL if all count alike */
    int64_t weight_stride;      /* from a row's weights to the next one's; 0 if all rows share them */
    double *error_p;            /* [piece][candidates] */
} Fake;

static inline int64_t pieces_in(int64_t length) { return (length + PIECE - 1) / PIECE; }

/* An update of parameters in place; what is kept between steps lies in slot. */
typedef struct {
    float *w;
    const float *g;
    float *slot[2];
    int64_t size;
    float rate, decay, low, high;  /* decay is that of L2; weights stay in low..high */
    float keep, ahead, along;      /* SGD: v = keep v + g, w -= rate (ahead g + along v) */
    float keep1, take1, keep2, take2, inverse_root, shrink, epsilon; /* Adam */
} Update;

/* What is kept of gradients that stay away fades by a factor at each step, until it is subnormal, on
 * which processors take a hundred times as long: from here on it is 0. A mean is by then far from
 * moving a weight, also times the rate. */
#define LEAST_MEAN 0x1p-100f
static inline float faded(float kept, float least) { return fabsf(kept) < least ? 0.0f : kept; }

/* A running average, in place: y = keep y + take x. */
typedef struct {
    float *y;
    const float *x;
    int64_t size;
    float keep, take;
} Average;

typedef struct {
    const float *x, *g;
    float *y;
    int64_t size;
    Limits limits; /* of `limit` alone */
} Map;

/* y = table[code]. */
typedef struct {
    const uint8_t *code;
    const float *table;
    int entries;
    float *y;
    int64_t size;
} Lookup;

/* Softmax cross-entropy of rows of logits. */
typedef struct {
    const float *x;        /* [rows][columns] */
    const int64_t *label;  /* of each row, a valid column */
    int64_t columns;
    double *loss_r;        /* log(sum(exp(row))) - row[label]; NULL if nobody asks */
    float factor;
    float *gradient;       /* factor * (softmax - one-hot); NULL if nobody asks */
} Entropy;

#define PATH_TEMPLATE "training_path.h"
#include "for_each_isa.h"

TASKS(fake_qparams)
TASKS(fake_forward)
TASKS(fake_backward)
TASKS(fake_slopes)
TASKS(fake_error)
TASKS(sgd)
TASKS(sgd_momentum)
TASKS(adam)
TASKS(average)
TASKS(relu)
TASKS(relu_backward)
TASKS(limit)
TASKS(limit_backward)
TASKS(lookup)
TASKS(entropy)

#endif
