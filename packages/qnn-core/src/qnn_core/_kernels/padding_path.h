/* The loops of padding.h, once for each path. */

#include "lanes.h"

INLINE void FN(values_of)(const Padding *p, const uint8_t *code, float *y, int64_t size)
{
    int64_t i = 0;
    if (p->entries <= 16) {
        float few[16] = {0};
        memcpy(few, p->table, 4 * (size_t)p->entries);
        for (; i + LANES <= size; i += LANES) {
            VF v = LOOKUP16(LOAD16(few), GET8(code + i));
            memcpy(y + i, &v, sizeof v);
        }
    }
    for (; i < size; i++) y[i] = p->table[code[i]];
}

/* A task is an image: it is written once, from its first byte to its last. */
static void FN(pad)(void *context, int64_t task)
{
    const Padding *p = context;
    int64_t line = p->width * p->c, side = p->pad_x * p->c, from = task * p->height * line;
    int64_t ends = p->pad_y * (line + 2 * side) + side;
    float *y = p->y + task * (p->height + 2 * p->pad_y) * (line + 2 * side);
    memset(y, 0, 4 * (size_t)ends);
    y += ends;
    for (int64_t row = 0; row < p->height; row++, from += line, y += line) {
        if (row) memset(y, 0, 8 * (size_t)side), y += 2 * side;
        if (p->code) FN(values_of)(p, p->code + from, y, line);
        else memcpy(y, p->x + from, 4 * (size_t)line);
    }
    memset(y, 0, 4 * (size_t)ends);
}
