/* Sums over channels, and batch normalization. */
#include "driver.h"
#include "channels.h"

PART(channel_loops)
{
    static const PathTask *const TASKS_OF[] = {channel_sums_tasks, channel_moments_tasks, channel_products_tasks,
                                               normalize_tasks, normalize_backward_tasks};
    random_state = 8;
    for (int64_t c = 1; c < 100; c += 33)
        for (int task = 0; task < 5; task++) {
            int64_t ways = 4, rows = 203;
            size_t size = (size_t)(rows * c);
            Channels f = {.x = floats((int64_t)size, 0), .g = floats((int64_t)size, 0), .y = zeros(4 * size), .rows = rows,
                          .c = c, .ways = ways, .piece = 64};
            for (int n = 0; n < 4; n++) f.constant[n] = floats(ways * c, 0);
            size_t pieces = (size_t)pieces_of(&f);
            f.memory = zeros(12 * pieces * (size_t)(ways * c));
            for (int n = 0; n < 2; n++) f.part[n] = zeros(8 * pieces * (size_t)c);
            for (int64_t p = 0; p < (int64_t)pieces; p++) TASKS_OF[task][path](&f, p);
            tell("channels", c, task, 0, f.y, 4 * size, 1);
            for (int n = 0; n < 2; n++) tell("channel sums", c, task, n, f.part[n], 8 * pieces * (size_t)c, 0);
        }
}
