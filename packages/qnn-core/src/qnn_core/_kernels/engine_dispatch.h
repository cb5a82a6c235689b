/* The engine for each instruction set, from one template, and the choice among them at run time. */
#ifndef QNN_ENGINE_DISPATCH_H
#define QNN_ENGINE_DISPATCH_H

#include "engine.h"
#include "elementwise.h"

#define PATH_TEMPLATE "engine_path.h"
#include "for_each_isa.h"

static const Path PATHS[] = {
    {"base", base_step, base_prepack_weights, 2},
#ifdef QNN_X86
    {"avx2", avx2_step, avx2_prepack_weights, 2},
    {"avx512", avx512_step, avx512_prepack_weights, 2},
    {"avx512vnni", vnni_step, vnni_prepack_weights, 4},
#endif
};

#endif
