/* What GCC may call by itself, in freestanding C too: it makes calls out of assignments and loops.
 * Weak: a program may have others. */
#include <stddef.h>

__attribute__((weak)) void *memset(void *to, int value, size_t size);
__attribute__((weak)) void *memcpy(void *restrict to, const void *restrict from, size_t size);

void *memset(void *to, int value, size_t size)
{
    unsigned char *byte = to;
    while (size--) *byte++ = (unsigned char)value;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    unsigned char *byte = to;
    const unsigned char *source = from;
    while (size--) *byte++ = *source++;
    return to;
}
