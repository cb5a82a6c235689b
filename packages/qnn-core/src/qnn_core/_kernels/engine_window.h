/* Windows on images: rows of patches gathered from them.
 *
 * Included by engine_path.h, once for each path.
 */

/* Most runs are short, and a call of memcpy takes as long as they do: two moves that overlap. */
INLINE void FN(move)(char *to, const char *from, size_t n)
{
#define TWO(size) \
    { char a[size], b[size]; \
      memcpy(a, from, size); memcpy(b, from + n - size, size); \
      memcpy(to, a, size); memcpy(to + n - size, b, size); return; }
    if (n > 128) { memcpy(to, from, n); return; }
    if (n > 64) TWO(64)
    if (n >= 32) TWO(32)
    if (n >= 16) TWO(16)
    if (n >= 8) TWO(8)
    if (n >= 4) TWO(4)
#undef TWO
    for (size_t i = 0; i < n; i++) to[i] = from[i];
}

/* Where the window of an output pixel begins; pixels are counted through all images. */
typedef struct { int64_t image, y, x, column, line; } FN(place);

INLINE FN(place) FN(place_of)(const Windows *w, int64_t row)
{
    int64_t line = row / w->out_width, image = line / w->out_height;
    FN(place) p = {image, (line % w->out_height) * w->stride_y - w->pad_y,
                   (row % w->out_width) * w->stride_x - w->pad_x, row % w->out_width,
                   line % w->out_height};
    return p;
}

INLINE void FN(next_place)(const Windows *w, FN(place) *p)
{
    p->x += w->stride_x;
    if (++p->column < w->out_width) return;
    p->column = 0, p->x = -w->pad_x, p->y += w->stride_y;
    if (++p->line < w->out_height) return;
    p->line = 0, p->y = -w->pad_y, p->image++;
}

/* One line of a window: pixels `x, x + step_x, ...`, of which those outside are filled. */
INLINE void FN(gather_line)(const Windows *w, const char *line, int64_t x, uint8_t fill, char *to)
{
    int64_t n = w->kernel_x, part = w->pixel, first = 0, stop = n;
    if (w->step_x == 1) {
        if (x < 0) first = -x < n ? -x : n;
        if (x + n > w->width) stop = w->width - x;
        if (stop < first) stop = first;
        if (first) memset(to, fill, (size_t)(first * part));
        FN(move)(to + first * part, line + (x + first) * part, (size_t)((stop - first) * part));
        if (stop < n) memset(to + stop * part, fill, (size_t)((n - stop) * part));
        return;
    }
    for (int64_t k = 0; k < n; k++, x += w->step_x)
        if (x < 0 || x >= w->width) memset(to + k * part, fill, (size_t)part);
        else FN(move)(to + k * part, line + x * part, (size_t)part);
}

/* A window that is inside of the image, of all planes. */
INLINE char *FN(gather_inside)(const Windows *w, const char *from, size_t run, char *to)
{
    int64_t line = w->step_y * w->width * w->pixel;
    for (int b = 0; b < w->planes; b++, from += w->plane, to += w->tail) {
        for (int64_t k = 0; k < w->kernel_y; k++, to += run) FN(move)(to, from + k * line, run);
        if (w->tail) memset(to, 0, (size_t)w->tail);
    }
    return to;
}

/* A window of which parts are outside. */
INLINE char *FN(gather_across)(const Windows *w, const char *image, FN(place) p, size_t run, char *to)
{
    for (int b = 0; b < w->planes; b++, to += w->tail) {
        for (int64_t k = 0, at = p.y; k < w->kernel_y; k++, at += w->step_y, to += run) {
            if (at < 0 || at >= w->height) memset(to, w->fill[b], run);
            else
                FN(gather_line)(w, image + at * w->width * w->pixel + b * w->plane, p.x, w->fill[b],
                                to);
        }
        if (w->tail) memset(to, 0, (size_t)w->tail);
    }
    return to;
}

/* Images become rows of patches: row r is the window of output pixel `row + r`. */
static void FN(gather)(const Step *s, Buffer x, Buffer y, int64_t row, int rows)
{
    const Windows *w = &s->windows;
    size_t run = (size_t)(w->kernel_x * w->pixel);
    int64_t reach = (w->kernel_y - 1) * w->step_y + 1;
    FN(place) p = FN(place_of)(w, row);
    for (int r = 0; r < rows; r++, FN(next_place)(w, &p)) {
        char *start = y.data + r * y.stride, *to = start;
        const char *image = x.data + p.image * w->planes * w->plane;
        if (w->step_x == 1 && p.x >= 0 && p.x + w->kernel_x <= w->width && p.y >= 0 &&
            p.y + reach <= w->height)
            to = FN(gather_inside)(w, image + (p.y * w->width + p.x) * w->pixel, run, to);
        else to = FN(gather_across)(w, image, p, run, to);
        /* Products read whole words. */
        for (; (to - start) % 4 && to < start + y.stride; to++) *to = 0;
    }
}
