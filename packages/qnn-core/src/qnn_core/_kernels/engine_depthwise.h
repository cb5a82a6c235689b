/* Convolutions of each channel alone, straight from the images.
 *
 * Lanes are channels, and two pixels under the window are one word of a lane, as two elements are
 * where int16 are multiplied: the weights lie as those of KIND_INT16, a row for each channel.
 *
 * Included by engine_path.h, once for each path.
 */

/* Elements of a pixel as 32-bit lanes; with their sign, if they have one. */
INLINE VU FN(elements)(const int size, const char *from)
{
    if (size == 1) return FN(widened)((const uint8_t *)from);
#if LANES == 1
    int16_t one;
    memcpy(&one, from, sizeof one);
    return (VU)(VI)one;
#else
    FN(vi16) few;
    memcpy(&few, from, sizeof few);
    return (VU)CONVERT(few, VI);
#endif
}

INLINE void FN(add_pair)(const int size, VU *sum, const char *a, const char *b, const uint32_t *w)
{
    UNROLL for (int v = 0; v < VECTORS; v++) {
        VU low = FN(elements)(size, a + v * LANES * size), high = FN(elements)(size, b + v * LANES * size);
        sum[v] = DOT16(sum[v], (low & 0xFFFFu) | (high << 16), FN(load)(w + v * LANES));
    }
}

/* The sums of the channels of a panel under one window. `outside` is a pixel that is not there. */
INLINE void FN(depthwise_sums)(const int size, const int cut, const Windows *w, FN(place) at,
                               const char *image, const char *outside, int64_t columns,
                               const uint32_t *weights, int32_t *acc)
{
    char few[2][2 * PANEL] = {{0}};
    const char *pixel[2] = {outside, outside};
    VU sum[VECTORS];
    UNROLL for (int v = 0; v < VECTORS; v++) sum[v] = FN(splat)(0);
    int64_t tap = 0;
    for (int64_t i = 0, y = at.y; i < w->kernel_y; i++, y += w->step_y) {
        int there = y >= 0 && y < w->height;
        const char *line = there ? image + y * w->width * w->pixel : NULL;
        for (int64_t j = 0, x = at.x; j < w->kernel_x; j++, x += w->step_x, tap++) {
            int side = (int)(tap & 1);
            const char *from = there && x >= 0 && x < w->width ? line + x * w->pixel : outside;
            if (cut) from = memcpy(few[side], from, (size_t)(columns * size));
            pixel[side] = from;
            if (side) FN(add_pair)(size, sum, pixel[0], pixel[1], weights + (tap >> 1) * PANEL);
        }
    }
    /* The second weight of the last word is 0: what is beside it does not matter. */
    if (tap & 1) FN(add_pair)(size, sum, pixel[0], pixel[0], weights + (tap >> 1) * PANEL);
    memcpy(acc, sum, sizeof sum);
}

static void FN(depthwise)(const Step *s, Buffer x, Buffer y, int64_t row, int rows)
{
    const Product *p = &s->product;
    const Windows *w = &s->windows;
    int size = p->x_bits == 8 ? 1 : 2;
    int64_t words = (p->k + 1) / 2;
    int32_t acc[BLOCK_ROWS * PANEL], total[BLOCK_ROWS] = {0};
    char outside[2 * PANEL];
    memset(outside, w->fill[0], sizeof outside);
    for (int64_t n0 = 0; n0 < p->n; n0 += PANEL) {
        int64_t columns = p->n - n0 < PANEL ? p->n - n0 : PANEL;
        const uint32_t *weights = (const uint32_t *)p->panels + n0 * words;
        FN(place) at = FN(place_of)(w, row);
        for (int r = 0; r < rows; r++, FN(next_place)(w, &at)) {
            const char *image = x.data + at.image * w->plane + n0 * size;
            int32_t *to = acc + r * PANEL;
#define SUMS(size, cut) FN(depthwise_sums)(size, cut, w, at, image, outside, columns, weights, to)
            if (columns < PANEL) {
                if (size == 1) SUMS(1, 1);
                else SUMS(2, 1);
            } else if (size == 1) SUMS(1, 0);
            else SUMS(2, 0);
#undef SUMS
        }
        FN(finish)(s, acc, n0, total, rows, y);
    }
}
