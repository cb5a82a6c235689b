/* The steps of the engine. */
#include "driver.h"
#include "engine_dispatch.h"

static const int64_t LENGTHS[] = {0, 1, 3, 31, 64, 65, 200, 1100}, COLUMNS[] = {1, 63, 64, 65, 190};
static const int ROWS_OF[] = {1, 2, 5, 6, 7, 64};
#define EACH_OF(name, list) for (size_t name = 0; name < sizeof list / sizeof *list; name++)

static int32_t *ints(int64_t count) { return bytes(4 * (size_t)count); }

/* Thresholds that ascend, between -infinity and NaN. */
static float *thresholds(int count, int even)
{
    float *made = floats(count + 2, 0), at = -3;
    made[0] = -INFINITY;
    for (int j = 1; j <= count; j++) made[j] = at, at += even ? 0.375f : 0.01f + (float)(random_bits() % 99) / 64;
    made[count + 1] = NAN;
    return made;
}

static Requantizer requantizer(int format, int bits, int count, int even)
{
    Requantizer d = {.format = format, .bits = bits, .count = count};
    int32_t *gain = ints(count + 1);
    int16_t *element = bytes(2 * 256);
    for (int j = 0; j < 256; j++) element[j] = (int16_t)j;
    for (int j = 0; j < count; j++) gain[j] = 1;
    d.gain_t = gain, d.element_l = element, d.elements = count + 1;
    d.float_t = thresholds(count, even);
    if (!even && !search_make(&d.search, d.float_t + 1, count)) abort();
    d.per_step = even ? 1 / 0.375f : 0;
    return d;
}

static size_t row_size(int format, int bits, int64_t n)
{
    if (format == ROW_FLOAT) return 4 * (size_t)n;
    return format == ROW_BITS ? 4 * (size_t)bits * plane_words(n) : (size_t)padded(n) * (format == ROW_UINT8 ? 1 : 2);
}

static void encodes(int path)
{
    static const int FORMATS_OF[] = {ROW_BITS, ROW_UINT8, ROW_INT16};
    EACH_OF(c, COLUMNS) EACH_OF(f, FORMATS_OF) for (int bits = 1; bits <= 8; bits++) for (int even = 0; even < 2; even++) {
        int64_t n = COLUMNS[c];
        Step s = {.op = STEP_ENCODE, .n = n, .requantizer = requantizer(FORMATS_OF[f], bits, (1 << bits) - 1, even)};
        size_t size = row_size(FORMATS_OF[f], bits, n);
        Buffer x = {(char *)floats(5 * n, even), 4 * (size_t)n}, y = {zeros(5 * size), size};
        int64_t bad = PATHS[path].step(&s, x, y, 0, 5);
        tell("encode", n, bits, bad, y.data, 5 * size, 0);
    }
}

static void chains(int path)
{
    for (int op = CHAIN_ADD; op <= CHAIN_SIGMOID; op++) {
        Link link = {op, floats(192, 0)};
        Step s = {.op = STEP_CHAIN, .n = 190, .links = 1, .link = &link};
        Buffer x = {(char *)floats(5 * 190, 1), 760}, y = {zeros(5 * 760), 760};
        PATHS[path].step(&s, x, y, 0, 5);
        tell("chain", op, 0, 0, y.data, 5 * 760, 1);
    }
}

static Product product_of(int kind, int x_bits, int w_bits, int64_t k, int64_t n)
{
    static const int PER_WORD[] = {32, 32, 4, 2, 1, 8};
    int planes = kind == KIND_TERNARY ? 2 : kind == KIND_AND ? w_bits : 1;
    size_t words = (size_t)((k + PER_WORD[kind] - 1) / PER_WORD[kind]) * (size_t)planes * (size_t)padded(n);
    Product p = {.kind = kind, .x_bits = x_bits, .w_bits = w_bits, .k = k, .n = n};
    p.panels = kind == KIND_FLOAT ? (void *)floats((int64_t)words, 0) : bytes(4 * words);
    p.levels = floats(16, 0);
    p.alpha = (int32_t)random_bits() % 5;
    p.row_factor = kind == KIND_AND || kind == KIND_INT8 ? (int32_t)random_bits() % 300 : 0;
    p.offset_n = ints(padded(n));
    p.scale_n = floats(padded(n), 0);
    p.bias_n = floats(padded(n), 0);
    return p;
}

/* The bits beyond k are zero, as in rows that the engine makes. */
static char *elements(int kind, int bits, int64_t k, int rows, size_t size)
{
    if (kind >= KIND_FLOAT) return (char *)floats(k * rows, 0);
    char *made = bytes(size * (size_t)rows);
    int format = kind <= KIND_TERNARY ? ROW_BITS : kind == KIND_INT8 ? ROW_UINT8 : ROW_INT16;
    for (int r = 0; r < rows; r++)
        for (size_t i = 0; i < size; i++) {
            size_t plane = size / (size_t)bits, at = format == ROW_BITS ? i % plane * 8 : format == ROW_UINT8 ? i : i / 2;
            int64_t left = k - (int64_t)at;
            char *byte = made + (size_t)r * size + i;
            if (left <= 0) *byte = 0;
            else if (format == ROW_BITS && left < 8) *byte = (char)(*byte & ((1 << left) - 1));
        }
    return made;
}

static void multiply(int path, int kind, int x_bits, int w_bits)
{
    EACH_OF(l, LENGTHS) EACH_OF(c, COLUMNS) EACH_OF(m, ROWS_OF) {
        int64_t k = LENGTHS[l], n = COLUMNS[c];
        int rows = ROWS_OF[m], bits = kind == KIND_AND ? x_bits : 1;
        int format = kind <= KIND_TERNARY ? ROW_BITS : kind == KIND_INT8 ? ROW_UINT8 : kind == KIND_INT16 ? ROW_INT16 : ROW_FLOAT;
        size_t size = row_size(format, bits, k);
        Step s = {.op = STEP_PRODUCT, .out = ROW_FLOAT, .product = product_of(kind, x_bits, w_bits, k, n)};
        Buffer x = {elements(kind, bits, k, rows, size), size}, y = {zeros(4 * (size_t)(rows * n)), 4 * (size_t)n};
        PATHS[path].step(&s, x, y, 0, rows);
        tell("product", kind, k, n, y.data, 4 * (size_t)(rows * n), 1);
        if (kind >= KIND_FLOAT || m % 2) continue;
        for (int out = ROW_BITS; out <= ROW_INT16; out++) {
            s.out = out;
            s.requantizer = requantizer(out, 2, 3, 0);
            s.requantizer.sum_tn = ints(3 * padded(n));
            s.requantizer.flip_n = random_bits() & 1 ? ints(padded(n)) : NULL;
            size_t bytes_of = row_size(out, 2, n);
            Buffer z = {zeros((size_t)rows * bytes_of), bytes_of};
            PATHS[path].step(&s, x, z, 0, rows);
            tell("codes of product", kind, k, n, z.data, (size_t)rows * bytes_of, 0);
        }
    }
}

static void layouts(int path)
{
    EACH_OF(c, COLUMNS) for (int format = ROW_BITS; format <= ROW_INT16; format++) for (int mapped = 0; mapped < 3; mapped++) {
        int64_t n = COLUMNS[c];
        int16_t element[256];
        for (int j = 0; j < 256; j++) element[j] = (int16_t)(255 - j);
        Step s = {.op = STEP_LAYOUT, .n = n, .requantizer = {.format = format, .bits = 4}};
        if (mapped) s.requantizer.element_l = element, s.requantizer.elements = mapped == 1 ? 16 : 256;
        uint8_t *codes = bytes((size_t)(5 * n));
        for (int64_t i = 0; i < 5 * n; i++) codes[i] &= 15;
        size_t size = row_size(format, 4, n);
        Buffer x = {(char *)codes, (size_t)n}, y = {zeros(5 * size), size};
        PATHS[path].step(&s, x, y, 0, 5);
        tell("layout", n, format, mapped, y.data, 5 * size, 0);
    }
}

static void windows(int path)
{
    for (int pixel = 1; pixel < 70; pixel += 17) for (int step = 1; step < 3; step++) for (int pad = 0; pad < 2; pad++) {
        Windows w = {.height = 9, .width = 7, .kernel_y = 3, .kernel_x = 2, .stride_y = 2, .stride_x = 1,
                     .pad_y = pad, .pad_x = pad, .step_y = step, .step_x = step, .pixel = pixel, .tail = 5,
                     .planes = 2, .fill = {7, 255}};
        w.out_height = (9 + 2 * pad - step * 2 - 1) / 2 + 1, w.out_width = 7 + 2 * pad - step;
        w.plane = 63 * pixel;
        size_t size = (size_t)(2 * (6 * pixel + 5) + 11);
        int64_t rows = 2 * w.out_height * w.out_width;
        Step s = {.op = STEP_GATHER, .windows = w};
        Buffer x = {bytes((size_t)(4 * w.plane)), 0}, y = {zeros((size_t)rows * size), size};
        PATHS[path].step(&s, x, y, 0, (int)rows);
        tell("gather", pixel, step, pad, y.data, (size_t)rows * size, 0);
    }
}

static void prepack_weights(int path, int format, int planes)
{
    EACH_OF(l, LENGTHS) EACH_OF(c, COLUMNS) {
        int64_t k = LENGTHS[l], n = COLUMNS[c], per_word = format == ROW_BITS ? 32 : 4, panels = panels_in(n);
        if (!k) continue;
        Weigh w = {.codes = bytes((size_t)(n * k)), .n = n, .words = (k + per_word - 1) / per_word, .planes = planes};
        w.layout.n = k;
        w.layout.requantizer.format = format, w.layout.requantizer.bits = planes;
        w.stride = row_size(format, planes, k);
        w.plane_words = w.stride / 4 / (size_t)planes;
        w.memory = zeros((size_t)panels * PANEL * w.stride);
        size_t size = 4 * (size_t)(panels * w.words * planes * PANEL);
        w.panels = zeros(size);
        w.sum_np = zeros(4 * (size_t)(n * planes));
        for (int64_t task = 0; task < panels; task++) PATHS[path].prepack_weights(&w, task);
        tell("prepack_weights", planes, k, n, w.panels, size, 0);
        tell("prepack_weights sums", planes, k, n, w.sum_np, 4 * (size_t)(n * planes), 0);
    }
}

PART(engine)
{
    random_state = 1;
    encodes(path);
    chains(path);
    layouts(path);
    windows(path);
    prepack_weights(path, ROW_BITS, 1);
    prepack_weights(path, ROW_BITS, 3);
    prepack_weights(path, ROW_UINT8, 1);
    multiply(path, KIND_AND, 1, 1);
    multiply(path, KIND_AND, 3, 2);
    multiply(path, KIND_AND, 8, 2);
    multiply(path, KIND_TERNARY, 1, 2);
    multiply(path, KIND_INT16, 16, 16);
    multiply(path, KIND_FLOAT, 32, 32);
    multiply(path, KIND_TABLE, 32, 4);
    /* Bytes are multiplied by the portable path and by the last: at the end, so that what other
     * paths leave out changes no number of theirs. */
    random_state = 2;
    if (path == 0 || PATHS[path].k_per_int_word == 4) multiply(path, KIND_INT8, 8, 8);
}
