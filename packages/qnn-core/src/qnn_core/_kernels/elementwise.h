/* tanh and sigmoid of a float, with the same bits on every processor.
 *
 * A libm's bits differ with its version and the instruction set. These compute in double, of
 * operations that IEEE 754 rounds one way only, and without branches, so that loops vectorize. The
 * result is the nearest float but where the true value is within 2e-6 ulp of a tie.
 */
#ifndef QNN_ELEMENTWISE_H
#define QNN_ELEMENTWISE_H

#include <stdint.h>
#include <string.h>

/* Also into functions compiled for other instruction sets, where a call would stop vectorization.
 */
#if defined(__GNUC__)
#define QNN_ALWAYS_INLINE static inline __attribute__((always_inline))
#else
#define QNN_ALWAYS_INLINE static inline
#endif

/* exp(t) = scale + scale * fraction, for |t| up to 700; a NaN makes a NaN of the fraction. */
QNN_ALWAYS_INLINE void qnn_exp_parts(double t, double *scale, double *fraction)
{
    /* Adding 1.5 * 2^52 rounds to an integer k, which is then in the low bits. */
    const double rounder = 6755399441055744.0;
    double rounded = t * 1.4426950408889634 + rounder;
    double k = rounded - rounder;

    /* ln 2 in two parts, the first with zeros at its end: its product with k is exact. */
    double r = (t - k * 0.69314718036912382) - k * 1.9082149292705877e-10;

    /* exp(r) - 1 for |r| <= ln(2) / 2 by Taylor's series, within 2e-14 of it. No constant term, so
       that tiny r keeps its precision. */
    double p = 1.0 / 39916800;
    p = p * r + 1.0 / 3628800;
    p = p * r + 1.0 / 362880;
    p = p * r + 1.0 / 40320;
    p = p * r + 1.0 / 5040;
    p = p * r + 1.0 / 720;
    p = p * r + 1.0 / 120;
    p = p * r + 1.0 / 24;
    p = p * r + 1.0 / 6;
    p = p * r + 0.5;
    *fraction = r + r * r * p;

    /* k + 1023 becomes the exponent; the shift drops what is above k's bits. */
    uint64_t bits;
    memcpy(&bits, &rounded, sizeof bits);
    bits = (bits + 1023) << 52;
    memcpy(scale, &bits, sizeof bits);
}

/* tanh(|x|) = m / (m + 2) with m = exp(2|x|) - 1, and the sign of x. */
QNN_ALWAYS_INLINE float qnn_tanh(float x)
{
    uint32_t bits, sign;
    float size, y;
    memcpy(&bits, &x, sizeof bits);
    sign = bits & 0x80000000u;
    bits ^= sign;
    memcpy(&size, &bits, sizeof bits);
    size = 10.0f < size ? 10.0f : size; /* tanh is 1 from 9.02 on; a NaN stays */

    double scale, fraction;
    qnn_exp_parts(2.0 * (double)size, &scale, &fraction);
    double m = scale * fraction + (scale - 1.0);
    y = (float)(m / (m + 2.0));

    memcpy(&bits, &y, sizeof bits);
    bits |= sign;
    memcpy(&y, &bits, sizeof bits);
    return y;
}

/* 1 / (1 + exp(-x)): relatively exact also where that is tiny. */
QNN_ALWAYS_INLINE float qnn_sigmoid(float x)
{
    /* Below -104 it is 0, above 18 it is 1; a NaN stays. */
    x = -128.0f > x ? -128.0f : x;
    x = 128.0f < x ? 128.0f : x;
    double scale, fraction;
    qnn_exp_parts(-(double)x, &scale, &fraction);
    return (float)(1.0 / (1.0 + (scale + scale * fraction)));
}

#endif
