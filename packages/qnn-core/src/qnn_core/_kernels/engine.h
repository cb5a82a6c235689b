/* The engine's data: what the steps of a program are, and the table of functions of a path.
 *
 * Rows are samples. A step reads a block of rows from one buffer and writes it to another, so that
 * what lies between two layers stays in the cache. Windows read whole images, a buffer
 * whose rows have a stride of 0. Weights lie in panels of 64 columns, "lane =
 * output column": no sums across lanes, and zeros as padding instead of masks.
 */
#ifndef QNN_ENGINE_H
#define QNN_ENGINE_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "isa.h"
#include "search.h"

enum { BLOCK_ROWS = 64, MAX_FEW = 16, MOST_PLANES = 8, QUARTER = PANEL / 4, HALF = PANEL / 2 };

/* What a row of a buffer holds. */
enum {
    ROW_FLOAT,  /* float32 */
    ROW_BITS,   /* planes of bits, low bit first, each of an even number of 32-bit words */
    ROW_UINT8,  /* elements above the least one, padded to a multiple of 64 */
    ROW_INT16   /* elements, padded likewise */
};

/* How a product is computed; a word is 32 bits of weights of one column. */
enum {
    KIND_AND,      /* bit planes: popcount(x & w), 32 k a word */
    KIND_TERNARY,  /* planes mask and sign: popcount(mask & (x ^ sign)) */
    KIND_INT8,     /* unsigned times signed bytes, 4 k a word */
    KIND_INT16,    /* 2 k a word */
    KIND_FLOAT,    /* 1 k a word */
    KIND_TABLE     /* float times a code of 4 bits that names a level, 8 k a word */
};

typedef struct {
    int32_t kind, x_bits, w_bits;
    int64_t k, n;
    const void *panels;     /* [panel][plane][word][64] */
    const float *levels;    /* of KIND_TABLE: 16 */
    int32_t alpha;          /* sum = alpha * raw + row_factor * total of the row + offset_n */
    int32_t row_factor;
    const int32_t *offset_n; /* these three are padded to whole panels */
    const float *scale_n;   /* y = sum * scale_n + bias_n */
    const float *bias_n;
} Product;

/* A number becomes a code, the count of thresholds that are not above it, and that an element. */
typedef struct {
    int32_t format;             /* of the elements: ROW_BITS, ROW_UINT8 or ROW_INT16 */
    int32_t bits, count;        /* of the code, of the thresholds */
    const int32_t *sum_tn;      /* thresholds on sums, a row for each, padded to whole panels */
    const int32_t *flip_n;      /* or-ed exclusively into sums first; NULL for none */
    const float *float_t;       /* thresholds on floats, between -inf and NaN */
    float per_step;             /* 1 / distance of even float thresholds, else 0 */
    Search search;              /* among many uneven ones */
    int32_t base;               /* element of code 0 */
    const int32_t *gain_t;      /* what each threshold adds to it */
    const int16_t *element_l;   /* element of each code; NULL if that is the code itself */
    int32_t elements;           /* how many there are */
    /* Where thresholds on sums are many: min(max(sum * slope + start, 0), count), rounded down, is
     * the code, exactly in double; NULL where they are counted. Thresholds are searched in the
     * columns where `searched` is 1, of `rows`, the last of which nothing reaches. */
    const double *slope_n, *start_n;
    const uint8_t *searched_n;
    int32_t rows;
    int32_t gain;               /* what each threshold adds to an element, if that is the same for all, else 0 */
} Requantizer;

/* One operation on floats with a constant for each column. */
enum { CHAIN_ADD, CHAIN_SUB, CHAIN_RSUB, CHAIN_MUL, CHAIN_DIV, CHAIN_RDIV, CHAIN_MIN, CHAIN_MAX,
       CHAIN_TANH, CHAIN_SIGMOID };

typedef struct {
    int32_t op;
    const float *constant_n; /* padded to whole panels */
} Link;

/* Windows on images, channels last: one for each output pixel, whose rows are its patches. */
typedef struct {
    int64_t height, width, out_width, out_height;
    int64_t kernel_y, kernel_x, stride_y, stride_x, pad_y, pad_x, step_y, step_x;
    int64_t pixel;      /* bytes of a pixel of a plane */
    int64_t plane;      /* of a plane of an image: its planes lie one after the other */
    int64_t tail;       /* zeros after each plane of a patch */
    int32_t planes;     /* a patch holds all of one, then all of the next */
    uint8_t fill[MOST_PLANES]; /* the bytes of a plane outside of the image */
} Windows;

enum { STEP_ENCODE, STEP_LAYOUT, STEP_PRODUCT, STEP_CHAIN, STEP_GATHER, STEP_DEPTHWISE };

typedef struct {
    int32_t op, source, target; /* buffers */
    int32_t out;                /* of a product: what its rows become */
    int64_t n;                  /* columns, of an encoder, a layout or a chain */
    Product product;
    Requantizer requantizer;
    Windows windows;
    int32_t links;
    Link *link;
} Step;

typedef struct {
    char *data;
    size_t stride;
} Buffer;

typedef struct {
    const char *name;
    /* Run a step on at most BLOCK_ROWS rows, from `row` on; return how many numbers to encode were
     * not finite. */
    int64_t (*step)(const Step *, Buffer source, Buffer target, int64_t row, int rows);
    void (*prepack_weights)(void *context, int64_t task);
    int k_per_int_word; /* 4 where bytes are multiplied, 2 where int16 */
} Path;

/* Weights on their way into panels. */
typedef struct {
    const uint8_t *codes;  /* [n][k] */
    int64_t n, words;      /* of a plane, without padding */
    Step layout;           /* of a row of k codes */
    int planes;
    size_t stride, plane_words; /* of a laid out row, in bytes and words */
    char *memory;          /* of PANEL rows for each panel */
    uint32_t *panels;      /* [panel][plane][word][64] */
    int32_t *sum_np;       /* the ones of each plane, or the sum of the signed bytes */
} Weigh;

static inline size_t plane_words(int64_t n) { return 2 * (size_t)((n + 63) / 64); }
static inline int64_t padded(int64_t n) { return (n + 63) / 64 * 64; }

#endif
