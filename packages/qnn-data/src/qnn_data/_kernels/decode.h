/* Pixels to numbers, by a table: the compiler is told that nothing overlaps. */
#ifndef QNN_DATA_DECODE_H
#define QNN_DATA_DECODE_H

#include <stdint.h>

#if defined(_MSC_VER)
#define RESTRICT __restrict
#else
#define RESTRICT restrict
#endif

static void look_up(const uint8_t *RESTRICT pixel_n, const float *RESTRICT table_v, int64_t count,
                    float *RESTRICT out_n)
{
    for (int64_t i = 0; i < count; i++) out_n[i] = table_v[pixel_n[i]];
}

#endif
