/* The gradients of a convolution of finite numbers, by those of its outputs that are not zero.
 *
 * Behind a maximum of pixels and a relu few of them are: of one in four at most, half. Each number is
 * the chain of fused multiply-adds that `convolution.h` and `float_gemm.h` say, without the terms that
 * are zero. A window is made of runs: numbers that lie side by side in an image with its padding, and
 * are taken in vectors; what is read beyond the end of a run is not written.
 */
#ifndef QNN_SPARSE_WINDOWS_H
#define QNN_SPARSE_WINDOWS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "isa.h"

enum {
    WIDEST = 16,       /* numbers: rows of runs are padded to whole vectors of any path */
    GROUP = 16,        /* outputs of a task */
    SOME_PIXELS = 64,  /* whose terms are collected at a time */
    AT_ONCE = 8        /* vectors: enough chains to hide their latency */
};

/* A gradient that is not zero, and where what it is multiplied by begins. */
typedef struct {
    int64_t at;
    float g;
} Term;

static inline int64_t whole_run(int64_t run) { return (run + WIDEST - 1) / WIDEST * WIDEST; }

typedef struct {
    const float *g, *x;     /* [pixel][n]; images with their padding, and WIDEST numbers behind */
    float *sum;             /* [part][n][run][whole_run] */
    const int64_t *pixel_p; /* where the window of each pixel begins, of all images */
    const int64_t *run_r;   /* where in a window each run begins */
    int64_t pixels, n, runs, run, parts;
} ToWeight;

typedef struct {
    const float *g, *w;     /* [image][pixel][n]; [run][n][whole_run] */
    float *x;               /* [image][height][width][c] */
    const int64_t *pixel_p; /* of one image, with its padding */
    const int64_t *run_r;
    int64_t images, tasks, n, runs, run;
    int64_t out_height, out_width, height, width, c, pad_y, pad_x;
    float *frames;          /* an image with its padding, and WIDEST numbers behind, for each task */
    Term *terms;            /* [task][pixel][n] */
    int32_t *counts;        /* [task][pixel] */
} ToInput;

static inline int64_t frame_of(const ToInput *s)
{
    return (s->height + 2 * s->pad_y) * (s->width + 2 * s->pad_x) * s->c + WIDEST;
}

#define PATH_TEMPLATE "sparse_windows_path.h"
#include "for_each_isa.h"

TASKS(to_weight)
TASKS(to_input)

#endif
