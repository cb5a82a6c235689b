/* The element-wise loops of a training step. */
#include "driver.h"
#include "training.h"

static void fakes(int path, int count, int even, int own)
{
    int64_t rows = own ? 5 : 1, length = own ? 4099 : 5 * 4099, size = rows * length, pieces = rows * pieces_in(length);
    float *t = floats(count + 2, 0), *level = floats(count + 1, 0), *scale = floats(rows, 0), at = -2;
    t[0] = -INFINITY, t[count + 1] = NAN, level[0] = -2.25f;
    for (int j = 1; j <= count; j++) {
        t[j] = at, at += even ? 0.5f : 0.01f + (float)(random_bits() % 99) / 64;
        level[j] = even ? t[j] + 0.25f : (t[j] + at) / 2;
    }
    for (int64_t r = 0; r < rows; r++) scale[r] = ldexpf(1.0f + (float)(random_bits() % 64) / 64, r == 4 ? -120 : (int)r - 2);
    Fake f = {.x = floats(size, 1), .scale_r = scale, .shift_r = floats(rows, 0), .rows = rows, .length = length,
              .own_qparams = own, .qparams_r = zeros(sizeof(QParams) * (size_t)rows), .threshold_t = t, .count = count,
              .per_step = even ? 2.0f : 0, .level_l = level, .first = level[0], .step = even ? 0.5f : 0,
              .code = zeros((size_t)size), .value = zeros(4 * (size_t)size), .bad_p = zeros(8)};
    if (!even && !search_make(&f.search, t + 1, count)) abort();
    float *x = (float *)f.x;
    for (int64_t i = 0; i < size; i++) if (i % 3 == 0) x[i] = scale[own ? i / length : 0] * t[1 + i % (count + 0)];
    for (int64_t r = 0; r < rows; r++) fake_qparams_tasks[path](&f, r);
    for (int64_t p = 0; p < pieces; p++) fake_forward_tasks[path](&f, p);
    tell("codes", count, even, own, f.code, (size_t)size, 0);
    tell("values", count, even, own, f.value, 4 * (size_t)size, 1);
    tell("bad", count, even, own, f.bad_p, 8, 0);
    f.g = floats(size, 0), f.dx = zeros(4 * (size_t)size), f.scale_gradient = zeros(4 * (size_t)size);
    f.shift_gradient = zeros(4 * (size_t)size);
    f.scale_p = zeros(8 * (size_t)pieces), f.shift_p = zeros(8 * (size_t)pieces);
    for (int64_t i = 0; i < size; i++) if (x[i] - x[i] != 0) x[i] = 0.125f;
    for (int64_t r = 0; r < rows; r++) fake_qparams_tasks[path](&f, r);
    for (int64_t p = 0; p < pieces; p++) fake_backward_tasks[path](&f, p), fake_slopes_tasks[path](&f, p);
    tell("dx", count, even, own, f.dx, 4 * (size_t)size, 1);
    tell("slope", count, even, own, f.scale_gradient, 4 * (size_t)size, 1);
    tell("shift slope", count, even, own, f.shift_gradient, 4 * (size_t)size, 1);
    tell("scale", count, even, own, f.scale_p, 8 * (size_t)pieces, 0);
    tell("shift", count, even, own, f.shift_p, 8 * (size_t)pieces, 0);
}

static void updates(int path)
{
    static const PathTask *const RULES[] = {sgd_tasks, sgd_momentum_tasks, adam_tasks};
    for (int rule = 0; rule < 3; rule++) {
        int64_t size = 9001;
        Update u = {.w = floats(size, 0), .g = floats(size, 0), .slot = {floats(size, 0), floats(size, 0)}, .size = size,
                    .rate = 0.01f, .decay = 1e-4f, .low = -1, .high = 30, .keep = 0.9f, .ahead = 1, .along = 0.9f,
                    .keep1 = 0.9f, .take1 = 0.1f, .keep2 = 0.999f, .take2 = 0.001f, .inverse_root = 3, .shrink = 0.999f,
                    .epsilon = 1e-8f};
        for (int64_t i = 0; i < size; i++) u.slot[1][i] = fabsf(u.slot[1][i]);
        for (int64_t p = 0; p < pieces_in(size); p++) RULES[rule][path](&u, p);
        tell("update", rule, 0, 0, u.w, 4 * (size_t)size, 1);
        tell("kept", rule, 0, 0, u.slot[0], 4 * (size_t)size, 1);
    }
}

static void maps(int path)
{
    int64_t size = 9001;
    Map map = {floats(size, 1), floats(size, 1), zeros(4 * (size_t)size), size};
    for (int64_t p = 0; p < pieces_in(size); p++) relu_tasks[path](&map, p);
    tell("relu", 0, 0, 0, map.y, 4 * (size_t)size, 1);
    for (int64_t p = 0; p < pieces_in(size); p++) relu_backward_tasks[path](&map, p);
    tell("relu backward", 0, 0, 0, map.y, 4 * (size_t)size, 1);
    for (int entries = 1; entries <= 256; entries *= 2) {
        uint8_t *code = bytes((size_t)size);
        for (int64_t i = 0; i < size; i++) code[i] = (uint8_t)(code[i] % entries);
        Lookup look = {code, floats(entries, 1), entries, map.y, size};
        for (int64_t p = 0; p < pieces_in(size); p++) lookup_tasks[path](&look, p);
        tell("lookup", entries, 0, 0, map.y, 4 * (size_t)size, 1);
    }
    for (int64_t columns = 1; columns < 200; columns += 33) {
        float *x = floats(20 * columns, 0);
        Entropy e = {.x = x, .label = whole(20, columns), .columns = columns, .factor = 0.05f,
                     .gradient = zeros(4 * (size_t)(20 * columns))};
        for (int64_t r = 0; r < 20; r++) entropy_tasks[path](&e, r);
        tell("entropy", columns, 0, 0, e.gradient, 4 * (size_t)(20 * columns), 1);
    }
}

PART(training)
{
    static const int COUNTS[] = {1, 2, 3, 5, 7, 14, 15, 16, 17, 31, 62, 127, 254, 255};
    random_state = 5;
    for (size_t i = 0; i < sizeof COUNTS / sizeof *COUNTS; i++)
        for (int even = 0; even < 2; even++)
            for (int own = 0; own < 2; own++) fakes(path, COUNTS[i], even, own);
    updates(path);
    maps(path);
}
