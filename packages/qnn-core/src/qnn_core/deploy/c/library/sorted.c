/*
 * Inputs sorted by value, four bits at a time: from the highest value down, sums of the weights met
 * so far are added to totals, which are sums of value * weight at the end. Additions only.
 */
typedef struct {
    Decision decision;
    const FLASH uint32_t *weights; /* codes of 4 bits: a word for each input, for 8 outputs after 8 */
//if sorted_table
    const FLASH uint8_t *table;    /* what each input enters with, less the least; or none */
//end
//if sorted_base
    const FLASH int32_t *base;     /* added to the sums of an output; or none */
//end
    int32_t first, step;           /* weight = first + step * code */
    int places, k, outputs;        /* rows of inputs, inputs and outputs of each */
    int block;                     /* inputs that are sorted at a time */
    uint8_t digits;                /* of four bits that an input has */
    uint8_t decides;               /* 1 if the result is codes, 0 if it is the sums */
} Sorted;

INLINE unsigned sorted_value(const FLASH Sorted *l, unsigned x)
{
//if sorted_table
    if (l->table) return l->table[x];
//end
    (void)l;
    return x;
}

/* Lists where the inputs of each value from 15 to 1 are, in bytes of weights; ends[v] is where v ends. */
INLINE uint32_t sorted_list(
    const FLASH Sorted *l, const uint8_t *x, int n, unsigned shift, uint16_t *list, uint16_t *ends
)
{
    const uint8_t *const end = x + n;
    const uint8_t *p;
    unsigned v, at = 0;
    uint32_t all = 0;
    for (v = 0; v < 16; v++) ends[v] = 0;
    for (p = x; p != end; p++) ends[sorted_value(l, *p) >> shift & 15u]++;
    for (v = 15; v > 0; v--) {
        const unsigned some = ends[v];
        all += (uint32_t)(some * v) << shift;
        ends[v] = (uint16_t)at;
        at += some;
    }
    for (p = x, at = 0; p != end; p++, at += 4) {
        v = sorted_value(l, *p) >> shift & 15u;
        if (v) list[ends[v]++] = (uint16_t)at;
    }
    return all;
}

/* Adds value * code for 8 outputs; 17 codes fit in the halves of a byte, after that in 16 bits. */
APART void sorted_sums(
    const FLASH uint32_t *w, const uint16_t *p, const uint16_t *ends, const uint16_t *last,
    unsigned shift, int32_t *y
)
{
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, t0 = 0, t1 = 0, t2 = 0, t3 = 0;
    const uint16_t *const list = p;
    for (; last != ends; last--) {
        const uint16_t *const end = list + *last;
        while (p != end) {
            const uint16_t *const stop = end - p > 17 ? p + 17 : end;
            uint32_t even = 0, odd = 0;
            do {
                const uint32_t v
                    = *(const FLASH uint32_t *)(const FLASH void *)((const FLASH uint8_t *)w + *p++);
                even += v & 0xf0f0f0fu;
                odd += v >> 4 & 0xf0f0f0fu;
            } while (p != stop);
            s0 += even & 0xff00ffu;
            s2 += even >> 8 & 0xff00ffu;
            s1 += odd & 0xff00ffu;
            s3 += odd >> 8 & 0xff00ffu;
        }
        t0 += s0;
        t1 += s1;
        t2 += s2;
        t3 += s3;
    }
    y[0] += (int32_t)((t0 & 65535u) << shift);
    y[1] += (int32_t)((t1 & 65535u) << shift);
    y[2] += (int32_t)((t2 & 65535u) << shift);
    y[3] += (int32_t)((t3 & 65535u) << shift);
    y[4] += (int32_t)(t0 >> 16 << shift);
    y[5] += (int32_t)(t1 >> 16 << shift);
    y[6] += (int32_t)(t2 >> 16 << shift);
    y[7] += (int32_t)(t3 >> 16 << shift);
}

STEP void sorted(const FLASH Sorted *l, const uint8_t *x, void *result, uint8_t *work)
{
    const int groups = (l->outputs + 7) >> 3;
    int32_t *const sums = (int32_t *)(void *)work;
    uint16_t *const ends = (uint16_t *)(void *)(work + 32 * groups);
    uint16_t *const list = ends + 16;
    int32_t at = 0;
    int place, i;
    for (place = 0; place < l->places; place++, at += l->outputs) {
        uint32_t all = 0;
        int from, some;
        for (i = 0; i < 8 * groups; i++) sums[i] = 0;
        for (from = 0; from < l->k; from += some, x += some) {
            unsigned shift;
            some = l->k - from < l->block ? l->k - from : l->block;
            for (shift = 0; shift < 4u * l->digits; shift += 4) {
                const FLASH uint32_t *w = l->weights + from;
                all += sorted_list(l, x, some, shift, list, ends);
                for (i = 0; i < groups; i++, w += l->k)
                    sorted_sums(w, list, ends, ends + 15, shift, sums + 8 * i);
            }
        }
        (void)all;
        for (i = 0; i < l->outputs; i++) {
            int32_t y = sums[i];
//if sorted_scaled
            y = (int32_t)((uint32_t)y * (uint32_t)l->step + all * (uint32_t)l->first);
//end
//if sorted_base
            if (l->base) y += l->base[i];
//end
            y = turned_sum(&l->decision, y, (unsigned)i);
            if (l->decides) ((uint8_t *)result)[at + i] = decided(&l->decision, y, (unsigned)i);
            else ((int32_t *)result)[at + i] = y;
        }
    }
}
