/* Gradients of a convolution's input. */
#include "driver.h"
#include "convolution.h"

PART(convolutions)
{
    random_state = 6;
    for (int64_t c = 16; c <= 144; c += 32)
        for (int64_t n = 1; n < 200; n += 66) {
            int64_t taps = 4, outputs = 9, pixels = 16, first[] = {0, 9, 18, 27, 36}, from[36], to[36];
            for (int64_t t = 0; t < taps; t++)
                for (int64_t p = 0; p < 9; p++) from[t * 9 + p] = p, to[t * 9 + p] = (p / 3 + t / 2) * 4 + p % 3 + t % 2;
            Spread s = {floats(2 * outputs * n, 0), floats(taps * n * c, 0), zeros(4 * (size_t)(2 * pixels * c)), first, from,
                        to, taps, n, c, outputs, pixels};
            for (int64_t task = 0; task < 2 * spread_panels(&s); task++) spread_tasks[path](&s, task);
            tell("spread", c, n, 0, s.x, 4 * (size_t)(2 * pixels * c), 1);
        }
    for (int64_t c = 1; c < 4; c++) {
        /* Windows of 2 x 2 on images of 6 x 5, framed by one line and one column of zeros. */
        int64_t n = 3, line = 6, plane = 64, shift[] = {7, 6, 1, 0};
        Few f = {.g = floats(2 * 20 * n, 0), .w = floats(c * 4 * n, 0), .x = zeros(4 * (size_t)(2 * 30 * c)),
                 .memory = zeros(4 * (size_t)(n * plane + PLANE_ROOM)), .shift_t = shift, .images = 2, .tasks = 1, .taps = 4,
                 .n = n, .c = c, .out_height = 5, .out_width = 4, .height = 6, .width = 5, .line = line, .plane = plane,
                 .first = 7, .step_y = line, .step_x = 1};
        few_tasks[path](&f, 0);
        tell("few", c, n, 0, f.x, 4 * (size_t)(2 * 30 * c), 1);
    }
}
