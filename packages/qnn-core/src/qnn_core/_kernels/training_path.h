/* The loops of training.h, once for each path: in plain C where the compiler makes
 * vectors of it by itself. */

#include "lanes.h"
#include "search_path.h"

/* --- Fake quantization ------------------------------------------------------------------------ */

#define REACHES(x, t) ((((x) - shift) / scale) >= (t))

/* Floats in their order as whole numbers; both zeros are 0. */
INLINE int64_t FN(ordinal)(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits < 0 ? -(int64_t)(bits & 0x7FFFFFFF) : bits;
}

INLINE float FN(from_ordinal)(int64_t ordinal)
{
    int32_t bits = (int32_t)(ordinal < 0 ? -ordinal : ordinal);
    float x;
    memcpy(&x, &bits, sizeof x);
    return ordinal < 0 ? -x : x;
}

/* The least x for which u = (x - shift) / scale, which grows with x, reaches t. It is most often next
 * to t's own place; where shift and t cancel it may be far, so that steps grow until it is passed.
 */
static float FN(cut)(float t, float scale, float shift)
{
    enum { INFINITE = 0x7F800000 };
    int64_t at = FN(ordinal)((float)((double)t * scale + shift)), step = 1, low, high;
    if (REACHES(FN(from_ordinal)(at), t)) {
        for (high = at, low = at - 1; low >= -INFINITE && REACHES(FN(from_ordinal)(low), t); step *= 2)
            high = low, low -= step;
        if (low < -INFINITE) low = -INFINITE - 1;
    } else {
        for (low = at, high = at + 1; high < INFINITE && !REACHES(FN(from_ordinal)(high), t); step *= 2)
            low = high, high += step;
        if (high > INFINITE) high = INFINITE;
    }
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (REACHES(FN(from_ordinal)(middle), t)) high = middle;
        else low = middle;
    }
    return FN(from_ordinal)(high);
}

/* A task is qparams. */
static void FN(fake_qparams)(void *context, int64_t row)
{
    const Fake *f = context;
    float scale = f->scale_r[row], shift = f->shift_r[row];
    QParams *a = &f->qparams_r[row];
    *a = (QParams){.scale = scale, .shift = shift, .per_scale = 1 / scale};
    uint32_t bits;
    memcpy(&bits, &scale, sizeof bits);
    bits &= 0xFFFFFF00; /* 16 of the 24 significant bits */
    memcpy(&a->coarse, &bits, sizeof bits);
    a->fine = scale - a->coarse;
    if (f->count < FEW) memcpy(a->level, f->level_l, 4 * (size_t)(f->count + 1));
    if (f->g) { /* backward: the surrogate */
        float above = nextafterf(f->level_l[f->count], INFINITY);
        a->low = FN(cut)(f->level_l[0], scale, shift);
        a->high = nextafterf(FN(cut)(above, scale, shift), -INFINITY);
        return;
    }
    if (f->count > FEW) return;
    a->cut[0] = -INFINITY;
    for (int j = 1; j <= f->count; j++) a->cut[j] = FN(cut)(f->threshold_t[j], scale, shift);
    for (int j = f->count + 1; j < FEW + 2; j++) a->cut[j] = NAN;
    a->per_step = f->per_step * a->per_scale;
}

/* Few thresholds: compare with each. */
INLINE VU FN(code_by_each)(const Fake *f, const QParams *a, VF x)
{
    VU code = FN(splat)(0);
    for (int j = 1; j <= f->count; j++) code = ADD_GE_FLOAT(code, x, FN(splatf)(a->cut[j]), 1);
    return code;
}

/* Up to 15: each of four comparisons halves what is left. */
INLINE VU FN(code_by_halves)(const QParams *a, VF x)
{
    const TABLE16 cut = LOAD16(a->cut);
    VU code = FN(splat)(0);
    UNROLL for (uint32_t half = 8; half > 0; half /= 2)
        code = ADD_GE_FLOAT(code, x, LOOKUP16(cut, code + half), half);
    return code;
}

/* The nearest of `count` even thresholds, from 0, to a position among them; NaN is at 0 too. */
INLINE VU FN(nearest)(VF position, int32_t count)
{
    position = GREATER(position, FN(splatf)(0));
    return (VU)CONVERT(LESSER(position, FN(splatf)((float)(count - 1))) + 0.5f, VI);
}

/* Up to 15 even ones: x lies between the neighbours of the nearest cut, so that one decides. */
INLINE VU FN(code_by_place)(const Fake *f, const QParams *a, VF x)
{
    VU near = FN(nearest)((x - a->cut[1]) * a->per_step, f->count);
    return ADD_GE_FLOAT(near, x, LOOKUP16(LOAD16(a->cut + 1), near), 1);
}

/* Many: on u itself, one by one. */
INLINE VU FN(code_by_search)(const Fake *f, const QParams *a, VF x)
{
    VF u = (x - a->shift) / a->scale;
    if (f->per_step > 0) {
        const float *t = f->threshold_t;
        VU near = FN(nearest)((u - t[1]) * f->per_step, f->count);
        return ADD_GE_FLOAT(near, u, GATHER(t + 1, near), 1);
    }
    return FN(search)(&f->search, u);
}

INLINE VU FN(code)(const Fake *f, const QParams *a, const int way, VF x)
{
    return way == BY_EACH ? FN(code_by_each)(f, a, x)
           : way == BY_HALVES ? FN(code_by_halves)(a, x)
           : way == BY_PLACE ? FN(code_by_place)(f, a, x) : FN(code_by_search)(f, a, x);
}

/* Whether few thresholds are enough for halves, and a lookup is one instruction. */
INLINE int FN(halved)(const Fake *f) { return LANES == 16 && f->count > 7 && f->count < FEW; }

INLINE VF FN(level)(const Fake *f, const QParams *a, const int table, VU code)
{
    if (!table) return CONVERT((VI)code, VF) * f->step + f->first;
    if (f->count < FEW) return LOOKUP16(LOAD16(a->level), code);
    return GATHER(f->level_l, code);
}

/* Where a task's piece lies: its row, and its elements from `at` on. */
#define PIECE_OF(f, task) \
    int64_t row = (task) / pieces_in((f)->length), start = (task) % pieces_in((f)->length) * PIECE; \
    int64_t at = row * (f)->length + start; \
    int size = (int)((f)->length - start < PIECE ? (f)->length - start : PIECE); \
    const QParams *a = &(f)->qparams_r[(f)->own_qparams ? row : 0]

INLINE void FN(put_value)(const Fake *f, const QParams *a, const int table, VU code, float *to)
{
    VF value = FN(level)(f, a, table, code) * a->scale;
    value = value + a->shift;
    memcpy(to, &value, sizeof value);
}

/* x after the activation, if there is one. */
INLINE VF FN(limited)(const Limits *l, const int limited, VF x)
{
    if (!limited) return x;
    x = GREATER(FN(splatf)(l->low), x);
    return LESSER(FN(splatf)(l->high), x) + l->zero;
}

/* Whether the gradient passes the activation. */
INLINE VI FN(passes)(const Limits *l, VF x)
{
    return (VI)(x >= FN(splatf)(l->low)) & (VI)(x <= FN(splatf)(l->high)) &
           (VI)(x != FN(splatf)(l->stop));
}

/* Codes, and values if wanted, of LANES numbers; returns 0 for each that is finite. */
INLINE VF FN(fake_some)(const Fake *f, const QParams *a, const int way, const int values,
                        const int limited, const float *from, uint8_t *code_to, float *value_to)
{
    VF x = FN(limited)(&f->limits, limited, FN(loadf)(from));
    VU code = FN(code)(f, a, way, x);
    PUT8(code_to, code);
    if (values) FN(put_value)(f, a, values == 2, code, value_to);
    return x - x;
}

INLINE int FN(fake_piece)(const Fake *fake, const QParams *qparams, const int way, const int values,
                          const int limited, int64_t at, int size)
{
    /* Copies of its own: the compiler then knows that no store changes them. */
    const Fake own = *fake, *f = &own;
    const QParams place = *qparams, *a = &place;
    VF odd = FN(splatf)(0); /* x - x is 0 for finite numbers, else NaN, which stays */
    int i = 0;
    for (; i + LANES <= size; i += LANES)
        odd += FN(fake_some)(f, a, way, values, limited, f->x + at + i, f->code + at + i,
                             f->value + at + i);
    if (i < size) {
        float x[LANES] = {0}, value[LANES];
        uint8_t code[LANES];
        size_t left = (size_t)(size - i);
        memcpy(x, f->x + at + i, 4 * left);
        odd += FN(fake_some)(f, a, way, values, limited, x, code, value);
        memcpy(f->code + at + i, code, left);
        if (values) memcpy(f->value + at + i, value, 4 * left);
    }
    float lane[LANES];
    memcpy(lane, &odd, sizeof odd);
    int bad = 0;
    for (int l = 0; l < LANES; l++) bad |= !(lane[l] == 0);
    return bad;
}

INLINE int FN(fake_valued)(const Fake *f, const QParams *a, const int way, int values,
                           const int limited, int64_t at, int size)
{
    return values == 0   ? FN(fake_piece)(f, a, way, 0, limited, at, size)
           : values == 1 ? FN(fake_piece)(f, a, way, 1, limited, at, size)
                         : FN(fake_piece)(f, a, way, 2, limited, at, size);
}

#define FAKE_WAY(name, way) \
    static NOINLINE int FN(name)(const Fake *f, const QParams *a, int values, int64_t at, int size) \
    { \
        return f->limited ? FN(fake_valued)(f, a, way, values, 1, at, size) \
                          : FN(fake_valued)(f, a, way, values, 0, at, size); \
    }
FAKE_WAY(fake_each, BY_EACH)
FAKE_WAY(fake_halves, BY_HALVES)
FAKE_WAY(fake_place, BY_PLACE)
FAKE_WAY(fake_search, BY_SEARCH)
#undef FAKE_WAY

/* The values of codes that are there, by a table. */
static NOINLINE void FN(fake_values)(const Fake *f, const QParams *a, int64_t at, int size)
{
    const QParams own = *a;
    int i = 0;
    for (; i + LANES <= size; i += LANES)
        FN(put_value)(f, &own, 1, GET8(f->code + at + i), f->value + at + i);
    if (i < size) {
        float value[LANES];
        uint8_t code[LANES] = {0};
        size_t left = (size_t)(size - i);
        memcpy(code, f->code + at + i, left);
        FN(put_value)(f, &own, 1, GET8(code), value);
        memcpy(f->value + at + i, value, 4 * left);
    }
}

static void FN(fake_forward)(void *context, int64_t task)
{
    const Fake *f = context;
    PIECE_OF(f, task);
    int values = !f->value ? 0 : f->step != 0 ? 1 : 2;
    /* Near the ends of float32, or where cuts lie only few numbers apart, the position would not be
     * exact enough. There are no cuts of many thresholds: their count is what is asked first. */
    int placed = f->count > 4 && f->count < FEW && f->per_step > 0 &&
                 fabsf(a->shift) < 1e4f * a->scale && a->scale > 1e-30f && a->scale < 1e30f &&
                 a->cut[1] > -1e30f && a->cut[f->count] < 1e30f;
    int bad = placed            ? FN(fake_place)(f, a, values, at, size)
              : FN(halved)(f)   ? FN(fake_halves)(f, a, values, at, size)
              : f->count <= FEW ? FN(fake_each)(f, a, values, at, size)
                                : FN(fake_search)(f, a, values & 1, at, size);
    /* Two lookups that wait for each other are slower than two passes over a piece in the cache. */
    if (f->count > FEW && values == 2) FN(fake_values)(f, a, at, size);
    if (bad) f->bad_p[0] = 1;
}

/* level - u where the surrogate is 1, and level outside. Not by u = x / scale itself: its rounding is a
 * share of u, the same for all x, and the sum of g * u can be very much larger than that of
 * g * (level - u). The difference of level * scale and x is nearly exact. */
INLINE VF FN(scale_gradient_of)(const Fake *f, const QParams *a, const int table, VI inside, VF x, VU code)
{
    VF level = FN(level)(f, a, table, code);
    VF near = FN(select)(inside, x - a->shift, FN(splatf)(0));
    VF off = level * a->coarse - near;
    off = off + level * a->fine;
    /* Exactly the level, whatever its scale is rounded to. */
    return FN(select)(inside, off * a->per_scale, level);
}

/* Gradients of LANES numbers. Where the surrogate is 0, nothing is multiplied by u, which may be infinite. */
INLINE void FN(back_some)(const Fake *f, const QParams *a, const int table, const int scale,
                          const int shift, const int limited, const float *x_from,
                          const uint8_t *code_from, const float *g_from, float *dx_to, VF *by_scale,
                          VF *by_shift)
{
    VF from = FN(loadf)(x_from), g = FN(loadf)(g_from), none = FN(splatf)(0);
    VF x = FN(limited)(&f->limits, limited, from);
    VI inside = (VI)(x >= FN(splatf)(a->low)) & (VI)(x <= FN(splatf)(a->high));
    if (dx_to) {
        VF dx = FN(select)(inside, g, g * none);
        if (limited) dx = FN(select)(FN(passes)(&f->limits, from), dx, none);
        memcpy(dx_to, &dx, sizeof dx);
    }
    if (scale) {
        *by_scale = g * FN(scale_gradient_of)(f, a, table, inside, x, GET8(code_from));
    }
    if (shift) *by_shift = FN(select)(inside, g * none, g);
}

INLINE void FN(back_piece)(const Fake *fake, const QParams *qparams, const int table, const int scale,
                           const int shift, const int limited, int64_t at, int size, int64_t task)
{
    const Fake own = *fake, *f = &own;
    const QParams place = *qparams, *a = &place;
    enum { VECTORS_OF_WAYS = WAYS / LANES };
    VF scales[VECTORS_OF_WAYS], shifts[VECTORS_OF_WAYS], by_scale, by_shift;
    for (int v = 0; v < VECTORS_OF_WAYS; v++) scales[v] = shifts[v] = FN(splatf)(0);
    int i = 0;
    for (; i + WAYS <= size; i += WAYS)
        for (int v = 0; v < VECTORS_OF_WAYS; v++) {
            int64_t e = at + i + v * LANES;
            FN(back_some)(f, a, table, scale, shift, limited, f->x + e, f->code + e, f->g + e,
                          f->dx ? f->dx + e : NULL, &by_scale, &by_shift);
            if (scale) scales[v] += by_scale;
            if (shift) shifts[v] += by_shift;
        }
    if (i < size) { /* what is added beyond the end has no gradient */
        float x[WAYS], g[WAYS] = {0}, dx[WAYS];
        uint8_t code[WAYS] = {0};
        size_t left = (size_t)(size - i);
        for (int w = 0; w < WAYS; w++) x[w] = f->x[at];
        memcpy(x, f->x + at + i, 4 * left);
        memcpy(g, f->g + at + i, 4 * left);
        memcpy(code, f->code + at + i, left);
        for (int v = 0; v < VECTORS_OF_WAYS; v++) {
            int e = v * LANES;
            FN(back_some)(f, a, table, scale, shift, limited, x + e, code + e, g + e,
                          f->dx ? dx + e : NULL, &by_scale, &by_shift);
            if (scale) scales[v] += by_scale;
            if (shift) shifts[v] += by_shift;
        }
        if (f->dx) memcpy(f->dx + at + i, dx, 4 * left);
    }
    float way[WAYS];
    if (scale) {
        memcpy(way, scales, sizeof way);
        f->scale_p[task] = 0;
        for (int w = 0; w < WAYS; w++) f->scale_p[task] += way[w];
    }
    if (shift) {
        memcpy(way, shifts, sizeof way);
        f->shift_p[task] = 0;
        for (int w = 0; w < WAYS; w++) f->shift_p[task] += way[w];
    }
}

INLINE void FN(back)(const Fake *f, const int limited, int64_t task)
{
    PIECE_OF(f, task);
    if (!f->scale_p && !f->shift_p) FN(back_piece)(f, a, 0, 0, 0, limited, at, size, task);
    else if (!f->shift_p && f->step != 0) FN(back_piece)(f, a, 0, 1, 0, limited, at, size, task);
    else if (!f->shift_p) FN(back_piece)(f, a, 1, 1, 0, limited, at, size, task);
    else if (!f->scale_p) FN(back_piece)(f, a, 0, 0, 1, limited, at, size, task);
    else if (f->step != 0) FN(back_piece)(f, a, 0, 1, 1, limited, at, size, task);
    else FN(back_piece)(f, a, 1, 1, 1, limited, at, size, task);
}

static void FN(fake_backward)(void *context, int64_t task)
{
    const Fake *f = context;
    if (f->limited) FN(back)(f, 1, task);
    else FN(back)(f, 0, task);
}

/* Derivatives of LANES values in the scale and, where somebody asks, in the shift. */
INLINE void FN(slopes)(const Fake *f, const QParams *a, const float *from, const uint8_t *code_from,
                       float *by_scale, float *by_shift)
{
    VF x = FN(loadf)(from), one = FN(splatf)(1), none = FN(splatf)(0);
    VI inside = (VI)(x >= FN(splatf)(a->low)) & (VI)(x <= FN(splatf)(a->high));
    VF scale = FN(scale_gradient_of)(f, a, f->step == 0, inside, x, GET8(code_from));
    memcpy(by_scale, &scale, sizeof scale);
    if (!by_shift) return;
    VF shift = FN(select)(inside, none, one);
    memcpy(by_shift, &shift, sizeof shift);
}

/* level - u * surrogate and 1 - surrogate, as the backward pass has them. */
static void FN(fake_slopes)(void *context, int64_t task)
{
    const Fake *f = context;
    PIECE_OF(f, task);
    float *by_scale = f->scale_gradient + at, *by_shift = f->shift_gradient ? f->shift_gradient + at : NULL;
    int i = 0;
    for (; i + LANES <= size; i += LANES)
        FN(slopes)(f, a, f->x + at + i, f->code + at + i, by_scale + i, by_shift ? by_shift + i : NULL);
    if (i < size) {
        float x[LANES] = {0}, scale[LANES], shift[LANES];
        uint8_t code[LANES] = {0};
        size_t left = (size_t)(size - i);
        memcpy(x, f->x + at + i, 4 * left);
        memcpy(code, f->code + at + i, left);
        FN(slopes)(f, a, x, code, scale, shift);
        memcpy(by_scale + i, scale, 4 * left);
        if (by_shift) memcpy(by_shift + i, shift, 4 * left);
    }
}

/* Squared errors of LANES numbers with qparams. Where levels are even and the nearest is taken (by rounding),
 * they are those of rounding, in steps squared: `per_scale` and `shift` then give the place among the
 * levels. Adding and taking away a number without fractions rounds. */
INLINE VF FN(error_some)(const Fake *f, const QParams *a, const int way, const int table, VF x)
{
    VF error;
    if (way == BY_ROUNDING) {
        VF place = x * a->per_scale + a->shift, whole = FN(splatf)(12582912.0f);
        VF inside = LESSER(GREATER(place, FN(splatf)(0)), FN(splatf)((float)f->count));
        error = place - ((inside + whole) - whole);
    } else {
        VU code = FN(code)(f, a, way, x);
        VF value = FN(level)(f, a, table, code) * a->scale;
        value = value + a->shift;
        error = value - x;
    }
    return error * error;
}

INLINE double FN(error_piece)(const Fake *f, const QParams *a, const int way, const int table,
                              const int weighted, const float *x, const float *weight, int size)
{
    enum { VECTORS_OF_WAYS = WAYS / LANES };
    VF sums[VECTORS_OF_WAYS];
    for (int v = 0; v < VECTORS_OF_WAYS; v++) sums[v] = FN(splatf)(0);
    int i = 0;
    for (; i + WAYS <= size; i += WAYS)
        for (int v = 0; v < VECTORS_OF_WAYS; v++) {
            VF error = FN(error_some)(f, a, way, table, FN(loadf)(x + i + v * LANES));
            if (weighted) error = error * FN(loadf)(weight + i + v * LANES);
            sums[v] += error;
        }
    if (i < size) { /* what is added beyond the end does not count */
        float last[WAYS], counts[WAYS] = {0};
        for (int w = 0; w < WAYS; w++) last[w] = x[0];
        memcpy(last, x + i, 4 * (size_t)(size - i));
        for (int w = 0; w < size - i; w++) counts[w] = weighted ? weight[i + w] : 1;
        for (int v = 0; v < VECTORS_OF_WAYS; v++)
            sums[v] += FN(error_some)(f, a, way, table, FN(loadf)(last + v * LANES))
                       * FN(loadf)(counts + v * LANES);
    }
    float lane[WAYS];
    memcpy(lane, sums, sizeof lane);
    double total = 0;
    for (int w = 0; w < WAYS; w++) total += lane[w];
    return total;
}

#define ERROR_WAY(name, way, table) \
    static NOINLINE double FN(name)(const Fake *f, const QParams *a, const float *x, const float *weight, int size) \
    { \
        return weight ? FN(error_piece)(f, a, way, table, 1, x, weight, size) \
                      : FN(error_piece)(f, a, way, table, 0, x, weight, size); \
    }
ERROR_WAY(error_even, BY_ROUNDING, 0)
ERROR_WAY(error_each, BY_EACH, 1)
ERROR_WAY(error_halves, BY_HALVES, 1)
ERROR_WAY(error_search, BY_SEARCH, 1)
#undef ERROR_WAY

static void FN(fake_error)(void *context, int64_t task)
{
    const Fake *f = context;
    int64_t row = task / pieces_in(f->length), start = task % pieces_in(f->length) * PIECE;
    int size = (int)(f->length - start < PIECE ? f->length - start : PIECE);
    const float *x = f->x + row * f->length + start;
    const float *weight = f->weight ? f->weight + row * f->weight_stride + start : NULL;
    for (int64_t k = 0; k < f->candidates; k++) {
        int64_t entry = row * f->candidates + k;
        double *error = &f->error_p[task * f->candidates + k];
        if (f->even) {
            double step = (double)f->scale_r[entry] * f->step;
            double place = -(f->scale_r[entry] * (double)f->first + f->shift_r[entry]) / step;
            QParams even = {.per_scale = (float)(1 / step), .shift = (float)place};
            *error = step * step * FN(error_even)(f, &even, x, weight, size);
        } else if (FN(halved)(f)) *error = FN(error_halves)(f, &f->qparams_r[entry], x, weight, size);
        else if (f->count < FEW) *error = FN(error_each)(f, &f->qparams_r[entry], x, weight, size);
        else *error = FN(error_search)(f, &f->qparams_r[entry], x, weight, size);
    }
}

#undef REACHES
#undef PIECE_OF

/* --- Updates --------------------------------------------------------------------------------- */

#define EACH(u, task, i) \
    for (int64_t i = (task) * PIECE, stop = (u)->size - i < PIECE ? (u)->size : i + PIECE; i < stop; i++)

static void FN(sgd)(void *context, int64_t task)
{
    const Update *u = context;
    float *restrict w = u->w;
    const float *restrict g = u->g;
    EACH(u, task, i) {
        float next = w[i] - u->rate * (g[i] + u->decay * w[i]);
        next = next < u->low ? u->low : next;
        w[i] = next > u->high ? u->high : next;
    }
}

static void FN(sgd_momentum)(void *context, int64_t task)
{
    const Update *u = context;
    float *restrict w = u->w, *restrict v = u->slot[0];
    const float *restrict g = u->g;
    EACH(u, task, i) {
        float gradient = g[i] + u->decay * w[i];
        v[i] = faded(u->keep * v[i] + gradient, LEAST_MEAN);
        float next = w[i] - u->rate * (u->ahead * gradient + u->along * v[i]);
        next = next < u->low ? u->low : next;
        w[i] = next > u->high ? u->high : next;
    }
}

static void FN(adam)(void *context, int64_t task)
{
    const Update *u = context;
    float *restrict w = u->w, *restrict mean = u->slot[0], *restrict square = u->slot[1];
    const float *restrict g = u->g;
    EACH(u, task, i) {
        float gradient = g[i] + u->decay * w[i];
        mean[i] = faded(u->keep1 * mean[i] + u->take1 * gradient, LEAST_MEAN);
        square[i] = faded(u->keep2 * square[i] + u->take2 * gradient * gradient, FLT_MIN);
        float next = u->shrink * w[i] -
                     u->rate * mean[i] / (sqrtf(square[i]) * u->inverse_root + u->epsilon);
        next = next < u->low ? u->low : next;
        w[i] = next > u->high ? u->high : next;
    }
}

static void FN(average)(void *context, int64_t task)
{
    const Average *f = context;
    const float *restrict x = f->x;
    float *restrict y = f->y;
    EACH(f, task, i) y[i] = f->keep * y[i] + f->take * x[i];
}

/* --- Maps ------------------------------------------------------------------------------------ */

static void FN(relu)(void *context, int64_t task)
{
    const Map *f = context;
    const float *restrict x = f->x;
    float *restrict y = f->y;
    EACH(f, task, i) y[i] = x[i] <= 0.0f ? 0.0f : x[i];
}

static void FN(relu_backward)(void *context, int64_t task)
{
    const Map *f = context;
    const float *restrict x = f->x, *restrict g = f->g;
    float *restrict y = f->y;
    EACH(f, task, i) {
        float gradient = g[i]; /* read in any case: else the loop would not become one of vectors */
        y[i] = x[i] > 0.0f ? gradient : 0.0f;
    }
}

static void FN(limit)(void *context, int64_t task)
{
    const Map *f = context;
    const float *restrict x = f->x;
    float *restrict y = f->y;
    const Limits l = f->limits;
    EACH(f, task, i) {
        float above = x[i] < l.low ? l.low : x[i];
        y[i] = (above > l.high ? l.high : above) + l.zero;
    }
}

static void FN(limit_backward)(void *context, int64_t task)
{
    const Map *f = context;
    const float *restrict x = f->x, *restrict g = f->g;
    float *restrict y = f->y;
    const Limits l = f->limits;
    EACH(f, task, i) {
        float gradient = g[i];
        y[i] = (x[i] >= l.low) & (x[i] <= l.high) & (x[i] != l.stop) ? gradient : 0.0f;
    }
}

#undef EACH

static void FN(lookup)(void *context, int64_t task)
{
    const Lookup *f = context;
    int64_t i = task * PIECE, stop = f->size - i < PIECE ? f->size : i + PIECE;
    if (f->entries <= 16) {
        float few[16] = {0};
        memcpy(few, f->table, 4 * (size_t)f->entries);
        for (; i + LANES <= stop; i += LANES) {
            VF v = LOOKUP16(LOAD16(few), GET8(f->code + i));
            memcpy(f->y + i, &v, sizeof v);
        }
    }
    for (; i < stop; i++) f->y[i] = f->table[f->code[i]];
}

/* --- Softmax cross-entropy ------------------------------------------------------------------- */

/* exp(x - top), for x <= top, with an error of about one unit in the last place: 2**n times a
 * polynomial on half a binade to each side (Cody and Waite 1980, "Software manual for the elementary
 * functions", chapter 6; the coefficients are those of the Cephes library's expf). */
INLINE float FN(exp_below)(float x, float top)
{
    float z = x - top;
    z = z < -104.0f ? -104.0f : z; /* zero from here on; NaN stays */
    float n = (z * 1.44269504f + 12582912.0f) - 12582912.0f; /* rounded to a whole number */
    float r = (z - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * (r * r) + r + 1.0f;
    /* In two factors, since the result may be below the least power of two that is normal. */
    int32_t whole = (int32_t)(n == n ? n : 0.0f), half = whole >> 1;
    union { int32_t i; float f; } a = {(half + 127) << 23}, b = {(whole - half + 127) << 23};
    return p * a.f * b.f;
}

static void FN(entropy)(void *context, int64_t task)
{
    const Entropy *e = context;
    const float *x = e->x + task * e->columns;
    float way[WAYS] = {0}, top = x[0], piece[PANEL];
    for (int64_t c = 1; c < e->columns; c++) top = x[c] > top ? x[c] : top;
    double total = 0;
    float *gradient = e->gradient ? e->gradient + task * e->columns : NULL;
    for (int64_t c0 = 0; c0 < e->columns; c0 += PANEL) {
        int64_t n = e->columns - c0 < PANEL ? e->columns - c0 : PANEL;
        for (int64_t i = 0; i < n; i++) piece[i] = FN(exp_below)(x[c0 + i], top);
        for (int64_t i = n; i < PANEL; i++) piece[i] = 0;
        for (int i = 0; i < PANEL; i += WAYS)
            for (int w = 0; w < WAYS; w++) way[w] += piece[i + w];
        if (gradient) memcpy(gradient + c0, piece, 4 * (size_t)n);
    }
    for (int w = 0; w < WAYS; w++) total += way[w];
    if (e->loss_r) e->loss_r[task] = log(total) + top - x[e->label[task]];
    if (!gradient) return;
    float share = (float)(e->factor / total);
    for (int64_t c = 0; c < e->columns; c++) gradient[c] *= share;
    gradient[e->label[task]] -= e->factor;
}
