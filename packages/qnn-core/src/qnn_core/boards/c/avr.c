/* Runs a net, or its self-test (SELFTEST), on an AVR; the simulator gives inputs and takes answers when GPIOR0 is written. */
#include "stream.h"
#include <avr/io.h>

enum { NEXT_INPUT = 1, BEGIN = 2, END = 3, SUMS_ARE_THERE = 4 };

#ifdef SELFTEST
int SELFTEST(void *scratch);
#define RUN() SELFTEST(board_scratch)
#define RUN_SUMS() ((void)0)
#else
#define RUN() PREDICT(board_input, board_scratch)
#define RUN_SUMS() SUMS(board_input, board_answer + 1, board_scratch)
#endif

int main(void)
{
    for (;;) {
        GPIOR0 = NEXT_INPUT;
        __asm__ volatile("" ::: "memory");
        GPIOR0 = BEGIN;
        board_answer[0] = RUN();
        __asm__ volatile("" ::: "memory");
        GPIOR0 = END;
        RUN_SUMS();
        __asm__ volatile("" ::: "memory");
        GPIOR0 = SUMS_ARE_THERE;
    }
}
