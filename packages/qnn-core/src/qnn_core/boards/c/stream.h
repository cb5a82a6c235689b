/* A net's functions as macros: NET_HEADER, PREDICT, SUMS, INPUTS, OUTPUTS, SCRATCH, INPUT_TYPE. */
#include <stdint.h>
#include NET_HEADER

INPUT_TYPE board_input[INPUTS];
int32_t board_answer[1 + OUTPUTS]; /* the class, then the sums */
uint32_t board_scratch[(SCRATCH + 3) / 4 + 1];
