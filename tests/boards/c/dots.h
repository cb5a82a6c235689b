/* A net by hand: ten sums of 16 bytes, in the form of an exported one. */
#ifndef DOTS_H
#define DOTS_H
#include <stdint.h>

#define DOTS_INPUTS 16
#define DOTS_CLASSES 10
#define DOTS_SCRATCH 64

int dots_predict(const uint8_t *input, void *scratch);
void dots_sums(const uint8_t *input, int32_t *sums, void *scratch);
int dots_selftest(void *scratch);
#endif
