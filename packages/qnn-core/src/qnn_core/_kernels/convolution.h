/* The gradient of a convolution's input: each output pixel's gradient, times the weights of each tap
 * of the window, is added to the pixel under that tap.
 *
 *     x[to[p]][c] += sum over n of g[from[p]][n] * w[tap][n][c]    for all pairs p of each tap
 *
 * Each number is one chain of fused multiply-adds from zero on, with taps ascending and n ascending
 * within a tap: results depend neither on the path nor on who does which image. An image is small
 * enough to stay in the cache while its taps pass by; nothing is gathered or scattered.
 */
#ifndef QNN_CONVOLUTION_H
#define QNN_CONVOLUTION_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "isa.h"

enum { TAP_TERMS = 128 /* of n, at a time: the weights of a panel fit in the first-level cache */ };

typedef struct {
    const float *g, *w;           /* [image][output pixel][n], [tap][n][c] */
    float *x;                     /* [image][pixel][c] */
    const int64_t *first_t;       /* the pairs of tap t are first_t[t] .. first_t[t + 1] - 1 */
    const int64_t *from_p, *to_p; /* of a pair: the output pixel, and the pixel under the tap */
    int64_t taps, n, c;           /* c is a multiple of 16 */
    int64_t outputs, pixels;      /* of an image */
} Spread;

static inline int64_t spread_panels(const Spread *s) { return (s->c + PANEL - 1) / PANEL; }

/* The same sums for few channels, with pixels as the lanes of a vector: g is turned into planes [n],
 * each a frame in which the gradients have their places and the rest is zero. The pixel at `i` of a
 * frame is the sum over taps and n of w[c][tap][n] * plane[n][shift[tap] + i]. */
typedef struct {
    const float *g, *w;               /* [image][output pixel][n], [c][tap][n] */
    float *x;                         /* [image][pixel][c] */
    float *memory;                    /* for each task n planes and PLANE_ROOM more, all zero */
    const int64_t *shift_t;
    int64_t images, tasks, taps, n, c;
    int64_t out_height, out_width, height, width;
    int64_t line, plane;              /* floats of a line of a frame, and of a plane */
    int64_t first, step_y, step_x;    /* where the outputs have their places */
} Few;

enum { FEW_VECTORS = 8, PLANE_ROOM = FEW_VECTORS * 16 };

#define PATH_TEMPLATE "convolution_path.h"
#include "for_each_isa.h"

TASKS(spread)
TASKS(few)

#endif
