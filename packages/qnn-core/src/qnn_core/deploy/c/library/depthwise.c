/*
 * A convolution of which every output channel has one input channel. The channel is copied with its
 * padding, and 2 x 2 sums at a time share weights and loads.
 */
typedef struct {
    Decision decision;
    const FLASH int8_t *weights; /* of a channel after the other, row by row */
//if depthwise_base
    const FLASH int32_t *base;   /* added to the sums of a channel; or none */
//end
//if depthwise_table
    const FLASH uint8_t *table;  /* what each input enters with, less the least; or none */
//end
    uint8_t outside;             /* what padding enters with */
    uint8_t decides;             /* 1 if the result is codes, 0 if it is the sums */
    uint16_t frame_y, frame_x;   /* rows and columns of the copy */
    uint16_t taps_bytes;         /* of the weights of a channel in scratch memory */
    uint8_t blocks;              /* of a row */
    int height, width, channels; /* of the input */
    int rows, columns, outputs;  /* of the result */
    int inputs, each;            /* channels of a group: 1, and of the result */
    uint8_t kernel_y, kernel_x, stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x;
    uint8_t pool_y, pool_x, pool_stride_y, pool_stride_x;
} Depthwise;

/* The inputs of a channel in their frame. */
INLINE void depthwise_copy(const FLASH Depthwise *l, const uint8_t *x, uint8_t *to)
{
    const int left = l->padding_x, inside = l->width < l->frame_x - left ? l->width : l->frame_x - left;
    int y, i;
    for (y = 0; y < l->frame_y; y++) {
        const int at = y - l->padding_y;
        const uint8_t *from = x + (int32_t)at * l->width * l->channels;
        const int some = at >= 0 && at < l->height ? inside : 0;
        if (some) {
            for (i = 0; i < left; i++) *to++ = l->outside;
            for (i = 0; i < some; i++) {
                uint8_t v = *from;
                from += l->channels;
//if depthwise_table
                if (l->table) v = l->table[v];
//end
                *to++ = v;
            }
            for (i = left + some; i < l->frame_x; i++) *to++ = l->outside;
        } else
            for (i = 0; i < l->frame_x; i++) *to++ = l->outside;
    }
}

//if depthwise_3x3
#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#endif
//end

#if defined(__ARM_ARCH_6M__) || !MULTIPLIES
typedef const volatile uint8_t Cells; /* loads cost less than registers to keep what they got */
#else
typedef const uint8_t Cells;
#endif

#if MULTIPLIES
typedef int32_t Tap;

INLINE void depthwise_taps(const FLASH Depthwise *l, const FLASH int8_t *w, Tap *taps)
{
    int i;
    for (i = 0; i < l->kernel_y * l->kernel_x; i++) taps[i] = w[i];
}

//if depthwise_3x3
#if defined(__ARM_FEATURE_DSP)
/* Two products of 16 bits at once: a row of weights is the first and the last, then the middle one. */
APART void depthwise_3x3(
    const uint8_t *x, int width, const Tap *w, int32_t base, int32_t *y, int32_t *z,
    const int32_t *end
)
{
    int32_t taps[6], i;
    for (i = 0; i < 3; i++, w += 3) {
        taps[2 * i] = (int32_t)(((uint32_t)w[0] & 65535u) | (uint32_t)w[2] << 16);
        taps[2 * i + 1] = w[1];
    }
    do {
        int32_t a = base, b = base, c = base, d = base;
        const uint8_t *p = x;
        uint32_t v;
        int16x2_t even, odd;
#define NEXT_ROW \
    __builtin_memcpy(&v, p, 4); \
    p += width; \
    even = (int16x2_t)__uxtb16((uint8x4_t)v); \
    odd = (int16x2_t)__uxtb16((uint8x4_t)(v >> 8 | v << 24));
#define UPPER(i) \
    a = __smlabb(odd, taps[i + 1], __smlad(even, taps[i], a)); \
    b = __smlatb(even, taps[i + 1], __smlad(odd, taps[i], b));
#define LOWER(i) \
    c = __smlabb(odd, taps[i + 1], __smlad(even, taps[i], c)); \
    d = __smlatb(even, taps[i + 1], __smlad(odd, taps[i], d));
        NEXT_ROW
        UPPER(0)
        NEXT_ROW
        UPPER(2)
        LOWER(0)
        NEXT_ROW
        UPPER(4)
        LOWER(2)
        NEXT_ROW
        LOWER(4)
#undef NEXT_ROW
#undef UPPER
#undef LOWER
        x += 2;
        y[0] = a;
        y[1] = b;
        z[0] = c;
        z[1] = d;
        y += 2;
        z += 2;
    } while (y != end);
}
#else
/* Sums of 3 x 3 products, for two rows: `y` and `z`; rows of the frame are `width` apart. */
APART void depthwise_3x3(
    Cells *x, int width, const Tap *w, int32_t base, int32_t *y, int32_t *z, const int32_t *end
)
{
    do {
        int32_t a = base, b = base, c = base, d = base, v;
        Cells *p = x, *q = p + width;
#define ROW(i) \
    v = w[i]; \
    a += p[0] * v; \
    b += p[1] * v; \
    c += q[0] * v; \
    d += q[1] * v; \
    v = w[i + 1]; \
    a += p[1] * v; \
    b += p[2] * v; \
    c += q[1] * v; \
    d += q[2] * v; \
    v = w[i + 2]; \
    a += p[2] * v; \
    b += p[3] * v; \
    c += q[2] * v; \
    d += q[3] * v;
        ROW(0)
        p = q;
        q += width;
        ROW(3)
        p = q;
        q += width;
        ROW(6)
#undef ROW
        x += 2;
        y[0] = a;
        y[1] = b;
        z[0] = c;
        z[1] = d;
        y += 2;
        z += 2;
    } while (y != end);
}
#endif
//end

//if depthwise_any
/* The sums of 2 x 2 windows, neighbours by the stride, for a row of blocks. */
INLINE void depthwise_any(
    const FLASH Depthwise *l, const uint8_t *x, const Tap *w, int32_t base, int32_t *y,
    int32_t *z, const int32_t *end
)
{
    const int down = l->stride_y * l->frame_x, line = l->dilation_y * l->frame_x;
    for (; y != end; y += 2, z += 2, x += 2 * l->stride_x) {
        int32_t a = base, b = base, c = base, d = base;
        const uint8_t *q = x;
        const Tap *v = w;
        int ky, kx;
        for (ky = 0; ky < l->kernel_y; ky++, q += line) {
            const uint8_t *p = q;
            for (kx = 0; kx < l->kernel_x; kx++, p += l->dilation_x) {
                const int32_t t = *v++;
                a += p[0] * t;
                b += p[l->stride_x] * t;
                c += p[down] * t;
                d += p[down + l->stride_x] * t;
            }
        }
        y[0] = a;
        y[1] = b;
        z[0] = c;
        z[1] = d;
    }
}
//end

INLINE void depthwise_blocks(
    const FLASH Depthwise *l, const uint8_t *x, const Tap *taps, int32_t base, int32_t *y
)
{
    const int32_t *const end = y + 2 * l->blocks;
//if depthwise_3x3
    if (l->kernel_y == 3 && l->kernel_x == 3 && l->stride_y == 1 && l->stride_x == 1
        && l->dilation_y == 1 && l->dilation_x == 1) {
        depthwise_3x3(x, l->frame_x, taps, base, y, y + 2 * l->blocks, end);
        return;
    }
//end
//if depthwise_any
    depthwise_any(l, x, taps, base, y, y + 2 * l->blocks, end);
//end
}
#else
typedef int16_t Tap;

/*
 * A weight is a sum of powers of two, added and taken away, no two neighbours. From the highest
 * power down: where the inputs of a power are, from 1 on, times 2, and 1 if they are taken away; then 0.
 */

INLINE void depthwise_taps(const FLASH Depthwise *l, const FLASH int8_t *w, Tap *taps)
{
    int power, ky, kx;
    for (power = 8; power >= 0; power--) {
        const FLASH int8_t *p = w;
        for (ky = 0; ky < l->kernel_y; ky++) {
            int at = ky * l->dilation_y * l->frame_x;
            for (kx = 0; kx < l->kernel_x; kx++, at += l->dilation_x) {
                const int v = *p++, half = v >> 1, sum = v + half, digits = (half ^ sum) >> power;
                if (digits & 1) *taps++ = (Tap)(2 * at + 2 + (half >> power & 1));
            }
        }
        *taps++ = 0;
    }
}

INLINE void depthwise_sums(
    const uint8_t *x, int across, int down, const Tap *taps, int32_t *y, int32_t *z,
    const int32_t *end
)
{
    for (; y != end; y += 2, z += 2, x += 2 * across) {
        uint32_t a = 0, b = 0, c = 0, d = 0;
        const Tap *t = taps;
        int power = 8;
        for (;;) {
            int at;
            while ((at = *t++) != 0) {
                Cells *const p = x + (at >> 1), *const q = p + down;
                if (at & 1) {
                    a -= p[0];
                    b -= p[across];
                    c -= q[0];
                    d -= q[across];
                } else {
                    a += p[0];
                    b += p[across];
                    c += q[0];
                    d += q[across];
                }
            }
            if (power-- == 0) break;
            a <<= 1;
            b <<= 1;
            c <<= 1;
            d <<= 1;
        }
        y[0] = (int32_t)a;
        y[1] = (int32_t)b;
        z[0] = (int32_t)c;
        z[1] = (int32_t)d;
    }
}

//if depthwise_3x3
APART void depthwise_near(
    const uint8_t *x, int down, const Tap *taps, int32_t *y, int32_t *z, const int32_t *end
)
{
    depthwise_sums(x, 1, down, taps, y, z, end);
}
//end

INLINE void depthwise_blocks(
    const FLASH Depthwise *l, const uint8_t *x, const Tap *taps, int32_t base, int32_t *y
)
{
    int32_t *const z = y + 2 * l->blocks;
    int i;
//if depthwise_3x3
    if (l->kernel_y == 3 && l->kernel_x == 3 && l->stride_y == 1 && l->stride_x == 1
        && l->dilation_y == 1 && l->dilation_x == 1)
        depthwise_near(x - 1, l->frame_x, taps, y, z, z);
//if depthwise_any
    else
//end
//end
//if depthwise_any
        depthwise_sums(x - 1, l->stride_x, l->stride_y * l->frame_x, taps, y, z, z);
//end
    if (base)
        for (i = 0; i < 4 * l->blocks; i++) y[i] += base;
}
#endif

/* One output channel of an input channel that was copied. */
INLINE void depthwise_channel(
    const FLASH Depthwise *l, const uint8_t *frame, const Tap *taps, int32_t *sums, unsigned n,
    void *result
)
{
    const int step = l->pool_y == 1 ? 2 : 1; /* results of a block, along a side */
    int row, column, i;
    for (row = 0; row < l->rows; row += step) {
        const int32_t *y = sums;
        uint32_t at = (uint32_t)row * (unsigned)l->columns * (unsigned)l->outputs + n;
        int32_t base = 0;
//if depthwise_base
        if (l->base) base = l->base[n];
//end
        depthwise_blocks(
            l, frame + (int32_t)(row * (2 / step)) * l->stride_y * l->frame_x, taps, base, sums
        );
//if depthwise_pool
        if (l->pool_y == 2) {
            const int32_t *z = y + 2 * l->blocks;
            for (column = 0; column < l->columns; column++, y += 2, z += 2, at += (unsigned)l->outputs) {
                int32_t best = turned_sum(&l->decision, y[0], n), v;
                v = turned_sum(&l->decision, y[1], n);
                if (v > best) best = v;
                v = turned_sum(&l->decision, z[0], n);
                if (v > best) best = v;
                v = turned_sum(&l->decision, z[1], n);
                if (v > best) best = v;
                if (l->decides) ((uint8_t *)result)[at] = decided(&l->decision, best, n);
                else ((int32_t *)result)[at] = best;
            }
            continue;
        }
//end
        for (i = 0; i < 2 && row + i < l->rows; i++, y = sums + 2 * l->blocks)
            for (column = 0; column < l->columns; column++, at += (unsigned)l->outputs) {
                const int32_t v = turned_sum(&l->decision, *y++, n);
                if (l->decides) ((uint8_t *)result)[at] = decided(&l->decision, v, n);
                else ((int32_t *)result)[at] = v;
            }
    }
}

STEP void depthwise(const FLASH Depthwise *l, const uint8_t *x, void *result, uint8_t *work)
{
    int32_t *const sums = (int32_t *)(void *)work;
    Tap *const taps = (Tap *)(void *)(work + 16 * l->blocks);
    uint8_t *const frame = work + 16 * l->blocks + l->taps_bytes;
    const FLASH int8_t *w = l->weights;
    unsigned n = 0;
    int channel, i;
    for (channel = 0; channel < l->channels; channel++) {
        depthwise_copy(l, x + channel, frame);
        for (i = 0; i < l->each; i++, n++, w += l->kernel_y * l->kernel_x) {
            depthwise_taps(l, w, taps);
            depthwise_channel(l, frame, taps, sums, n, result);
        }
    }
}
