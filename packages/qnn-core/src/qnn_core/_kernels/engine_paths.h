/* The engine for each instruction set, from one template, and the choice among them at run time. */
#ifndef QNN_ENGINE_PATHS_H
#define QNN_ENGINE_PATHS_H

#include "engine.h"
#include "elementwise.h"

#define PATH_TEMPLATE "engine_path.h"
#include "each_path.h"

static const Path PATHS[] = {
    {"base", base_step, base_weigh, 2},
#ifdef QNN_X86
    {"avx2", avx2_step, avx2_weigh, 2},
    {"avx512", avx512_step, avx512_weigh, 2},
    {"avx512vnni", vnni_step, vnni_weigh, 4},
#endif
};

#endif
