/* Under AddressSanitizer, memory that is kept or left over counts as freed.
 *
 * Blocks are larger than what was asked for and are used again, and buffers are parts of one piece of
 * memory: without this, an access beyond one of them would go unseen.
 */
#ifndef QNN_WATCHED_H
#define QNN_WATCHED_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QNN_WATCHED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define QNN_WATCHED
#endif

/* GUARD: bytes to leave between buffers. */
#ifdef QNN_WATCHED
#include <sanitizer/asan_interface.h>
enum { GUARD = 64 };
static inline void forbid(char *memory, size_t size) { __asan_poison_memory_region(memory, size); }
static inline void allow(char *memory, size_t size) { __asan_unpoison_memory_region(memory, size); }
#else
enum { GUARD = 0 };
static inline void forbid(char *memory, size_t size) { (void)memory, (void)size; }
static inline void allow(char *memory, size_t size) { (void)memory, (void)size; }
#endif

#endif
