/* The net of _boards_cmsis_nn.py, by calls of CMSIS-NN's int8 kernels; weights.h is made there. */
#include "arm_nnfunctions.h"
#include "weights.h"

typedef uint32_t __attribute__((may_alias)) word;

/* Four words at a time, about as that of newlib; a Cortex-M4 needs them not aligned. */
void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    int8_t *y = to;
    const int8_t *x = from;
    for (; size >= 16; size -= 16, x += 16, y += 16) {
        const word *source = (const word *)x;
        word *sink = (word *)y;
        word a = source[0], b = source[1], c = source[2], d = source[3];
        sink[0] = a, sink[1] = b, sink[2] = c, sink[3] = d;
    }
    while (size--) *y++ = *x++;
    return to;
}

enum { MOST_CHANNELS = 32, CLASSES = 10 };

/* One scale for all: 2^-7 of the sums, by an exact product. */
static const int32_t multipliers[MOST_CHANNELS] = {
    [0 ... MOST_CHANNELS - 1] = 1 << 30,
};
static const int32_t shifts[MOST_CHANNELS] = { [0 ... MOST_CHANNELS - 1] = -8 };
static const int32_t biases[MOST_CHANNELS] = { 0 };

static int8_t buffer_a[14 * 14 * 16], buffer_b[14 * 14 * 16];
static int32_t work[512]; /* what the kernels lay patches out in */

static const cmsis_nn_per_channel_quant_params scales = {
    (int32_t *)multipliers, (int32_t *)shifts,
};
static const cmsis_nn_activation relu = { -128, 127 };

static int fits(int32_t size)
{
    return size <= (int32_t)sizeof work;
}

/* A convolution with padding, from a side x side image; its stride is 1 or 2. */
static int convolve(const int8_t *x, int32_t side, int32_t in, int32_t kernel, int32_t stride,
                    int32_t out, const int8_t *weights, int8_t *y)
{
    const int32_t padding = kernel / 2, end = (side + stride - 1) / stride;
    const cmsis_nn_context context = { work, sizeof work };
    const cmsis_nn_conv_params params = {
        128, -128, { stride, stride }, { padding, padding }, { 1, 1 }, relu,
    };
    const cmsis_nn_dims x_dims = { 1, side, side, in }, w_dims = { out, kernel, kernel, in };
    const cmsis_nn_dims b_dims = { 1, 1, 1, out }, y_dims = { 1, end, end, out };
    if (!fits(arm_convolve_wrapper_s8_get_buffer_size(&params, &x_dims, &w_dims, &y_dims))) return 1;
    return arm_convolve_wrapper_s8(&context, &params, &scales, &x_dims, x, &w_dims, weights,
                                   &b_dims, biases, &y_dims, y);
}

static int depthwise(const int8_t *x, int32_t side, int32_t channels, int32_t stride,
                     const int8_t *weights, int8_t *y)
{
    const int32_t end = (side + stride - 1) / stride;
    const cmsis_nn_context context = { work, sizeof work };
    const cmsis_nn_dw_conv_params params = {
        128, -128, 1, { stride, stride }, { 1, 1 }, { 1, 1 }, relu,
    };
    const cmsis_nn_dims x_dims = { 1, side, side, channels }, w_dims = { 1, 3, 3, channels };
    const cmsis_nn_dims b_dims = { 1, 1, 1, channels }, y_dims = { 1, end, end, channels };
    if (!fits(arm_depthwise_conv_wrapper_s8_get_buffer_size(&params, &x_dims, &w_dims, &y_dims)))
        return 1;
    return arm_depthwise_conv_wrapper_s8(&context, &params, &scales, &x_dims, x, &w_dims, weights,
                                         &b_dims, biases, &y_dims, y);
}

static int average(const int8_t *x, int32_t side, int32_t channels, int8_t *y)
{
    const cmsis_nn_context context = { work, sizeof work };
    const cmsis_nn_pool_params params = { { 1, 1 }, { 0, 0 }, { -128, 127 } };
    const cmsis_nn_dims x_dims = { 1, side, side, channels }, w_dims = { 1, side, side, 1 };
    const cmsis_nn_dims y_dims = { 1, 1, 1, channels };
    return arm_avgpool_s8(&context, &params, &x_dims, x, &w_dims, &y_dims, y);
}

static int linear(const int8_t *x, int32_t in, int32_t out, const int8_t *weights, int8_t *y)
{
    const cmsis_nn_context context = { work, sizeof work };
    const cmsis_nn_fc_params params = { 128, 0, 0, { -128, 127 } };
    const cmsis_nn_per_tensor_quant_params scale = { multipliers[0], shifts[0] };
    const cmsis_nn_dims x_dims = { 1, 1, 1, in }, w_dims = { in, 1, 1, out };
    const cmsis_nn_dims b_dims = { 1, 1, 1, out }, y_dims = { 1, 1, 1, out };
    return arm_fully_connected_s8(&context, &params, &scale, &x_dims, x, &w_dims, weights, &b_dims,
                                  biases, &y_dims, y);
}

/* Returns the class, or minus the number of the layer that refuses. */
int depthwise_predict(const int8_t *input);
int depthwise_predict(const int8_t *input)
{
    int8_t *a = buffer_a, *b = buffer_b;
    int best = 0;
    if (convolve(input, 28, 1, 3, 2, 16, conv_weights, a)) return -1;
    if (depthwise(a, 14, 16, 1, depthwise_1_weights, b)) return -2;
    if (convolve(b, 14, 16, 1, 1, 16, pointwise_1_weights, a)) return -3;
    if (depthwise(a, 14, 16, 1, depthwise_2_weights, b)) return -4;
    if (convolve(b, 14, 16, 1, 1, 16, pointwise_2_weights, a)) return -5;
    if (depthwise(a, 14, 16, 2, depthwise_3_weights, b)) return -6;
    if (convolve(b, 7, 16, 1, 1, 32, pointwise_3_weights, a)) return -7;
    if (average(a, 7, 32, b)) return -8;
    if (linear(b, 32, CLASSES, linear_weights, a)) return -9;
    for (int n = 1; n < CLASSES; n++)
        if (a[n] > a[best]) best = n;
    return best;
}
