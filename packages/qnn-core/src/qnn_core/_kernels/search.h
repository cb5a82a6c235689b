/* The code of a number among uneven thresholds, the count of those that are not above it: by a table.
 *
 * Numbers become keys, integers in the same order, of which the first bits name a bucket: the sign,
 * the exponent, the beginning of the fraction. Its entry holds how many thresholds lie below all of the
 * bucket, and the rest of the key that reaches the first one inside: one look and one comparison of
 * integers decide. Where more lie inside, halves of what may be left are tried, as in a bisection; so
 * any thresholds are served, and crowded ones cost steps, never a code.
 *
 * Keys begin at `least`, below which there are only zero and thresholds of the other sign: so
 * the many exponents of tiny numbers take no buckets.
 */
#ifndef QNN_SEARCH_H
#define QNN_SEARCH_H

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    MOST_BUCKETS = 1 << 14, /* 64 KB */
    MOST_SHIFT = 22,        /* an entry is the rest of a key, two bits, and a code of a byte */
    ALWAYS = 0x100,         /* set: an entry is greater than the rest of a key that does not reach it */
    CROWDED = 0x200         /* whether there are more thresholds in the bucket */
};

typedef struct {
    float below, last;      /* a number that reaches no threshold but -inf, and the last threshold */
    uint32_t least;         /* bits of the float whose key is 0 */
    int32_t shift;          /* bucket = key >> shift; negative for negative numbers */
    int32_t half;           /* the first step after the entry's, a power of 2; 0 if that decides */
    const int32_t *entry_b; /* from the middle of what was allocated */
    const float *bounded_t; /* -inf, the thresholds, and NaNs, which nothing reaches */
    void *memory;
} Search;

static inline int32_t search_key(const Search *s, float u)
{
    uint32_t bits, sign, size;
    u = u > s->below ? u : s->below; /* NaN too */
    u = u < s->last ? u : s->last;
    u += 0.0f; /* not -0 */
    memcpy(&bits, &u, sizeof bits);
    sign = 0u - (bits >> 31);
    size = bits & 0x7FFFFFFFu;
    return (int32_t)(((size > s->least ? size : s->least) - s->least) ^ sign);
}

/* The rest of a key, as the high bits of an integer, in order. */
static inline int32_t search_rest(int32_t key, int32_t shift)
{
    return (int32_t)(((uint32_t)key << (32 - shift)) ^ 0x80000000u);
}

static inline int32_t search_code(const Search *s, float u)
{
    int32_t key = search_key(s, u), entry = s->entry_b[key >> s->shift];
    int32_t code = (entry & 0xFF) + (search_rest(key, s->shift) >= entry);
    if (entry & CROWDED)
        for (int32_t half = s->half; half > 0; half >>= 1) code += half * (s->bounded_t[code + half] <= u);
    return code;
}

/* The last key that does not reach a threshold: the first that does may begin a bucket. */
static inline int32_t search_before(const Search *s, float threshold) { return search_key(s, threshold) - 1; }

/* The first step after the entry's, with buckets of a size. */
static inline int32_t search_half(const Search *s, const float *threshold_t, int32_t count, int32_t shift)
{
    int32_t most = 0, run = 0, half = 1;
    for (int32_t j = 0, before = 0; j < count; j++) {
        int32_t bucket = search_before(s, threshold_t[j]) >> shift;
        run = j > 0 && bucket == before ? run + 1 : 1;
        before = bucket;
        most = run > most ? run : most;
    }
    while (half < most) half *= 2;
    return half / 2;
}

/* Make a search among up to 255 ascending thresholds, none of them NaN; return whether there was memory. */
static inline int search_make(Search *s, const float *threshold_t, int32_t count)
{
    /* What -inf reaches, everything does. */
    int32_t everywhere = 0, j;
    while (everywhere < count && threshold_t[everywhere] == -INFINITY) everywhere++;
    const float *inner_t = threshold_t + everywhere;
    int32_t inner = count - everywhere;
    *s = (Search){.shift = 1};
    if (inner > 0) {
        s->below = nextafterf(inner_t[0], -INFINITY), s->last = inner_t[inner - 1];
        float least = INFINITY;
        for (j = 0; j < inner; j++)
            if (inner_t[j] != 0 && fabsf(inner_t[j]) < least) least = fabsf(inner_t[j]);
        memcpy(&s->least, &least, sizeof least);
        s->least -= 1; /* the number before it */
    }
    int32_t low = search_key(s, s->below), high = search_key(s, s->last);
    while ((high >> s->shift) - (low >> s->shift) >= MOST_BUCKETS) s->shift++;
    /* No more buckets than help. */
    s->half = search_half(s, inner_t, inner, s->shift);
    while (s->shift < MOST_SHIFT && search_half(s, inner_t, inner, s->shift + 1) == s->half) s->shift++;

    int32_t first = low >> s->shift, buckets = (high >> s->shift) - first + 1, bounded = count + 2 + s->half;
    s->memory = malloc(4 * ((size_t)buckets + (size_t)bounded));
    if (!s->memory) return 0;
    int32_t *entry_b = s->memory;
    float *bounded_t = (float *)(entry_b + buckets);
    bounded_t[0] = -INFINITY;
    for (j = 1; j < bounded; j++) bounded_t[j] = j <= count ? threshold_t[j - 1] : NAN;
    j = 0;
    for (int32_t b = 0; b < buckets; b++) {
        while (j < inner && search_before(s, inner_t[j]) >> s->shift < first + b) j++;
        int inside = j < inner && search_before(s, inner_t[j]) >> s->shift == first + b;
        int crowded = j + 1 < inner && search_before(s, inner_t[j + 1]) >> s->shift == first + b;
        int32_t rest = search_rest(inside ? search_before(s, inner_t[j]) : -1, s->shift);
        entry_b[b] = rest | (crowded ? CROWDED : 0) | ALWAYS | (everywhere + j);
    }
    s->entry_b = entry_b - first, s->bounded_t = bounded_t;
    return 1;
}

static inline void search_free(Search *s) { free(s->memory); }

#endif
