/* The state of floating point that kernels run in: rounding to nearest, subnormal numbers kept.
 *
 * A library built with -ffast-math sets flush-to-zero in the thread that loads it, and threads take
 * over the state of the one that starts them. Kernels set it and put back what they found, so that
 * results depend on nobody else's choice. Reading the control word takes about a nanosecond; it is
 * written only where it differs.
 */
#ifndef QNN_FLOAT_MODE_H
#define QNN_FLOAT_MODE_H

#include <stdint.h>

#if defined(__SSE__) || defined(_M_X64)
#include <xmmintrin.h>
#define FLOAT_MODE_USUAL 0x1F80u /* no trap */
#define FLOAT_MODE_FLAGS 0x3Fu   /* what has happened so far: it changes nothing */
static inline uint64_t float_mode_read(void) { return _mm_getcsr(); }
static inline void float_mode_write(uint64_t mode) { _mm_setcsr((unsigned)mode); }
#elif defined(__aarch64__) && defined(__GNUC__)
#define FLOAT_MODE_USUAL 0u
#define FLOAT_MODE_FLAGS 0u /* they are in another register */
static inline uint64_t float_mode_read(void)
{
    uint64_t mode;
    __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
    return mode;
}
static inline void float_mode_write(uint64_t mode)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(mode) : "memory");
}
#else /* not known: what the thread has */
#define FLOAT_MODE_USUAL 0u
#define FLOAT_MODE_FLAGS 0u
static inline uint64_t float_mode_read(void) { return FLOAT_MODE_USUAL; }
static inline void float_mode_write(uint64_t mode) { (void)mode; }
#endif

/* No load or store moves across a change, and so no arithmetic between them does. */
#if defined(__GNUC__)
#define FLOAT_MODE_FENCE __asm__ volatile("" : : : "memory")
#else
#define FLOAT_MODE_FENCE (void)0
#endif

/* Enter the state of kernels; return the one to leave to. */
static inline uint64_t float_mode_enter(void)
{
    uint64_t before = float_mode_read();
    if ((before & ~(uint64_t)FLOAT_MODE_FLAGS) != FLOAT_MODE_USUAL) float_mode_write(FLOAT_MODE_USUAL);
    FLOAT_MODE_FENCE;
    return before;
}

static inline void float_mode_leave(uint64_t before)
{
    FLOAT_MODE_FENCE;
    if ((before & ~(uint64_t)FLOAT_MODE_FLAGS) != FLOAT_MODE_USUAL) float_mode_write(before);
}

/* A double rounded to float in that state; what is volatile stays between the two changes. */
static inline float float_mode_narrow(double x)
{
    uint64_t before = float_mode_enter();
    volatile double wide = x;
    volatile float narrow = (float)wide;
    float_mode_leave(before);
    return narrow;
}

#endif
