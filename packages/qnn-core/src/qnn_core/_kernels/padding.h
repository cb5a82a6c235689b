/* Images with zeros around them, channels last: of values, or of codes that a table says the values of. */
#ifndef QNN_PADDING_H
#define QNN_PADDING_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "isa.h"

typedef struct {
    const float *x;          /* [image][height][width][c]; NULL where codes are given */
    const uint8_t *code;     /* of the same shape */
    const float *table;      /* of `entries` values, one for each code */
    int entries;
    float *y;                /* [image][height + 2 pad_y][width + 2 pad_x][c] */
    int64_t height, width, c, pad_y, pad_x;
} Padding;

#define PATH_TEMPLATE "padding_path.h"
#include "for_each_isa.h"

TASKS(pad)

#endif
