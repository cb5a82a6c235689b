/* What the parts of the driver share: numbers to try, and how results are told.
 *
 * The driver runs the loops of the kernels' headers without Python, so that they can be built for
 * another processor, or with instructions that this one does not have, and run in an emulator. Each
 * result is a line: what was computed, and a hash of its bits.
 */
#ifndef QNN_DRIVER_H
#define QNN_DRIVER_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state;

/* SplitMix64 (Steele, Lea, Flood 2014). */
static inline uint64_t random_bits(void)
{
    uint64_t z = random_state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Of both signs: whole, common, subnormal, zero, and with `wild` also huge, infinite and NaN. */
static inline float random_float(int wild)
{
    uint64_t bits = random_bits();
    float sign = bits & 1 ? -1.0f : 1.0f, part = (float)(bits >> 40) / 16777216.0f;
    switch ((bits >> 1) % (wild ? 16 : 13)) {
    case 0: return sign * 0.0f;
    case 1: case 2: return sign * ldexpf(part, -130);
    case 3: case 4: case 5: return sign * (float)(bits >> 60);
    case 13: return sign * 3e38f * part;
    case 14: return sign * INFINITY;
    case 15: return NAN;
    default: return sign * ldexpf(part, (int)((bits >> 32) % 12) - 6);
    }
}

/* Memory that is never given back, of bytes that are the same each time. */
static inline void *bytes(size_t size)
{
    uint8_t *made = aligned_alloc(64, (size + 127) / 64 * 64);
    if (!made) abort();
    for (size_t i = 0; i < size; i++) made[i] = (uint8_t)random_bits();
    return made;
}

static inline float *floats(int64_t count, int wild)
{
    float *made = bytes(4 * (size_t)count + 64);
    for (int64_t i = 0; i < count; i++) made[i] = random_float(wild);
    return made;
}

static inline int64_t *whole(int64_t count, int64_t below)
{
    int64_t *made = bytes(8 * (size_t)count);
    for (int64_t i = 0; i < count; i++) made[i] = (int64_t)(random_bits() % (uint64_t)below);
    return made;
}

static inline void *zeros(size_t size) { return memset(bytes(size), 0, size); }

/* FNV-1a. Which bits a NaN has differs among processors, and nothing depends on it. */
static inline uint64_t hash_of(const void *data, size_t size, int is_float)
{
    uint64_t hash = 0xCBF29CE484222325u;
    const uint8_t *at = data;
    for (size_t i = 0; i < size; i++) {
        float value = 0;
        if (is_float) memcpy(&value, at + i / 4 * 4, 4);
        hash = (hash ^ (value == value ? at[i] : 0x7F)) * 0x100000001B3u;
    }
    return hash;
}

static inline void tell(const char *what, int64_t a, int64_t b, int64_t c, const void *data,
                        size_t size, int is_float)
{
    printf("%s %lld %lld %lld %016llx\n", what, (long long)a, (long long)b, (long long)c,
           (unsigned long long)hash_of(data, size, is_float));
}

/* Each begins with the same numbers. */
#define PART(name) \
    void name(int path); \
    void name(int path)

#endif
