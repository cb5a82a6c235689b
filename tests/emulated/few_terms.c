/* Gradients by inputs that are mostly one number. */
#include "driver.h"
#include "sparse.h"

PART(few_terms)
{
    static const int64_t SIZES[][3] = {{1, 1, 1}, {7, 5, 65}, {40, 129, 70}, {33, 300, 64}};
    random_state = 4;
    for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
        int64_t m = SIZES[i][0], n = SIZES[i][1], k = SIZES[i][2], tasks = panels_in(k) * chunks_in(n);
        float *x = floats(m * k, 0);
        float ground = i < 2 ? 0 : -0.5f;
        for (int64_t e = 0; e < m * k; e++) if (random_bits() % 3) x[e] = ground;
        uint8_t *code = bytes((size_t)(n * k));
        for (int64_t e = 0; e < n * k; e++) code[e] &= 15;
        Sparse s = {.x = x, .slope = i % 2 ? floats(m * k, 0) : NULL, .g = floats(m * n, 0), .dw = zeros(4 * (size_t)(n * k)),
                    .m = m, .n = n, .k = k, .x0 = ground, .slope0 = i % 2 ? 0.25f : 0,
                    .chunk = zeros(4 * (size_t)(CHUNK * chunks_in(n) * m)),
                    .sum_n = zeros(4 * (size_t)(CHUNK * chunks_in(n))),
                    .count_k = zeros(8 * (size_t)k), .entry_km = zeros(sizeof(Entry) * (size_t)(k * m)), .code_nk = code,
                    .level = floats(16, 0), .scale_n = floats(n, 0), .shift_n = floats(n, 0),
                    .total_p = zeros(8 * (size_t)tasks)};
        count_tasks[path](&s, 0);
        for (int64_t task = 0; task < chunks_in(n); task++) chunk_tasks[path](&s, task);
        for (int64_t task = 0; task < panels_in(k); task++) terms_tasks[path](&s, task);
        for (int64_t task = 0; task < tasks; task++) sparse_tasks[path](&s, task);
        tell("sparse", m, n, s.some, s.dw, 4 * (size_t)(n * k), 1);
        tell("sparse totals", m, n, k, s.total_p, 8 * (size_t)tasks, 0);
        s.dw = NULL, s.slope = NULL, s.slope0 = 0;
        for (int64_t task = 0; task < panels_in(k); task++) terms_tasks[path](&s, task);
        for (int64_t task = 0; task < tasks; task++) sparse_tasks[path](&s, task);
        tell("sparse totals of x", m, n, k, s.total_p, 8 * (size_t)tasks, 0);
    }
}
