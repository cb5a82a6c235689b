/* Products of blocks of rows with panels of weights, and what becomes of their sums.
 *
 * Included by engine_path.h, once for each path.
 */

/* --- Tiles: `rows` rows of one panel, words t0..t1 of the sum, added to acc[row][64] ----------
 *
 * Of a panel of which no more are there, only the first HALF or QUARTER of the columns: few channels
 * of an image are such. What is there in vectors, and how many of these are taken at a time:
 */
#define PART_VECTORS(columns) ((columns) < LANES ? 1 : (columns) / LANES)
#define PART_COLS(columns, most) (PART_VECTORS(columns) < (most) ? PART_VECTORS(columns) : (most))
/* Rows of a tile of one vector: as many sums as hide the latency of their chains. */
#define PART_ROWS(columns) (PART_COLS(columns, DOT_COLS) == 1 && DOT_COLS > 2 ? 2 * DOT_ROWS : DOT_ROWS)

INLINE void FN(bits_tile)(const int rows, const int columns, const int kind, int x_bits, int w_bits,
                          const char *x, size_t x_stride, size_t x_plane, const uint32_t *w,
                          size_t w_plane, size_t t0, size_t t1, int32_t *acc)
{
    const int cols = PART_COLS(columns, COLS);
    for (int c0 = 0; c0 < PART_VECTORS(columns); c0 += cols) {
        VU sum[ROWS][COLS];
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < cols; c++) sum[r][c] = FN(splat)(0);
        /* Horner's scheme over the planes' weights 2**(i + j): one doubling for each power. */
        for (int power = x_bits + w_bits - 2; power >= 0; power--) {
            UNROLL for (int r = 0; r < rows; r++)
                UNROLL for (int c = 0; c < cols; c++) sum[r][c] += sum[r][c];
            for (int i = 0; i < x_bits; i++) {
                if (power - i < 0 || power - i >= w_bits) continue;
                const uint32_t *wp = w + (size_t)(power - i) * w_plane + c0 * LANES;
                const char *xp = x + 4 * (size_t)i * x_plane;
                for (size_t t = t0; t < t1;) {
                    size_t stop = t1 - t > FLUSH ? t + FLUSH : t1;
                    VU part[ROWS][COLS];
                    UNROLL for (int r = 0; r < rows; r++)
                        UNROLL for (int c = 0; c < cols; c++) part[r][c] = FN(splat)(0);
                    for (; t < stop; t++) {
                        VU wv[COLS], sv[COLS];
                        UNROLL for (int c = 0; c < cols; c++) {
                            wv[c] = FN(load)(wp + PANEL * t + c * LANES);
                            if (kind == KIND_TERNARY)
                                sv[c] = FN(load)(wp + w_plane + PANEL * t + c * LANES);
                        }
                        UNROLL for (int r = 0; r < rows; r++) {
                            VU xv = FN(splat)(FN(word)(xp + r * x_stride, t));
                            UNROLL for (int c = 0; c < cols; c++) {
                                VU both = kind == KIND_AND ? (xv & wv[c]) : (wv[c] & (xv ^ sv[c]));
                                part[r][c] += POPCOUNT(both);
                            }
                        }
                    }
                    UNROLL for (int r = 0; r < rows; r++)
                        UNROLL for (int c = 0; c < cols; c++)
                            sum[r][c] += FLUSHED(part[r][c]);
                }
            }
        }
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < cols; c++) {
                int32_t *to = acc + r * PANEL + (c0 + c) * LANES;
                VU v = sum[r][c];
                if (t0) v += FN(load)(to);
                memcpy(to, &v, sizeof v);
            }
    }
}

#ifdef DOT8 /* else the path is never given bytes */
#define DOT(kind, sum, x, w) (kind == KIND_INT8 ? DOT8(sum, x, w) : DOT16(sum, x, w))
#else
#define DOT(kind, sum, x, w) DOT16(sum, x, w)
#endif

INLINE void FN(int_tile)(const int rows, const int columns, const int kind, const char *x,
                         size_t x_stride, const uint32_t *w, size_t t0, size_t t1, int32_t *acc)
{
    (void)kind; /* where there is one */
    const int cols = PART_COLS(columns, DOT_COLS);
    for (int c0 = 0; c0 < PART_VECTORS(columns); c0 += cols) {
        VU sum[2 * DOT_ROWS][DOT_COLS];
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < cols; c++)
                sum[r][c] = t0 ? FN(load)(acc + r * PANEL + (c0 + c) * LANES) : FN(splat)(0);
        for (size_t t = t0; t < t1; t++) {
            VU wv[DOT_COLS];
            UNROLL for (int c = 0; c < cols; c++)
                wv[c] = FN(load)(w + PANEL * t + (c0 + c) * LANES);
            UNROLL for (int r = 0; r < rows; r++) {
                VU xv = FN(splat)(FN(word)(x + r * x_stride, t));
                UNROLL for (int c = 0; c < cols; c++)
                    sum[r][c] = DOT(kind, sum[r][c], xv, wv[c]);
            }
        }
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < cols; c++)
                memcpy(acc + r * PANEL + (c0 + c) * LANES, &sum[r][c], sizeof(VU));
    }
}

/* One chain of fused multiply-adds for each output, k ascending: the order that is the law. */
INLINE void FN(float_tile)(const int rows, const int columns, const char *x, size_t x_stride,
                           const uint32_t *w, size_t t0, size_t t1, int32_t *acc)
{
    const int cols = PART_COLS(columns, DOT_COLS);
    for (int c0 = 0; c0 < PART_VECTORS(columns); c0 += cols) {
        VF sum[2 * DOT_ROWS][DOT_COLS];
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < cols; c++)
                sum[r][c] = t0 ? FN(loadf)(acc + r * PANEL + (c0 + c) * LANES) : FN(splatf)(0);
        for (size_t t = t0; t < t1; t++) {
            VF wv[DOT_COLS];
            UNROLL for (int c = 0; c < cols; c++)
                wv[c] = FN(loadf)(w + PANEL * t + (c0 + c) * LANES);
            UNROLL for (int r = 0; r < rows; r++) {
                float one;
                memcpy(&one, x + r * x_stride + 4 * t, 4);
                VF xv = FN(splatf)(one);
                UNROLL for (int c = 0; c < cols; c++)
                    sum[r][c] = FMA(xv, wv[c], sum[r][c]);
            }
        }
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < cols; c++)
                memcpy(acc + r * PANEL + (c0 + c) * LANES, &sum[r][c], sizeof(VF));
    }
}

/* As float_tile, on words of eight 4-bit codes, of which the last may be cut by k. With one row, a
 * panel has too few sums to hide the latency of their chains: `panels` are taken at a time then.
 */
INLINE void FN(table_words)(const int rows, const int cols, const int count, const char *x,
                            size_t x_stride, const uint32_t *w, size_t w_panel, int c0,
                            TABLE16 table, VF sum[TABLE_ROWS][TABLE_MOST])
{
    UNROLL for (int i = 0; i < count; i++) {
        VF level[TABLE_MOST];
        UNROLL for (int c = 0; c < cols; c++) {
            int panel = (c0 + c) / VECTORS, v = (c0 + c) % VECTORS;
            level[c] = LOOKUP16(table, FN(load)(w + panel * w_panel + v * LANES) >> (4 * i));
        }
        UNROLL for (int r = 0; r < rows; r++) {
            float one;
            memcpy(&one, x + r * x_stride + 4 * i, 4);
            VF xv = FN(splatf)(one);
            UNROLL for (int c = 0; c < cols; c++) sum[r][c] = FMA(xv, level[c], sum[r][c]);
        }
    }
}

INLINE void FN(table_tile)(const int rows, const int panels, const int cols, const char *x,
                           size_t x_stride, const uint32_t *w, size_t w_panel, const float *levels,
                           size_t k, size_t t0, size_t t1, int32_t *acc)
{
    TABLE16 table = LOAD16(levels);
    for (int c0 = 0; c0 < VECTORS * panels; c0 += cols) {
        VF sum[TABLE_ROWS][TABLE_MOST];
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < cols; c++)
                sum[r][c] = t0 ? FN(loadf)(acc + r * PANEL + (c0 + c) * LANES) : FN(splatf)(0);
        for (size_t t = t0; t < t1; t++) {
            if (k - 8 * t >= 8)
                FN(table_words)(rows, cols, 8, x + 32 * t, x_stride, w + PANEL * t, w_panel, c0,
                                table, sum);
            else
                FN(table_words)(rows, cols, (int)(k - 8 * t), x + 32 * t, x_stride, w + PANEL * t,
                                w_panel, c0, table, sum);
        }
        UNROLL for (int r = 0; r < rows; r++)
            UNROLL for (int c = 0; c < cols; c++)
                memcpy(acc + r * PANEL + (c0 + c) * LANES, &sum[r][c], sizeof(VF));
    }
}

/* A tile has a constant number of rows, so that the compiler keeps it in registers. */
#define EACH_COUNT(rows, most, call) \
    switch (rows) { \
    case 1: { enum { R = 1 }; call; break; } \
    case 2: { enum { R = 2 }; call; break; } \
    case 3: { enum { R = 3 < most ? 3 : most }; call; break; } \
    case 4: { enum { R = 4 < most ? 4 : most }; call; break; } \
    case 5: { enum { R = 5 < most ? 5 : most }; call; break; } \
    default: { enum { R = 6 < most ? 6 : most }; call; break; } \
    }

/* The same for a part of the columns: a tile in a function of its own has the registers to itself. */
#define PART_OF_BITS(name, columns) \
    static void FN(name)(const Product *p, const char *x, size_t stride, int rows, const uint32_t *w, \
                         size_t words, size_t t0, size_t t1, int32_t *acc) \
    { \
        size_t x_plane = plane_words(p->k), w_plane = words * PANEL; \
        int xb = p->x_bits, wb = p->w_bits; \
        if (p->kind == KIND_TERNARY) { BITS(columns, KIND_TERNARY, 1, 1) } \
        else if (xb == 1 && wb == 1) { BITS(columns, KIND_AND, 1, 1) } \
        else { BITS(columns, KIND_AND, xb, wb) } \
    }
#define BITS(columns, kind, xb, wb) \
    EACH_COUNT(rows, ROWS, \
               FN(bits_tile)(R, columns, kind, xb, wb, x, stride, x_plane, w, w_plane, t0, t1, acc))
PART_OF_BITS(bits_rows, PANEL)
PART_OF_BITS(bits_rows_half, HALF)
PART_OF_BITS(bits_rows_quarter, QUARTER)
#undef PART_OF_BITS
#undef BITS

/* Each kind in a function of its own: together they would compete for the compiler's registers. */
#define WORD_ROWS(name, most, call) \
    static NOINLINE void FN(name)(const Product *p, const char *x, size_t stride, int rows, \
                                  const uint32_t *w, size_t words, size_t t0, size_t t1, \
                                  int32_t *acc) \
    { \
        (void)p, (void)words; \
        EACH_COUNT(rows, most, call) \
    }
#define PART_OF_WORDS(name, columns, call) \
    static NOINLINE void FN(name)(const Product *p, const char *x, size_t stride, int rows, \
                                  const uint32_t *w, size_t words, size_t t0, size_t t1, \
                                  int32_t *acc) \
    { \
        (void)p, (void)words; \
        if (PART_ROWS(columns) > DOT_ROWS && rows == PART_ROWS(columns)) { \
            enum { R = PART_ROWS(columns) }; \
            call; \
            return; \
        } \
        for (; rows > 0; rows -= DOT_ROWS, x += DOT_ROWS * stride, acc += DOT_ROWS * PANEL) \
            EACH_COUNT(rows, DOT_ROWS, call) \
    }
#define EACH_PART(name, tile) \
    PART_OF_WORDS(name, PANEL, tile(PANEL)) \
    PART_OF_WORDS(name##_half, HALF, tile(HALF)) \
    PART_OF_WORDS(name##_quarter, QUARTER, tile(QUARTER))
#define INT8_TILE(columns) FN(int_tile)(R, columns, KIND_INT8, x, stride, w, t0, t1, acc)
#define INT16_TILE(columns) FN(int_tile)(R, columns, KIND_INT16, x, stride, w, t0, t1, acc)
#define FLOAT_TILE(columns) FN(float_tile)(R, columns, x, stride, w, t0, t1, acc)
EACH_PART(int8_rows, INT8_TILE)
EACH_PART(int16_rows, INT16_TILE)
EACH_PART(value_rows, FLOAT_TILE)
WORD_ROWS(table_rows, TABLE_ROWS,
          FN(table_tile)(R, 1, R == 1 ? TABLE_ALONE : TABLE_COLS, x, stride, w, 0, p->levels,
                         (size_t)p->k, t0, t1, acc))
#undef WORD_ROWS
#undef PART_OF_WORDS
#undef EACH_PART
#undef INT8_TILE
#undef INT16_TILE
#undef FLOAT_TILE

/* --- What becomes of a panel's sums -------------------------------------------------------- */

INLINE VU FN(sum_of)(const Product *p, VU raw, VU offset, uint32_t row_term)
{
    /* Multiplying is slow on some processors; these two factors are the usual ones. */
    if (p->alpha == -2) raw = FN(splat)(0) - (raw + raw);
    else if (p->alpha != 1) raw *= (uint32_t)p->alpha;
    return raw + (offset + row_term);
}

/* With `cut`, of the last vector only some columns are there. */
INLINE void FN(float_rows)(const Product *p, const int whole, const int vectors, const int cut,
                           const int32_t *acc, int64_t n0, const int32_t *total, int rows, Buffer y)
{
    VF scale[VECTORS], bias[VECTORS];
    VU offset[VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) {
        scale[v] = FN(loadf)(p->scale_n + n0 + v * LANES);
        bias[v] = FN(loadf)(p->bias_n + n0 + v * LANES);
        offset[v] = whole ? FN(load)(p->offset_n + n0 + v * LANES) : FN(splat)(0);
    }
    for (int r = 0; r < rows; r++, acc += PANEL) {
        uint32_t row_term = whole ? (uint32_t)p->row_factor * (uint32_t)total[r] : 0;
        float few[PANEL];
        char *to = cut ? (char *)few : y.data + r * y.stride + 4 * n0;
        UNROLL for (int v = 0; v < vectors; v++) {
            VU raw = FN(load)(acc + v * LANES);
            VF f;
            if (whole) f = CONVERT((VI)FN(sum_of)(p, raw, offset[v], row_term), VF);
            else memcpy(&f, &raw, sizeof f);
            f = f * scale[v];
            f = f + bias[v];
            memcpy(to + 4 * v * LANES, &f, sizeof f);
        }
        if (cut) memcpy(y.data + r * y.stride + 4 * n0, few, 4 * (size_t)(p->n - n0));
    }
}

static void FN(finish_float)(const Product *p, const int32_t *acc, int64_t n0, const int32_t *total,
                             int rows, Buffer y)
{
    int whole = p->kind < KIND_FLOAT;
    int64_t left = p->n - n0;
#define ROWS_OF(vectors, cut) \
    { if (whole) FN(float_rows)(p, 1, vectors, cut, acc, n0, total, rows, y); \
      else FN(float_rows)(p, 0, vectors, cut, acc, n0, total, rows, y); }
    if (left >= PANEL) ROWS_OF(VECTORS, 0)
    else if (left == HALF) ROWS_OF(PART_VECTORS(HALF), 0)
    else if (left == QUARTER) ROWS_OF(PART_VECTORS(QUARTER), 0)
    else if (left < QUARTER) ROWS_OF(PART_VECTORS(QUARTER), 1)
    else if (left < HALF) ROWS_OF(PART_VECTORS(HALF), 1)
    else ROWS_OF(VECTORS, 1)
#undef ROWS_OF
}

/* The codes of all sums of a panel by search: each step halves what is left of `rows` thresholds, one
 * less than a power of two. */
INLINE void FN(search_panel)(const Requantizer *d, const int32_t *sum, int64_t n0, int64_t stride,
                             int32_t *code)
{
    int32_t column[PANEL];
    for (int i = 0; i < PANEL; i++) column[i] = (int32_t)n0 + i;
    for (int v = 0; v < VECTORS; v++) {
        VU turned = FN(load)(sum + v * LANES), low = FN(splat)(0);
        VU at = FN(load)(column + v * LANES);
        if (d->flip_n) turned ^= FN(load)(d->flip_n + n0 + v * LANES);
        for (int32_t half = (d->rows + 1) / 2; half > 0; half /= 2) {
            VU index = (low + (uint32_t)(half - 1)) * (uint32_t)stride + at, t;
            VF moved = GATHER((const float *)(const void *)d->sum_tn, index); /* bits, no numbers */
            memcpy(&t, &moved, sizeof t);
            low = ADD_GE(low, turned, t, (uint32_t)half);
        }
        memcpy(code + v * LANES, &low, sizeof low);
    }
}

/* The codes of a panel's sums among many thresholds, by lines and, where there is none, by search.
 * In a function of its own, so that the compiler makes vectors of it. */
static NOINLINE void FN(many_codes)(const Requantizer *d, const int32_t *restrict sum, int64_t n0,
                                    int64_t stride, int32_t *restrict element)
{
    const double *slope = d->slope_n + n0, *start = d->start_n + n0;
    double top = (double)d->count;
    for (int i = 0; i < PANEL; i++) {
        double code = (double)sum[i] * slope[i] + start[i];
        code = code > 0.0 ? code : 0.0;
        code = code < top ? code : top;
        element[i] = (int32_t)code;
    }
    if (d->searched_n && memchr(d->searched_n + n0, 1, PANEL)) {
        int32_t found[PANEL];
        FN(search_panel)(d, sum, n0, stride, found);
        for (int i = 0; i < PANEL; i++)
            if (d->searched_n[n0 + i]) element[i] = found[i];
    }
    if (d->gain)
        for (int i = 0; i < PANEL; i++) element[i] = d->base + d->gain * element[i];
    else
        for (int i = 0; i < PANEL; i++) element[i] = d->element_l[element[i]];
}

INLINE void FN(finish_row)(const Product *p, const Requantizer *d, const int one, const int32_t *acc,
                           int64_t n0, uint32_t row_term, char *to, size_t plane)
{
    int64_t stride = padded(p->n);
    VU code[VECTORS];
    uint64_t mask = 0;
    if (!one && d->slope_n) {
        int32_t sums[PANEL], elements[PANEL];
        for (int v = 0; v < VECTORS; v++) {
            VU sum = FN(sum_of)(p, FN(load)(acc + v * LANES),
                                FN(load)(p->offset_n + n0 + v * LANES), row_term);
            memcpy(sums + v * LANES, &sum, sizeof sum);
        }
        FN(many_codes)(d, sums, n0, stride, elements);
        for (int v = 0; v < VECTORS; v++) {
            code[v] = FN(load)(elements + v * LANES);
            if (d->format != ROW_BITS)
                FN(put)(code[v], d->format, to + v * LANES * (d->format == ROW_UINT8 ? 1 : 2));
        }
        if (d->format == ROW_BITS) FN(put_bits)(code, d->bits, to, plane);
        return;
    }
    for (int v = 0; v < VECTORS; v++) {
        VU sum = FN(sum_of)(p, FN(load)(acc + v * LANES),
                            FN(load)(p->offset_n + n0 + v * LANES), row_term);
        if (d->flip_n) sum ^= FN(load)(d->flip_n + n0 + v * LANES);
        const int32_t *t = d->sum_tn + n0 + v * LANES;
        if (one) {
            mask |= (uint64_t)MASK_GE(sum, FN(load)(t)) << (v * LANES);
            continue;
        }
        VU element = FN(splat)((uint32_t)d->base);
        for (int j = 0; j < d->count; j++, t += stride)
            element = ADD_GE(element, sum, FN(load)(t), (uint32_t)d->gain_t[j]);
        if (d->format == ROW_BITS) code[v] = element;
        else FN(put)(element, d->format, to + v * LANES * (d->format == ROW_UINT8 ? 1 : 2));
    }
    if (one) memcpy(to, &mask, 8);
    else if (d->format == ROW_BITS) FN(put_bits)(code, d->bits, to, plane);
}

static void FN(finish_codes)(const Product *p, const Requantizer *d, const int32_t *acc, int64_t n0,
                             const int32_t *total, int rows, Buffer y)
{
    size_t plane = plane_words(p->n);
    int64_t at = d->format == ROW_BITS ? n0 / 8 : d->format == ROW_UINT8 ? n0 : 2 * n0;
    int one = d->format == ROW_BITS && d->count == 1 && d->bits == 1;
    for (int r = 0; r < rows; r++, acc += PANEL) {
        uint32_t row_term = (uint32_t)p->row_factor * (uint32_t)total[r];
        char *to = y.data + r * y.stride + at;
        if (one) FN(finish_row)(p, d, 1, acc, n0, row_term, to, plane);
        else FN(finish_row)(p, d, 0, acc, n0, row_term, to, plane);
    }
}

static void FN(finish)(const Step *s, const int32_t *acc, int64_t n0, const int32_t *total, int rows,
                       Buffer y)
{
    if (s->out == ROW_FLOAT) FN(finish_float)(&s->product, acc, n0, total, rows, y);
    else FN(finish_codes)(&s->product, &s->requantizer, acc, n0, total, rows, y);
}

/* --- The product of a block of rows ---------------------------------------------------------- */

/* The sum of a row's codes or elements, in which the sums of shifted elements are corrected. */
static int32_t FN(total)(const Product *p, const char *x)
{
    uint32_t total = 0;
    if (p->kind == KIND_INT8) {
        for (int64_t k = 0; k < p->k; k++) total += (uint8_t)x[k];
        return (int32_t)total;
    }
    size_t words = plane_words(p->k);
    for (int b = 0; b < p->x_bits; b++) {
        uint32_t ones = 0;
        for (size_t t = 0; t < words; t++) ones += COUNT32(FN(word)(x, b * words + t));
        total += ones << b;
    }
    return (int32_t)total;
}

/* A function for tiles of so many rows and columns, which knows how many words a plane has. */
typedef struct {
    void (*run)(const Product *, const char *, size_t, int, const uint32_t *, size_t, size_t, size_t,
                int32_t *);
    int rows, columns;
} FN(Tile);

/* The one for what is left of the columns. */
static FN(Tile) FN(tile_of)(const Product *p, int64_t left)
{
    int part = left <= QUARTER ? 0 : left <= HALF ? 1 : 2;
    static const FN(Tile) tiles[][3] = {
#define PARTS(name, quarter, half, full) \
    {{FN(name##_quarter), quarter, QUARTER}, {FN(name##_half), half, HALF}, {FN(name), full, PANEL}}
        PARTS(bits_rows, ROWS, ROWS, ROWS),
        PARTS(bits_rows, ROWS, ROWS, ROWS),
        PARTS(int8_rows, PART_ROWS(QUARTER), PART_ROWS(HALF), DOT_ROWS),
        PARTS(int16_rows, PART_ROWS(QUARTER), PART_ROWS(HALF), DOT_ROWS),
        PARTS(value_rows, PART_ROWS(QUARTER), PART_ROWS(HALF), DOT_ROWS),
#undef PARTS
        {{FN(table_rows), TABLE_ROWS, PANEL}, {FN(table_rows), TABLE_ROWS, PANEL},
         {FN(table_rows), TABLE_ROWS, PANEL}},
    };
    return tiles[p->kind][part];
}

static void FN(product)(const Step *s, Buffer x, Buffer y, int rows)
{
    static const int k_per_word[] = {32, 32, 4, 2, 1, 8};
    const Product *p = &s->product;
    int planes = p->kind == KIND_TERNARY ? 2 : p->kind == KIND_AND ? p->w_bits : 1;
    size_t words = (size_t)((p->k + k_per_word[p->kind] - 1) / k_per_word[p->kind]);
    /* The words of a panel that are in use at a time fit in the first-level cache. */
    size_t blocks = (words * planes + 127) / 128;
    size_t block = blocks ? (words + blocks - 1) / blocks : 0;
    int32_t acc[BLOCK_ROWS * PANEL];
    int32_t total[BLOCK_ROWS];
    for (int r = 0; r < rows; r++)
        total[r] = p->row_factor ? FN(total)(p, x.data + r * x.stride) : 0;
    if (words == 0) memset(acc, 0, sizeof acc);
    for (int64_t n0 = 0; n0 < p->n; n0 += PANEL) {
        const uint32_t *w = (const uint32_t *)p->panels + (size_t)n0 * words * planes;
        if (p->kind == KIND_TABLE && rows == 1 && p->n - n0 > PANEL && words) {
            FN(table_tile)(1, 2, TABLE_MOST, x.data, x.stride, w, words * PANEL, p->levels, (size_t)p->k, 0,
                           words, acc);
            FN(finish)(s, acc, n0, total, 1, y);
            n0 += PANEL;
            FN(finish)(s, acc + PANEL, n0, total, 1, y);
            continue;
        }
        FN(Tile) tile = FN(tile_of)(p, p->n - n0);
        /* Codes are written for whole panels: those of columns that are not there are of no sum. */
        if (tile.columns < PANEL && s->out != ROW_FLOAT)
            for (int r = 0; r < rows; r++)
                memset(acc + r * PANEL + tile.columns, 0, 4 * (size_t)(PANEL - tile.columns));
        for (size_t t0 = 0; t0 < words; t0 += block) {
            size_t t1 = t0 + block < words ? t0 + block : words;
            for (int r = 0; r < rows; r += tile.rows) {
                int few = rows - r < tile.rows ? rows - r : tile.rows;
                tile.run(p, x.data + r * x.stride, x.stride, few, w, words, t0, t1, acc + r * PANEL);
            }
        }
        FN(finish)(s, acc, n0, total, rows, y);
    }
}

#undef PART_VECTORS
#undef PART_COLS
#undef PART_ROWS
