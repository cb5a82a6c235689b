/* A vector of LANES 32-bit numbers, in the names of the path that FN makes. */

#define VECTORS (PANEL / LANES)

#if LANES == 1
typedef uint32_t FN(vu);
typedef int32_t FN(vi);
typedef float FN(vf);
#define CONVERT(v, type) ((type)(v))
#else
typedef uint32_t FN(vu) __attribute__((vector_size(4 * LANES)));
typedef int32_t FN(vi) __attribute__((vector_size(4 * LANES)));
typedef float FN(vf) __attribute__((vector_size(4 * LANES)));
typedef uint8_t FN(vu8) __attribute__((vector_size(LANES)));
typedef int16_t FN(vi16) __attribute__((vector_size(2 * LANES)));
#define CONVERT(v, type) __builtin_convertvector(v, type)
#endif

#define VU FN(vu)
#define VI FN(vi)
#define VF FN(vf)

INLINE VU FN(load)(const void *from) { VU v; memcpy(&v, from, sizeof v); return v; }
INLINE VF FN(loadf)(const void *from) { VF v; memcpy(&v, from, sizeof v); return v; }
INLINE VU FN(splat)(uint32_t x) { return (VU){0} + x; }
INLINE VF FN(splatf)(float x) { return (VF){0} + x; }

#include ENGINE_PATH_OPERATIONS
