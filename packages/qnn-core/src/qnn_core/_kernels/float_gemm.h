/* Sums of products of floats, each one chain of fused multiply-adds in the order of its terms.
 *
 *     c[r][j] = sum over t of a[a_row[r] + a_term[t]] * b[t][j]
 *
 * The tables of offsets let one loop serve all products of a training step: of matrices in any
 * orientation, and of the patches of images, which need never be laid out.
 */
#ifndef QNN_FLOAT_GEMM_H
#define QNN_FLOAT_GEMM_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "isa.h"

enum {
    SUM_TERMS = 128, /* of a panel, at a time: they fit in the first-level cache */
    SUM_ROWS = 60    /* of a task: a multiple of the rows of a tile */
};

typedef struct {
    const float *a;
    const int64_t *a_row, *a_term;
    const float *b;
    int64_t b_stride; /* from one term to the next */
    int64_t b_panel;  /* from one panel of columns to the next */
    float *c;
    int64_t c_stride;
    int64_t rows, terms, columns;
    int affine;                    /* whether c = c * scale + bias in the end */
    const float *scale_j, *bias_j; /* NULL for 1 and for 0 */
} Sums;

/* Rows turned into panels of columns: panels[row / 64][k][row % 64] = from[row][k]. */
typedef struct {
    const float *from;
    float *panels;
    int64_t rows, k;
} Turn;

/* y[m][n] = (sum over k of x[m][k] * w[n][k]) * scale[n] + bias[n], with x turned into panels. */
typedef struct {
    const float *panels;
    const float *w, *scale_n, *bias_n; /* NULL for 1 and for 0 */
    float *y;
    int64_t m, n, k;
} Affine;

static const float ONES[PANEL] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                  1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
static const float ZEROS[PANEL] = {0};

#define PATH_TEMPLATE "float_gemm_path.h"
#include "for_each_isa.h"

TASKS(sums)
TASKS(turn)
TASKS(affine)

#endif
