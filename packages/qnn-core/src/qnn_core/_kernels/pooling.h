/* Pooling of images with the channels last: loops over channels, which lie side by side.
 *
 * Included by pooling.pyx. Maxima, and sums in one order for each channel: pixel by pixel, line by
 * line, in blocks. What trains, float, is
 * compiled for each path (pooling_path.h); codes, and double, which checks derivatives, are plain C.
 */
#ifndef QNN_POOLING_H
#define QNN_POOLING_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "isa.h"

typedef struct {
    int64_t height, width, channels, out_height, out_width;
    int64_t kernel_y, kernel_x, stride_y, stride_x, pad_y, pad_x;
} Pool;

/* The part of a window that lies in the image. */
typedef struct { int64_t y0, y1, x0, x1; } Span;

static inline Span span_of(const Pool *p, int64_t line, int64_t column)
{
    int64_t y = line * p->stride_y - p->pad_y, x = column * p->stride_x - p->pad_x;
    Span s = {y < 0 ? 0 : y, y + p->kernel_y, x < 0 ? 0 : x, x + p->kernel_x};
    if (s.y1 > p->height) s.y1 = p->height;
    if (s.x1 > p->width) s.x1 = p->width;
    return s;
}

/* Whether no pixel lies in two windows, and whether each lies in one. */
static inline int apart(const Pool *p)
{
    return p->stride_y >= p->kernel_y && p->stride_x >= p->kernel_x;
}

static inline int tiled(const Pool *p)
{
    return p->stride_y == p->kernel_y && p->stride_x == p->kernel_x && !p->pad_y && !p->pad_x &&
           p->out_height * p->kernel_y == p->height && p->out_width * p->kernel_x == p->width;
}

/* What gradients are written or added to starts as zeros where that makes a difference. */
static inline void clear(const Pool *p, void *to, size_t size)
{
    if (!tiled(p)) memset(to, 0, (size_t)(p->height * p->width * p->channels) * size);
}

/* Sums of floats are taken over so many pixels, and these sums added up in double: one after the
 * other, a million pixels would be off by a hundredth. */
enum { BLOCK = 64 };

/* Channels are taken CHUNK at a time, so that what is gathered stays in the first-level cache. */
enum { CHUNK = 256 };

#define POOL_NAME(name, type) name##_##type

#define EACH_WINDOW(p, type, in_pointer, out_pointer)                                            \
    for (int64_t line = 0; line < p->out_height; line++)                                         \
        for (int64_t column = 0; column < p->out_width; column++, out_pointer += p->channels) {  \
            Span s = span_of(p, line, column);

#define EACH_PIXEL                                                                               \
    for (int64_t y = s.y0; y < s.y1; y++)                                                        \
        for (int64_t x = s.x0; x < s.x1; x++) {                                                  \
            int64_t at = (y * p->width + x) * p->channels;

#define END }

#define DEFINE_MAX(type)                                                                         \
static inline void POOL_NAME(max_image, type)(const Pool *p, const type *from, type *to)         \
{                                                                                                \
    EACH_WINDOW(p, type, from, to)                                                               \
        memcpy(to, from + (s.y0 * p->width + s.x0) * p->channels,                                \
               (size_t)p->channels * sizeof(type));                                              \
        EACH_PIXEL                                                                               \
            const type *v = from + at;                                                           \
            /* a NaN stays, and is taken */                                                      \
            for (int64_t c = 0; c < p->channels; c++)                                            \
                to[c] = v[c] <= to[c] ? to[c] : v[c] == v[c] && to[c] != to[c] ? to[c] : v[c];   \
        END                                                                                      \
    END                                                                                          \
}

/* How the gradient of a maximum, or what has its shape, goes to and from the first element that is
 * the maximum. Windows may overlap: what goes to an element is added up in the windows' order. */
#define DEFINE_NUMBERS(type)                                                                      \
static inline void POOL_NAME(max_gradient_image, type)(const Pool *p, const type *value,         \
                                                       const type *g, type *to)                  \
{                                                                                                \
    memset(to, 0, (size_t)(p->height * p->width * p->channels) * sizeof(type));                  \
    EACH_WINDOW(p, type, value, g)                                                               \
        for (int64_t c0 = 0; c0 < p->channels; c0 += CHUNK) {                                    \
            int64_t n = p->channels - c0 < CHUNK ? p->channels - c0 : CHUNK;                     \
            type top[CHUNK], left[CHUNK];                                                        \
            memcpy(left, g + c0, (size_t)n * sizeof(type));                                      \
            memcpy(top, value + (s.y0 * p->width + s.x0) * p->channels + c0,                     \
                   (size_t)n * sizeof(type));                                                    \
            EACH_PIXEL                                                                           \
                const type *v = value + at + c0;                                                 \
                for (int64_t c = 0; c < n; c++) top[c] = v[c] <= top[c] ? top[c] : v[c];         \
            END                                                                                  \
            EACH_PIXEL                                                                           \
                const type *v = value + at + c0;                                                 \
                type *d = to + at + c0;                                                          \
                for (int64_t c = 0; c < n; c++) {                                                \
                    type give = v[c] == top[c] ? left[c] : 0;                                    \
                    d[c] += give;                                                                \
                    left[c] = v[c] == top[c] ? 0 : left[c];                                      \
                }                                                                                \
            END                                                                                  \
        }                                                                                        \
    END                                                                                          \
}                                                                                                \
static inline void POOL_NAME(max_choice_image, type)(const Pool *p, const type *value,           \
                                                     const type *from, type *to)                 \
{                                                                                                \
    EACH_WINDOW(p, type, value, to)                                                              \
        for (int64_t c = 0; c < p->channels; c++) {                                              \
            int64_t best = (s.y0 * p->width + s.x0) * p->channels + c;                           \
            EACH_PIXEL                                                                           \
                if (value[at + c] > value[best]) best = at + c;                                  \
            END                                                                                  \
            to[c] = from[best];                                                                  \
        }                                                                                        \
    END                                                                                          \
}                                                                                                \
static inline void POOL_NAME(mean_image, type)(const Pool *p, const type *from, type *to)        \
{                                                                                                \
    type count = (type)(p->kernel_y * p->kernel_x);                                              \
    EACH_WINDOW(p, type, from, to)                                                               \
        for (int64_t c = 0; c < p->channels; c++) to[c] = 0;                                     \
        EACH_PIXEL                                                                               \
            for (int64_t c = 0; c < p->channels; c++) to[c] += from[at + c];                     \
        END                                                                                      \
        for (int64_t c = 0; c < p->channels; c++) to[c] /= count;                                \
    END                                                                                          \
}                                                                                                \
static inline void POOL_NAME(mean_gradient_image, type)(const Pool *p, const type *g, type *to)  \
{                                                                                                \
    memset(to, 0, (size_t)(p->height * p->width * p->channels) * sizeof(type));                  \
    type count = (type)(p->kernel_y * p->kernel_x);                                              \
    EACH_WINDOW(p, type, to, g)                                                                  \
        EACH_PIXEL                                                                               \
            for (int64_t c = 0; c < p->channels; c++) to[at + c] += g[c] / count;                \
        END                                                                                      \
    END                                                                                          \
}

DEFINE_MAX(uint8_t)
DEFINE_MAX(double)
DEFINE_NUMBERS(double)

#define PATH_TEMPLATE "pooling_path.h"
#include "for_each_isa.h"

typedef void (*FromOne)(const Pool *, const void *, void *);
typedef void (*FromTwo)(const Pool *, const void *, const void *, void *);

#ifdef QNN_X86
#define EACH(name) {base_##name, avx2_##name, avx512_##name, vnni_##name}
#else
#define EACH(name) {base_##name}
#endif
static const FromOne max_images[] = EACH(max_image);
static const FromTwo max_gradient_images[] = EACH(max_gradient_image);
static const FromTwo max_choice_images[] = EACH(max_choice_image);
static const FromOne mean_images[] = EACH(mean_image);
static const FromOne mean_gradient_images[] = EACH(mean_gradient_image);

#endif
