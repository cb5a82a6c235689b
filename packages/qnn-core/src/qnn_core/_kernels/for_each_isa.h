/* Include PATH_TEMPLATE for each instruction set, from the plainest on. */

#define FN(name) base_##name
#define LANES BASE_LANES
#define ENGINE_PATH_OPERATIONS "isa_base.h"
#include PATH_TEMPLATE
#include "isa_undef.h"

#ifdef QNN_X86
TARGET_BEGIN("avx2,fma,popcnt")
#define FN(name) avx2_##name
#define LANES 8
#define ENGINE_PATH_OPERATIONS "isa_avx2.h"
#include PATH_TEMPLATE
#include "isa_undef.h"
TARGET_END

TARGET_BEGIN("avx2,fma,popcnt,avx512f,avx512bw,avx512dq,avx512vl")
#define FN(name) avx512_##name
#define LANES 16
#define ENGINE_PATH_OPERATIONS "isa_avx512.h"
#include PATH_TEMPLATE
#include "isa_undef.h"
TARGET_END

TARGET_BEGIN("avx2,fma,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vpopcntdq,avx512vnni")
#define FN(name) vnni_##name
#define LANES 16
#define WITH_VNNI
#define ENGINE_PATH_OPERATIONS "isa_avx512.h"
#include PATH_TEMPLATE
#include "isa_undef.h"
TARGET_END
#endif

#undef PATH_TEMPLATE
