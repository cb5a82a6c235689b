/* Codes: written as the elements that a product takes, and made of floats.
 *
 * Included by engine_path.h, once for each path.
 */

/* --- Codes become elements ------------------------------------------------------------------ */

INLINE void FN(put)(VU element, int format, char *to)
{
    if (format == ROW_UINT8) {
#if LANES == 1
        *(uint8_t *)to = (uint8_t)element;
#else
        FN(vu8) few = CONVERT(element, FN(vu8));
        memcpy(to, &few, sizeof few);
#endif
    } else {
#if LANES == 1
        int16_t few = (int16_t)element;
#else
        FN(vi16) few = CONVERT((VI)element, FN(vi16));
#endif
        memcpy(to, &few, sizeof few);
    }
}

/* Write 64 codes as bits, plane by plane. */
INLINE void FN(put_bits)(const VU *code, int bits, char *to, size_t plane)
{
    for (int b = 0; b < bits; b++) {
        uint64_t mask = 0;
        UNROLL for (int v = 0; v < VECTORS; v++)
            mask |= (uint64_t)SIGNS(code[v] << (31 - b)) << (v * LANES);
        memcpy(to + 4 * b * plane, &mask, 8);
    }
}

/* --- Floats become codes ------------------------------------------------------------------- */

/* The code of each of 64 numbers among many thresholds. */
INLINE void FN(codes_among_many)(const Requantizer *d, const float *x, int32_t *code)
{
    if (d->per_step > 0) {
        const float *t = d->float_t; /* t[0] = -inf; nothing, not even +inf, reaches t[count + 1] = NaN */
        float first = t[1], top = (float)d->count;
        for (int i = 0; i < PANEL; i++) {
            float position = (x[i] - first) * d->per_step + 1.0f;
            position = position > 0.0f ? position : 0.0f;
            position = position < top ? position : top;
            int32_t guess = (int32_t)position;
            guess -= x[i] < t[guess];
            guess += x[i] >= t[guess + 1];
            code[i] = guess;
        }
        return;
    }
    for (int v = 0; v < PANEL; v += LANES) {
        VU found = FN(search)(&d->search, FN(loadf)(x + v));
        memcpy(code + v, &found, sizeof found);
    }
}

INLINE void FN(encode_panel)(const Requantizer *d, const float *x, int64_t valid, char *to,
                             size_t plane)
{
    VU code[VECTORS];
    const float *t = d->float_t + 1;
    if (d->count <= MAX_FEW) {
        for (int v = 0; v < VECTORS; v++) {
            VF f = FN(loadf)(x + v * LANES);
            VU element = FN(splat)((uint32_t)d->base);
            for (int j = 0; j < d->count; j++)
                element = ADD_GE_FLOAT(element, f, FN(splatf)(t[j]), (uint32_t)d->gain_t[j]);
            code[v] = element;
        }
    } else {
        int32_t found[PANEL];
        FN(codes_among_many)(d, x, found);
        for (int i = 0; i < PANEL; i++) found[i] = d->element_l[found[i]];
        memcpy(code, found, sizeof found);
    }
    if (valid < PANEL) { /* the padding is zero, whatever its code would be */
        uint32_t keep[PANEL];
        for (int i = 0; i < PANEL; i++) keep[i] = i < valid ? ~0u : 0;
        for (int v = 0; v < VECTORS; v++) code[v] &= FN(load)(keep + v * LANES);
    }
    if (d->format == ROW_BITS) FN(put_bits)(code, d->bits, to, plane);
    else
        for (int v = 0; v < VECTORS; v++)
            FN(put)(code[v], d->format, to + v * LANES * (d->format == ROW_UINT8 ? 1 : 2));
}

static int64_t FN(encode)(const Step *s, Buffer x, Buffer y, int rows)
{
    const Requantizer *d = &s->requantizer;
    size_t plane = plane_words(s->n);
    int per_panel = d->format == ROW_BITS ? PANEL / 8 : d->format == ROW_UINT8 ? PANEL : 2 * PANEL;
    int64_t bad = 0;
    for (int r = 0; r < rows; r++) {
        const float *from = (const float *)(x.data + r * x.stride);
        char *to = y.data + r * y.stride;
        for (int64_t n0 = 0; n0 < s->n; n0 += PANEL, to += per_panel) {
            int64_t valid = s->n - n0 < PANEL ? s->n - n0 : PANEL;
            float few[PANEL];
            const float *f = from + n0;
            if (valid < PANEL) {
                memset(few, 0, sizeof few);
                memcpy(few, f, 4 * (size_t)valid);
                f = few;
            }
            VF odd = FN(splatf)(0); /* x - x is 0 for finite numbers, else NaN, which stays */
            for (int v = 0; v < VECTORS; v++) {
                VF e = FN(loadf)(f + v * LANES);
                odd += e - e;
            }
            float lanes[LANES];
            memcpy(lanes, &odd, sizeof odd);
            float any = 0;
            for (int l = 0; l < LANES; l++) any += lanes[l];
            bad += !(any == 0);
            FN(encode_panel)(d, f, valid, to, plane);
        }
    }
    return bad;
}

INLINE VU FN(widened)(const uint8_t *from)
{
#if LANES == 1
    return *from;
#else
    FN(vu8) few;
    memcpy(&few, from, sizeof few);
    return CONVERT(few, VU);
#endif
}

/* Codes, a byte each, become elements of two bytes. */
INLINE void FN(layout_int16)(const Requantizer *d, const uint8_t *code, int64_t valid, char *to)
{
    if (d->element_l) {
        int16_t element[PANEL] = {0};
        for (int64_t i = 0; i < valid; i++) element[i] = d->element_l[code[i]];
        memcpy(to, element, sizeof element);
        return;
    }
    for (int v = 0; v < VECTORS; v++) FN(put)(FN(widened)(code + v * LANES), ROW_INT16, to + 2 * v * LANES);
}

/* Codes, a byte each, become elements. */
static void FN(layout)(const Step *s, Buffer x, Buffer y, int rows)
{
    const Requantizer *d = &s->requantizer;
    size_t plane = plane_words(s->n);
    int per_panel = d->format == ROW_BITS ? PANEL / 8 : d->format == ROW_UINT8 ? PANEL : 2 * PANEL;
    int few = d->element_l && d->elements <= 16;
    uint8_t table[16] = {0}, padded[PANEL], mapped[PANEL];
    for (int i = 0; few && i < d->elements; i++) table[i] = (uint8_t)d->element_l[i];
    for (int r = 0; r < rows; r++) {
        const uint8_t *from = (const uint8_t *)x.data + r * x.stride;
        char *to = y.data + r * y.stride;
        for (int64_t n0 = 0; n0 < s->n; n0 += PANEL, to += per_panel) {
            int64_t valid = s->n - n0 < PANEL ? s->n - n0 : PANEL;
            const uint8_t *code = from + n0;
            if (valid < PANEL) {
                memset(padded, 0, PANEL);
                code = memcpy(padded, code, (size_t)valid);
            }
            if (d->format == ROW_INT16) {
                FN(layout_int16)(d, code, valid, to);
                continue;
            }
            if (d->element_l) { /* bytes, or bits of them */
                if (few) LOOKUP64(table, code, mapped);
                else
                    for (int i = 0; i < PANEL; i++) mapped[i] = (uint8_t)d->element_l[code[i]];
                memset(mapped + valid, 0, (size_t)(PANEL - valid));
                code = mapped;
            }
            if (d->format == ROW_UINT8) memcpy(to, code, PANEL);
            else
                for (int b = 0; b < d->bits; b++) {
                    uint64_t bits = BITS64(code, b);
                    memcpy(to + 4 * b * plane, &bits, 8);
                }
        }
    }
}
