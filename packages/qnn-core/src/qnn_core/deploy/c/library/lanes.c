/*
 * A word holds the weights of several outputs for one input: a multiplication makes the products of
 * two of them, 16 bits apart. Inputs that are 0 are passed over.
 */
typedef struct {
    Decision decision;
    const FLASH uint32_t *weights; /* codes: a word for each input, some outputs after the others */
//if lanes_table
    const FLASH int16_t *table; /* what each input enters with; or none */
//end
    int32_t rest, step, zero; /* weight = rest + step * (code - zero) */
    uint8_t bits;          /* of a code: 2, 4, or 8 */
    uint8_t input_offset;  /* taken off an input, where there is no table */
    uint8_t looks;         /* 1 if there is a table */
    uint8_t decides;       /* 1 if the result is codes, 0 if it is the sums */
    uint8_t joined;        /* 1 if the inputs of a row of a window lie side by side */
    int block;             /* inputs whose sums 16 bits hold; 0 for all of them */
    int k;                 /* words for the same outputs */
    int height, width, channels; /* of the input */
    int rows, columns, outputs;  /* of the result */
    int inputs, each;            /* channels of a group: of the input, of the result */
    uint8_t kernel_y, kernel_x, stride_y, stride_x, padding_y, padding_x, dilation_y, dilation_x;
    uint8_t pool_y, pool_x, pool_stride_y, pool_stride_x;
} Lanes;

typedef struct {
    uint32_t a, b, c, d; /* sums of code * input, two in each; one if codes have 8 bits */
    uint32_t all;        /* sum of the inputs */
    uint32_t mask;       /* here, and so in a register: it and a shift are one instruction then */
    unsigned offset, shift;
//if lanes_table
    const FLASH int16_t *table;
//end
} LaneSums;

/* Adds the products of inputs before `end`, one at least. */
INLINE void lanes_run(
    LaneSums *s, const uint8_t *x, const FLASH uint32_t *w, const uint8_t *end, int bits, int table
)
{
    const uint32_t mask = s->mask;
    uint32_t a = s->a, b = s->b, c = s->c, d = s->d, all = s->all;
    do {
        uint32_t t = *x++;
//if lanes_table
        if (table) t = (uint32_t)(int32_t)s->table[t];
//end
//if lanes_offset
        if (!table) t -= s->offset;
//end
        if (t) {
            uint32_t e = *w;
            if (bits == 2) e >>= s->shift;
            all += t;
#if MULTIPLIES
            a += (e & mask) * t;
            b += (e >> bits & mask) * t;
            c += (e >> 2 * bits & mask) * t;
            d += (e >> 3 * bits & mask) * t;
#else
            {
                uint32_t f = e >> bits & mask, g = e >> 2 * bits & mask, h = e >> 3 * bits & mask;
                e &= mask;
                for (;;) {
                    if (t & 1u) {
                        a += e;
                        b += f;
                        c += g;
                        d += h;
                    }
                    t >>= 1;
                    if (!t) break;
                    e <<= 1;
                    f <<= 1;
                    g <<= 1;
                    h <<= 1;
                }
            }
#endif
        }
        w++;
    } while (x != end);
    (void)table;
    s->a = a;
    s->b = b;
    s->c = c;
    s->d = d;
    s->all = all;
}

//if lanes8_plain
APART void lanes8_plain(LaneSums *s, const uint8_t *x, const FLASH uint32_t *w, const uint8_t *end)
{
    lanes_run(s, x, w, end, 8, 0);
}
//end
//if lanes8_look
APART void lanes8_look(LaneSums *s, const uint8_t *x, const FLASH uint32_t *w, const uint8_t *end)
{
    lanes_run(s, x, w, end, 8, 1);
}
//end
//if lanes4_plain
APART void lanes4_plain(LaneSums *s, const uint8_t *x, const FLASH uint32_t *w, const uint8_t *end)
{
    lanes_run(s, x, w, end, 4, 0);
}
//end
//if lanes4_look
APART void lanes4_look(LaneSums *s, const uint8_t *x, const FLASH uint32_t *w, const uint8_t *end)
{
    lanes_run(s, x, w, end, 4, 1);
}
//end
//if lanes2_plain
APART void lanes2_plain(LaneSums *s, const uint8_t *x, const FLASH uint32_t *w, const uint8_t *end)
{
    lanes_run(s, x, w, end, 2, 0);
}
//end
//if lanes2_look
APART void lanes2_look(LaneSums *s, const uint8_t *x, const FLASH uint32_t *w, const uint8_t *end)
{
    lanes_run(s, x, w, end, 2, 1);
}
//end

INLINE void lanes_add(
    const FLASH Lanes *l, LaneSums *s, const uint8_t *x, const FLASH uint32_t *w, int n
)
{
//if lanes8_look
    if (l->bits == 8 && l->looks == 1) lanes8_look(s, x, w, x + n);
//end
//if lanes8_plain
    if (l->bits == 8 && l->looks == 0) lanes8_plain(s, x, w, x + n);
//end
//if lanes4_look
    if (l->bits == 4 && l->looks == 1) lanes4_look(s, x, w, x + n);
//end
//if lanes4_plain
    if (l->bits == 4 && l->looks == 0) lanes4_plain(s, x, w, x + n);
//end
//if lanes2_look
    if (l->bits == 2 && l->looks == 1) lanes2_look(s, x, w, x + n);
//end
//if lanes2_plain
    if (l->bits == 2 && l->looks == 0) lanes2_plain(s, x, w, x + n);
//end
}

/* Both halves of a register as numbers: added to what is there, or put there. */
INLINE void lanes_split(uint32_t v, int32_t *y, int adds)
{
    const int32_t low = (int16_t)(uint16_t)v;
    const int32_t high = (int16_t)(uint16_t)((v - (uint32_t)low) >> 16);
    y[0] = adds ? y[0] + low : low;
    y[4] = adds ? y[4] + high : high;
}

/* Adds what was gathered to the sums of code - zero, or puts it there, and begins anew. */
INLINE void lanes_flush(const FLASH Lanes *l, LaneSums *s, int32_t *y, uint32_t *total, int adds)
{
    uint32_t z = s->all * (uint32_t)l->zero;
    *total += s->all;
//if lanes8
    if (l->bits == 8) {
        y[0] = (int32_t)(s->a - z);
        y[1] = (int32_t)(s->b - z);
        y[2] = (int32_t)(s->c - z);
        y[3] = (int32_t)(s->d - z);
        return;
    }
//end
    z += z << 16;
    lanes_split(s->a - z, y, adds);
    lanes_split(s->b - z, y + 1, adds);
    lanes_split(s->c - z, y + 2, adds);
    lanes_split(s->d - z, y + 3, adds);
    s->a = s->b = s->c = s->d = s->all = 0;
}

/* Adds a run of inputs in blocks; returns how many inputs the block has room for. */
INLINE int lanes_gather(
    const FLASH Lanes *l, LaneSums *s, const uint8_t *x, const FLASH uint32_t *w, int n, int room,
    int32_t *y, uint32_t *total
)
{
//if lanes_blocks
    if (l->block) {
        while (n > 0) {
            const int some = n < room ? n : room;
            lanes_add(l, s, x, w, some);
            x += some;
            w += some;
            n -= some;
            room -= some;
            if (room == 0) {
                lanes_flush(l, s, y, total, 1);
                room = l->block;
            }
        }
        return room;
    }
//end
    (void)y;
    (void)total;
    lanes_add(l, s, x, w, n);
    return room;
}

/* The sums of a window for the outputs of a pass. */
INLINE void lanes_window(
    const FLASH Lanes *l, const uint8_t *x, const FLASH uint32_t *w, int shift, int row, int column,
    int32_t *y
)
{
    const int top = row * l->stride_y - l->padding_y, left = column * l->stride_x - l->padding_x;
    LaneSums s;
    uint32_t total = 0;
    int room = l->block, ky;
    int i;
    s.a = s.b = s.c = s.d = s.all = 0;
    s.mask = l->bits == 8 ? 255u : l->bits == 4 ? 0xf000fu : 0x30003u;
    s.offset = l->input_offset;
    s.shift = (unsigned)shift;
//if lanes_table
    s.table = l->table;
//end
    for (i = 0; i < 8; i++) y[i] = 0;
    for (ky = 0; ky < l->kernel_y; ky++) {
        const int at = top + ky * l->dilation_y;
        const uint8_t *line = x + ((int32_t)at * l->width + left) * l->channels;
        const FLASH uint32_t *v = w + (int32_t)ky * l->kernel_x * l->inputs;
        if (l->padding_y && (at < 0 || at >= l->height)) continue;
        if (l->joined) {
            int from = 0, to = l->kernel_x;
            if (l->padding_x) {
                if (left < 0) from = -left;
                if (to > l->width - left) to = l->width - left;
                if (from >= to) continue;
            }
            room = lanes_gather(
                l, &s, line + (int32_t)from * l->channels, v + (int32_t)from * l->channels,
                (to - from) * l->channels, room, y, &total
            );
        }
//if lanes_apart
        else {
            int kx;
            for (kx = 0; kx < l->kernel_x; kx++, v += l->inputs) {
                const int across = kx * l->dilation_x;
                if (left + across < 0 || left + across >= l->width) continue;
                room = lanes_gather(
                    l, &s, line + (int32_t)across * l->channels, v, l->inputs, room, y,
                    &total
                );
            }
        }
//end
    }
    lanes_flush(l, &s, y, &total, l->block != 0);
    (void)i;
//if lanes_scaled
    {
        const uint32_t more = total * (uint32_t)l->rest, step = (uint32_t)l->step;
        for (i = 0; i < 8; i++) y[i] = (int32_t)((uint32_t)y[i] * step + more);
    }
//end
}

STEP void lanes(const FLASH Lanes *l, const uint8_t *x, void *result)
{
    const int pass = l->bits == 8 ? 4 : 8;
    int row, column, n, i;
//if lanes_pool
    int py, px;
//end
    int32_t at = 0;
    for (row = 0; row < l->rows; row++)
        for (column = 0; column < l->columns; column++, at += l->outputs) {
            const FLASH uint32_t *w = l->weights;
            int shift = 0;
            for (n = 0; n < l->outputs; n += pass) {
                const uint8_t *group = x;
                int32_t y[8];
//if lanes_apart
                if (l->each < l->outputs) group += n / l->each * l->inputs;
//end
                lanes_window(
                    l, group, w, shift, row * l->pool_stride_y, column * l->pool_stride_x, y
                );
                for (i = 0; i < pass && n + i < l->outputs; i++)
                    y[i] = turned_sum(&l->decision, y[i], (unsigned)(n + i));
//if lanes_pool
                for (py = 0; py < l->pool_y; py++)
                    for (px = py == 0; px < l->pool_x; px++) {
                        int32_t other[8];
                        lanes_window(
                            l, group, w, shift, row * l->pool_stride_y + py,
                            column * l->pool_stride_x + px, other
                        );
                        for (i = 0; i < pass && n + i < l->outputs; i++) {
                            const int32_t v = turned_sum(&l->decision, other[i], (unsigned)(n + i));
                            if (v > y[i]) y[i] = v;
                        }
                    }
//end
                for (i = 0; i < pass && n + i < l->outputs; i++) {
                    if (l->decides)
                        ((uint8_t *)result)[at + n + i]
                            = decided(&l->decision, y[i], (unsigned)(n + i));
                    else ((int32_t *)result)[at + n + i] = y[i];
                }
                if (l->bits == 2 && shift == 0) shift = 8;
                else {
                    shift = 0;
                    w += l->k;
                }
            }
        }
}
