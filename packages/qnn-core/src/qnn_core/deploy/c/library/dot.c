/*
 * Inputs as pairs of 16 bits, and weights that masks bring into such pairs: two products at a time,
 * of four outputs side by side.
 */
#if defined(__ARM_FEATURE_DSP)
#include <arm_acle.h>
#define PAIR(x, w, sum) __smlad((int16x2_t)(x), (int16x2_t)(w), sum)
#else
#define PAIR(x, w, sum) dot_pair(x, w, sum)
INLINE int32_t dot_pair(uint32_t x, uint32_t w, int32_t sum)
{
    return sum + (int16_t)(uint16_t)x * (int32_t)(w & 65535u)
        + (int16_t)(uint16_t)(x >> 16) * (int32_t)(w >> 16);
}
#endif

typedef struct {
    Decision decision;
    const FLASH uint32_t *weights; /* codes: for four outputs after four, a word of each in turn */
//if dot_table
    const FLASH int16_t *table;    /* what each input enters with; or none */
//end
    int32_t first, step;           /* weight = first + step * code */
    int places, k, outputs;        /* rows of inputs, inputs and outputs of each */
    int words;                     /* of an output */
    uint8_t bits;                  /* of a code: 4 or 8 */
    uint8_t input_offset;          /* taken off an input, where there is no table */
    uint8_t looks;                 /* 1 if there is a table */
    uint8_t decides;               /* 1 if the result is codes, 0 if it is the sums */
} Dot;

INLINE int32_t dot_input(const FLASH Dot *l, unsigned x)
{
//if dot_table
    if (l->looks) return l->table[x];
//end
    return (int32_t)x - l->input_offset;
}

/* The inputs of a row in pairs, with zeros up to whole words of weights; returns their sum. */
INLINE int32_t dot_pairs(const FLASH Dot *l, const uint8_t *x, uint32_t *pairs)
{
    const int count = l->words * (l->bits == 4 ? 4 : 2);
    int32_t all = 0;
    int i;
    for (i = 0; i < l->k >> 1; i++, x += 2) {
        const int32_t a = dot_input(l, x[0]), b = dot_input(l, x[1]);
        all += a + b;
        *pairs++ = ((uint32_t)a & 65535u) | (uint32_t)b << 16;
    }
    if (l->k & 1) {
        const int32_t a = dot_input(l, x[0]);
        all += a;
        *pairs++ = (uint32_t)a & 65535u;
        i++;
    }
    for (; i < count; i++) *pairs++ = 0;
    return all;
}

//if dot4
APART void dot_of_4(const uint32_t *x, const FLASH uint32_t *w, const uint32_t *end, int32_t *y)
{
    /* Not known to the compiler: with a register a mask and a shift are one instruction. */
    const uint32_t mask = *end;
    int32_t a = 0, b = 0, c = 0, d = 0;
    do {
        const uint32_t p = x[0], q = x[1], r = x[2], s = x[3];
        uint32_t v;
        v = w[0];
        a = PAIR(p, v & mask, a);
        a = PAIR(q, v >> 4 & mask, a);
        a = PAIR(r, v >> 8 & mask, a);
        a = PAIR(s, v >> 12 & mask, a);
        v = w[1];
        b = PAIR(p, v & mask, b);
        b = PAIR(q, v >> 4 & mask, b);
        b = PAIR(r, v >> 8 & mask, b);
        b = PAIR(s, v >> 12 & mask, b);
        v = w[2];
        c = PAIR(p, v & mask, c);
        c = PAIR(q, v >> 4 & mask, c);
        c = PAIR(r, v >> 8 & mask, c);
        c = PAIR(s, v >> 12 & mask, c);
        v = w[3];
        d = PAIR(p, v & mask, d);
        d = PAIR(q, v >> 4 & mask, d);
        d = PAIR(r, v >> 8 & mask, d);
        d = PAIR(s, v >> 12 & mask, d);
        x += 4;
        w += 4;
    } while (x != end);
    y[0] = a;
    y[1] = b;
    y[2] = c;
    y[3] = d;
}
//end

//if dot8
APART void dot_of_8(const uint32_t *x, const FLASH uint32_t *w, const uint32_t *end, int32_t *y)
{
    int32_t a = 0, b = 0, c = 0, d = 0;
    do {
        const uint32_t e = w[0], f = w[1], g = w[2], h = w[3];
        uint32_t v = x[0];
        a = PAIR(v, e & 0xff00ffu, a);
        b = PAIR(v, f & 0xff00ffu, b);
        c = PAIR(v, g & 0xff00ffu, c);
        d = PAIR(v, h & 0xff00ffu, d);
        v = x[1];
        a = PAIR(v, e >> 8 & 0xff00ffu, a);
        b = PAIR(v, f >> 8 & 0xff00ffu, b);
        c = PAIR(v, g >> 8 & 0xff00ffu, c);
        d = PAIR(v, h >> 8 & 0xff00ffu, d);
        x += 2;
        w += 4;
    } while (x != end);
    y[0] = a;
    y[1] = b;
    y[2] = c;
    y[3] = d;
}
//end
#undef PAIR

STEP void dot(const FLASH Dot *l, const uint8_t *x, void *result, uint8_t *work)
{
    uint32_t *const pairs = (uint32_t *)(void *)work;
    const uint32_t *const end = pairs + l->words * (l->bits == 4 ? 4 : 2);
    int32_t at = 0;
    int place, n, i;
    pairs[end - pairs] = 0xf000fu;
    for (place = 0; place < l->places; place++, at += l->outputs, x += l->k) {
        const FLASH uint32_t *w = l->weights;
        const uint32_t more = (uint32_t)dot_pairs(l, x, pairs) * (uint32_t)l->first;
        for (n = 0; n < l->outputs; n += 4, w += 4 * l->words) {
            int32_t y[4];
//if dot4
            if (l->bits == 4) dot_of_4(pairs, w, end, y);
//end
//if dot8
            if (l->bits == 8) dot_of_8(pairs, w, end, y);
//end
            for (i = 0; i < 4 && n + i < l->outputs; i++) {
                const int32_t v = turned_sum(
                    &l->decision, (int32_t)((uint32_t)y[i] * (uint32_t)l->step + more),
                    (unsigned)(n + i)
                );
                if (l->decides)
                    ((uint8_t *)result)[at + n + i] = decided(&l->decision, v, (unsigned)(n + i));
                else ((int32_t *)result)[at + n + i] = v;
            }
        }
    }
}
