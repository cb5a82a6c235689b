/* Sums over rows for each channel, and maps of rows by constants of their channels.
 *
 * Channels lie side by side. So many rows are taken at a time (`ways`) that the loops are long
 * whatever the number of channels: sums are taken in as many ways. A task is a piece of the rows,
 * whose bounds follow from the shape alone; ways, and then pieces, are added up in order, in double.
 * So results depend neither on the path nor on who does which piece.
 */
#ifndef QNN_CHANNELS_H
#define QNN_CHANNELS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "isa.h"

typedef struct {
    const float *x, *g;
    float *y;
    int64_t rows, c, ways, piece;  /* rows of a piece: a multiple of ways */
    const float *constant[4];      /* each [ways][c]: those of a row, repeated */
    float *memory;                 /* of each piece: three times [ways][c] */
    double *part[2];               /* of each piece: [c] */
    int relu;                      /* whether what is normalized is then max(y, 0) */
    const float *kept;             /* that, on the way back: g counts where it is above 0; else NULL */
} Channels;

static inline int64_t pieces_of(const Channels *f) { return (f->rows + f->piece - 1) / f->piece; }

/* part[c] = the sum over ways of sum[way][c]. */
static inline void fold(const Channels *f, const float *sum, double *part)
{
    for (int64_t c = 0; c < f->c; c++) part[c] = sum[c];
    for (int64_t w = 1; w < f->ways; w++)
        for (int64_t c = 0; c < f->c; c++) part[c] += sum[w * f->c + c];
}

#define PATH_TEMPLATE "channels_path.h"
#include "for_each_isa.h"

TASKS(channel_sums)
TASKS(channel_moments)
TASKS(channel_products)
TASKS(normalize)
TASKS(normalize_backward)

#endif
