/* How functions are compiled for several instruction sets, and which of them a processor has.
 *
 * Each function is compiled for its set by a pragma, so that one extension, built with the flags of
 * any machine, holds them all; no other file may be compiled with -march.
 */
#ifndef QNN_PATHS_H
#define QNN_PATHS_H

#include <stdint.h>

#include "watched.h"

/* Columns of a panel: what the tiles of all paths are multiples of. */
enum { PANEL = 64 };

#if defined(__GNUC__)
#ifdef QNN_WATCHED
/* With a check at each access, unrolled and inlined code takes gcc many minutes. */
#define INLINE static __attribute__((unused))
#define UNROLL
#else
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define NOINLINE __attribute__((noinline))
#define ALIGNED __attribute__((aligned(64)))
#define BASE_LANES 4
#else
#define INLINE static inline
#define NOINLINE
#define UNROLL
#define ALIGNED
#define BASE_LANES 1
#endif

#if defined(__GNUC__) && (defined(__x86_64__) || defined(_M_X64))
#define QNN_X86 1
#include <immintrin.h>
#endif

#ifdef __clang__
#define TARGET_PRAGMA(text) _Pragma(#text)
#define TARGET_BEGIN(set) \
    TARGET_PRAGMA(clang attribute push(__attribute__((target(set))), apply_to = function))
#define TARGET_END _Pragma("clang attribute pop")
#else
#define TARGET_PRAGMA(text) _Pragma(#text)
#define TARGET_BEGIN(set) _Pragma("GCC push_options") TARGET_PRAGMA(GCC target(set))
#define TARGET_END _Pragma("GCC pop_options")
#endif

/* The functions of a task for all paths, in their order: name_tasks[path](context, task). */
typedef void (*PathTask)(void *context, int64_t task);
#ifdef QNN_X86
#define TASKS(name) \
    static const PathTask name##_tasks[] = {base_##name, avx2_##name, avx512_##name, vnni_##name};
#else
#define TASKS(name) static const PathTask name##_tasks[] = {base_##name};
#endif

static inline int64_t panels_in(int64_t columns) { return (columns + PANEL - 1) / PANEL; }

/* How many of the paths, from the first on, this processor can run. */
static inline int supported_paths(void)
{
    int count = 1;
#ifdef QNN_X86
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return count;
    count++;
    if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl")) return count;
    count++;
    if (!__builtin_cpu_supports("avx512vpopcntdq") || !__builtin_cpu_supports("avx512vnni"))
        return count;
    count++;
#endif
    return count;
}

#endif
