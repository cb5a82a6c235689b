/* The engine for each instruction set, from one template, and the choice among them at run time.
 *
 * Each function is compiled for its set by a pragma, so that one extension, built with the flags of
 * any machine, holds them all; no other file may be compiled with -march.
 */
#ifndef QNN_ENGINE_PATHS_H
#define QNN_ENGINE_PATHS_H

#include "engine.h"
#include "elementwise.h"

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define UNROLL _Pragma("GCC unroll 8")
#define BASE_LANES 4
#else
#define INLINE static inline
#define NOINLINE
#define UNROLL
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

#define FN(name) base_##name
#define LANES BASE_LANES
#define ENGINE_PATH_OPERATIONS "engine_base.h"
#include "engine_path.h"
#include "engine_undef.h"

#ifdef QNN_X86
TARGET_BEGIN("avx2,fma,popcnt")
#define FN(name) avx2_##name
#define LANES 8
#define ENGINE_PATH_OPERATIONS "engine_avx2.h"
#include "engine_path.h"
#include "engine_undef.h"
TARGET_END

TARGET_BEGIN("avx2,fma,popcnt,avx512f,avx512bw,avx512dq,avx512vl")
#define FN(name) avx512_##name
#define LANES 16
#define ENGINE_PATH_OPERATIONS "engine_avx512.h"
#include "engine_path.h"
#include "engine_undef.h"
TARGET_END

TARGET_BEGIN("avx2,fma,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx512vnni")
#define FN(name) vnni_##name
#define LANES 16
#define WITH_VNNI
#define ENGINE_PATH_OPERATIONS "engine_avx512.h"
#include "engine_path.h"
#include "engine_undef.h"
TARGET_END
#endif

static const Path PATHS[] = {
    {"base", base_step, 2},
#ifdef QNN_X86
    {"avx2", avx2_step, 2},
    {"avx512", avx512_step, 2},
    {"avx512vnni", vnni_step, 4},
#endif
};

/* How many of PATHS, from the first on, this processor can run. */
static int supported_paths(void)
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
