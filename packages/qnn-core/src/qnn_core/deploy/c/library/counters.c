/*
 * Bit-sliced counters: a word is one bit of the weights of 32 outputs, and word s of 32 counters is
 * bit s of all of them. Words of the inputs that are listed are added by carry-save adders, plane p
 * of the weights and bit b of the inputs from slice p + b on.
 */
typedef struct {
    Decision decision;
    const FLASH uint32_t *weights; /* for 32 outputs after 32, for each plane: k words and one of 0 */
//if counters_table
    const FLASH uint8_t *table;    /* what each input enters with, less the least; or none */
//end
//if counters_base
    const FLASH int32_t *base;     /* added to the sums of an output; or none */
//end
//if counters_bits
    const FLASH uint32_t *start;   /* counters begin at minus the thresholds, plus an offset; or none */
    const FLASH uint32_t *turned;  /* outputs that are 1 below their threshold */
    int32_t offset;
    uint8_t twice;                 /* 2 * counts are compared with so many times the listed inputs */
//end
    int32_t first, step;           /* weight = first + step * code */
    int places, k, outputs;        /* rows of inputs, inputs and outputs of each */
    int block;                     /* inputs that are listed at a time */
    uint8_t planes, bits, slices;  /* of a weight's code, of an input, of a counter */
    uint8_t decides;               /* 1 if the result is codes, 0 if it is the sums */
} Counters;

INLINE unsigned counters_bit(const FLASH Counters *l, unsigned x, unsigned bit)
{
//if counters_table
    if (l->table) x = l->table[x];
//end
    return l->bits == 1 ? x : x >> bit & 1u;
}

/* Lists inputs with a bit that is set, in bytes of words; up to a multiple of 8 that of the word 0. */
INLINE int counters_list(
    const FLASH Counters *l, const uint8_t *x, int from, int to, unsigned bit, uint16_t *list
)
{
    const unsigned end = 4u * (unsigned)to;
    unsigned at = 4u * (unsigned)from;
    uint16_t *p = list;
    int n;
    for (; end - at >= 16; at += 16, x += 4) {
        *p = (uint16_t)at;
        p += counters_bit(l, x[0], bit);
        *p = (uint16_t)(at + 4);
        p += counters_bit(l, x[1], bit);
        *p = (uint16_t)(at + 8);
        p += counters_bit(l, x[2], bit);
        *p = (uint16_t)(at + 12);
        p += counters_bit(l, x[3], bit);
    }
    for (; at != end; at += 4) {
        *p = (uint16_t)at;
        p += counters_bit(l, *x++, bit);
    }
    n = (int)(p - list);
    while ((p - list) & 7) *p++ = (uint16_t)(4u * (unsigned)l->k);
    return n;
}

/* The sum of three bits is `low` and twice `high`; `high` may be one of them, `low` too. */
#define ADD3(high, low, x, y, z) \
    do { \
        const uint32_t x_ = (x), y_ = (y), z_ = (z), u_ = x_ ^ y_; \
        (high) = (x_ & y_) | (u_ & z_); \
        (low) = u_ ^ z_; \
    } while (0)
#define WORD(i) (*(const FLASH uint32_t *)(const FLASH void *)((const FLASH uint8_t *)w + p[i]))

/* Adds the words of a list, 8 at a time, to counters. */
APART void counters_add(
    const FLASH uint32_t *w, const uint16_t *p, const uint16_t *end, uint32_t *c
)
{
    uint32_t ones = c[0], twos = c[1], fours = c[2];
    for (; p != end; p += 8) {
        uint32_t a, b, d, e;
        uint32_t *next = c + 3;
        ADD3(a, ones, ones, WORD(0), WORD(1));
        ADD3(b, ones, ones, WORD(2), WORD(3));
        ADD3(d, twos, twos, a, b);
        ADD3(a, ones, ones, WORD(4), WORD(5));
        ADD3(b, ones, ones, WORD(6), WORD(7));
        ADD3(e, twos, twos, a, b);
        ADD3(a, fours, fours, d, e);
        while (a) {
            const uint32_t v = *next;
            *next++ = v ^ a;
            a &= v;
        }
    }
    c[0] = ones;
    c[1] = twos;
    c[2] = fours;
}
#undef ADD3
#undef WORD

//if counters_sums
/* 16 slices of 32 counters as numbers: bits transposed in halves, quarters, ... */
APART void counters_numbers(const uint32_t *c, int slices, int32_t *y, unsigned shift)
{
    uint32_t a[16];
    uint32_t mask = 0xff00ffu;
    int i, step;
    for (i = 0; i < 16; i++) a[i] = i < slices ? c[i] : 0;
    for (step = 8; step; step >>= 1) {
        for (i = 0; i < 16; i = (i + step + 1) & ~step) {
            const uint32_t t = (a[i] >> step ^ a[i + step]) & mask;
            a[i + step] ^= t;
            a[i] ^= t << step;
        }
        mask ^= mask << (step >> 1);
    }
    for (i = 0; i < 16; i++) {
        y[i] += (int32_t)((a[i] & 65535u) << shift);
        y[i + 16] += (int32_t)(a[i] >> 16 << shift);
    }
}
//end

//if counters_bits
/* Outputs of one bit: where counters are not below a number. */
INLINE void counters_compare(
    const FLASH Counters *l, const uint32_t *c, uint32_t number, uint32_t turned, uint8_t *y, int n
)
{
    uint32_t less = 0, result;
    int i;
    for (i = 0; i < l->slices; i++) {
        const uint32_t b = 0u - (number >> i & 1u);
        less = (~c[i] & b) | (~(c[i] ^ b) & less);
    }
    result = ~less ^ turned;
    for (i = n; i >= 4; i -= 4, y += 4, result >>= 4) {
        y[0] = (uint8_t)(result & 1u);
        y[1] = (uint8_t)(result >> 1 & 1u);
        y[2] = (uint8_t)(result >> 2 & 1u);
        y[3] = (uint8_t)(result >> 3 & 1u);
    }
    for (; i > 0; i--, result >>= 1) *y++ = (uint8_t)(result & 1u);
}
//end

STEP void counters(const FLASH Counters *l, const uint8_t *x, void *result, uint8_t *work)
{
    const int groups = (l->outputs + 31) >> 5;
    uint32_t *const all_counters = (uint32_t *)(void *)work;
    uint16_t *const list = (uint16_t *)(void *)(all_counters + groups * l->slices);
    int32_t at = 0;
    int place, i, j;
    for (place = 0; place < l->places; place++, at += l->outputs) {
        uint32_t all = 0;
        uint32_t *c = all_counters;
        int from, to;
//if counters_bits
        if (l->start) {
            for (i = 0; i < groups * l->slices; i++) c[i] = l->start[i];
        } else
//end
            for (i = 0; i < groups * l->slices; i++) c[i] = 0;
        for (from = 0; from < l->k; x += to - from, from = to) {
            unsigned bit;
            to = l->k - from < l->block ? l->k : from + l->block;
            for (bit = 0; bit < l->bits; bit++) {
                const FLASH uint32_t *w = l->weights;
                const int n = counters_list(l, x, from, to, bit, list);
                const uint16_t *const end = list + ((n + 7) & ~7);
                all += (uint32_t)n << bit;
                c = all_counters + bit;
//if counters_bits
                if (l->start && l->twice) c++;
//end
                for (i = 0; i < groups; i++, c += l->slices)
                    for (j = 0; j < l->planes; j++, w += l->k + 1) counters_add(w, list, end, c + j);
            }
        }
        (void)all;
        c = all_counters;
//if counters_bits
        if (l->start) {
            const uint32_t number = all * l->twice + (uint32_t)l->offset;
            for (i = 0; i < groups; i++, c += l->slices)
                counters_compare(
                    l, c, number, l->turned[i], (uint8_t *)result + at + 32 * i,
                    l->outputs - 32 * i < 32 ? l->outputs - 32 * i : 32
                );
            continue;
        }
//end
//if counters_sums
        for (i = 0; i < groups; i++, c += l->slices) {
            int32_t y[32];
            for (j = 0; j < 32; j++) y[j] = 0;
            counters_numbers(c, l->slices, y, 0);
            if (l->slices > 16) counters_numbers(c + 16, l->slices - 16, y, 16);
            for (j = 0; j < 32 && 32 * i + j < l->outputs; j++) {
                const int n = 32 * i + j;
                int32_t v = y[j];
//if counters_scaled
                v = (int32_t)((uint32_t)v * (uint32_t)l->step + all * (uint32_t)l->first);
//end
//if counters_base
                if (l->base) v += l->base[n];
//end
                v = turned_sum(&l->decision, v, (unsigned)n);
                if (l->decides) ((uint8_t *)result)[at + n] = decided(&l->decision, v, (unsigned)n);
                else ((int32_t *)result)[at + n] = v;
            }
        }
//end
    }
}
