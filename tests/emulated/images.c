/* Pooling. */
#include "driver.h"
#include "pooling.h"

PART(images)
{
    random_state = 7;
    for (int64_t channels = 1; channels < 70; channels += 17)
        for (int pad = 0; pad < 2; pad++)
            for (int64_t stride = 1; stride < 3; stride++) {
                Pool p = {8, 6, channels, (8 + 2 * pad - 2) / stride + 1, (6 + 2 * pad - 2) / stride + 1, 2, 2, stride, stride,
                          pad, pad};
                size_t in = (size_t)(48 * channels), out = (size_t)(p.out_height * p.out_width * channels);
                float *x = floats((int64_t)in, 0), *g = floats((int64_t)out, 0);
                float *y = zeros(4 * out), *dx = zeros(4 * in);
                max_images[path](&p, floats((int64_t)in, 1), y);
                tell("maximum", channels, pad, stride, y, 4 * out, 1);
                max_gradient_images[path](&p, x, g, dx);
                tell("maximum gradient", channels, pad, stride, dx, 4 * in, 1);
                max_choice_images[path](&p, x, floats((int64_t)in, 0), y);
                tell("maximum choice", channels, pad, stride, y, 4 * out, 1);
                mean_images[path](&p, x, y);
                tell("mean", channels, pad, stride, y, 4 * out, 1);
                mean_gradient_images[path](&p, g, dx);
                tell("mean gradient", channels, pad, stride, dx, 4 * in, 1);
            }
}
