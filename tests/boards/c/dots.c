#include "dots.h"

/* Weight k of class n is (7 n + 3 k) mod 11 - 5. */
static int weight(int n, int k)
{
    return (7 * n + 3 * k) % 11 - 5;
}

void dots_sums(const uint8_t *input, int32_t *sums, void *scratch)
{
    int32_t *copy = scratch;
    for (int k = 0; k < DOTS_INPUTS; k++) copy[k] = input[k];
    for (int n = 0; n < DOTS_CLASSES; n++) {
        sums[n] = 0;
        for (int k = 0; k < DOTS_INPUTS; k++) sums[n] += copy[k] * weight(n, k);
    }
}

int dots_predict(const uint8_t *input, void *scratch)
{
    int32_t sums[DOTS_CLASSES];
    int best = 0;
    dots_sums(input, sums, scratch);
    for (int n = 1; n < DOTS_CLASSES; n++)
        if (sums[n] > sums[best]) best = n;
    return best;
}
