/* Where multiplications are calls of functions, products are additions. */
#ifndef MULTIPLIES
#if defined(__riscv) && !defined(__riscv_mul)
#define MULTIPLIES 0
#else
#define MULTIPLIES 1
#endif
#endif

/* An inner loop: a function of its own, so that what goes on around it takes no registers from it. */
#if defined(__GNUC__) && !defined(__clang__) && defined(__riscv)
/* GCC moves loads up as if there were registers for them. */
#define APART static __attribute__((noinline, optimize("no-schedule-insns")))
#elif defined(__GNUC__)
#define APART static __attribute__((noinline))
#else
#define APART static
#endif
