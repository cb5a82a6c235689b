/* Images seen through an affine map.
 *
 * A point (y, x) of the output shows the image at start + (y, x) * step, between pixels by bilinear
 * interpolation, in float32. Each operation is rounded once and none is contracted, so every
 * instruction set gives the same bits. Loops of BLOCK turns over arrays of their own vectorize
 * without a remainder.
 */
#ifndef QNN_DATA_IMAGES_H
#define QNN_DATA_IMAGES_H

#include <stdint.h>

#if defined(_MSC_VER)
#define INLINE static __forceinline
#define RESTRICT __restrict
#else
#define INLINE static inline __attribute__((always_inline))
#define RESTRICT restrict
#endif

enum { BLOCK = 32 };

/* An image with its border, one pixel before and two after, and where a row of the output is in it.
 * `channels` numbers are a pixel, `stride` a row; `most` is the last point with neighbours. */
typedef struct {
    int64_t channels, stride;
    float most_y, most_x, start_y, start_x, step_y, step_x;
} View;

INLINE float limited(float x, float most)
{
    x = x > 0 ? x : 0;
    return x < most ? x : most;
}

/* Where BLOCK points are: the pixel up and left of each, and how far it is beyond that pixel. */
INLINE void locate(const View *view, int first, int32_t *at, float *part_y, float *part_x)
{
    const float stride = (float)view->stride, channels = (float)view->channels;
    for (int j = 0; j < BLOCK; j++) {
        float column = (float)(first + j);
        float y = limited(view->start_y + view->step_y * column, view->most_y);
        float x = limited(view->start_x + view->step_x * column, view->most_x);
        float row = (float)(int32_t)y, left = (float)(int32_t)x;
        part_y[j] = y - row;
        part_x[j] = x - left;
        at[j] = (int32_t)(row * stride + left * channels);
    }
}

/* Write an image; `bordered` is the one that is seen, with its border. */
INLINE void see(View view, const float *RESTRICT bordered, int64_t height, int64_t width,
                float *RESTRICT out)
{
    const float start_y = view.start_y, start_x = view.start_x;
    const int64_t channels = view.channels, stride = view.stride;
    int32_t at[BLOCK];
    float part_y[BLOCK], part_x[BLOCK];
    for (int64_t i = 0; i < height; i++) {
        view.start_y = start_y + view.step_x * (float)i;
        view.start_x = start_x - view.step_y * (float)i;
        for (int64_t first = 0; first < width; first += BLOCK) {
            int64_t count = width - first < BLOCK ? width - first : BLOCK;
            locate(&view, (int)first, at, part_y, part_x);
            for (int64_t channel = 0; channel < channels; channel++)
                for (int64_t j = 0; j < count; j++) {
                    const float *corner = bordered + at[j] + channel, *below = corner + stride;
                    float upper = corner[0] + part_x[j] * (corner[channels] - corner[0]);
                    float lower = below[0] + part_x[j] * (below[channels] - below[0]);
                    out[(i * width + first + j) * channels + channel] =
                        upper + part_y[j] * (lower - upper);
                }
        }
    }
}

static void see_base(View view, const float *bordered, int64_t height, int64_t width, float *out)
{
    see(view, bordered, height, width, out);
}

#if defined(__GNUC__) && defined(__x86_64__)
__attribute__((target("avx2"))) static void see_avx2(View view, const float *bordered,
                                                     int64_t height, int64_t width, float *out)
{
    see(view, bordered, height, width, out);
}
static int has_avx2(void) { return __builtin_cpu_supports("avx2"); }
#else
#define see_avx2 see_base
static int has_avx2(void) { return 0; }
#endif

static void to_floats(const uint8_t *RESTRICT bytes, int64_t count, float *RESTRICT out)
{
    for (int64_t i = 0; i < count; i++) out[i] = (float)bytes[i];
}

static void to_bytes(const float *RESTRICT seen, int64_t count, uint8_t *RESTRICT out)
{
    for (int64_t i = 0; i < count; i++) out[i] = (uint8_t)(int32_t)(seen[i] + 0.5f);
}

#endif
