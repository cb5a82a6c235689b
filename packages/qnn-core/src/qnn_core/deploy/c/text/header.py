"""NAME.h: what a caller needs, in C and C++."""

from .loops import element
from .scores import scores
from .source import Generated, columns


def sizes(g: Generated) -> dict[str, int]:
    """Return the macros of a net, without its name."""
    outputs = g.plan.outputs
    found = {
        "INPUTS": g.plan.input.size,
        "OUTPUTS": sum(o.value.size for o in outputs),
        "CLASSES": columns(outputs[0]),
        "SCRATCH": g.arena.nbytes,
    }
    at = 0
    if len(outputs) > 1:
        for number, output in enumerate(outputs):
            found[f"OUTPUT_{number}"] = at
            found[f"OUTPUT_{number}_SIZE"] = output.value.size
            at += output.value.size
    return found


_COMMENTS = {
    "INPUTS": "elements of an input: {shape}, the last axis fastest",
    "OUTPUTS": "numbers that come out, of all outputs",
    "CLASSES": "of them, along the last axis of the first output",
    "SCRATCH": "bytes of memory that a call needs, at an address that 4 divides",
}


def header(g: Generated) -> str:
    """Return the text of NAME.h."""
    upper, kind = g.name.upper(), element(g.plan.input)
    shape = " x ".join(map(str, g.plan.input.shape))
    macros = ""
    for macro, value in sizes(g).items():
        comment = _COMMENTS.get(macro, "").format(shape=shape)
        told = f" /* {comment} */" if comment else ""
        macros += f"#define {upper}_{macro} {value}{told}\n"
    about = "".join(f" * {line}".rstrip() + "\n" for line in g.about)
    return f"""/*
{about} */
#ifndef {upper}_H
#define {upper}_H

#include <stdint.h>

{macros}
#ifdef __cplusplus
extern "C" {{
#endif

/*
 * The scratch memory is the caller's: {upper}_SCRATCH bytes, such as
 * uint32_t scratch[({upper}_SCRATCH + 3) / 4]. What was in it does not matter, and nothing in it is
 * kept: calls with memory of their own can run at the same time.
 */

{_prototypes(g, upper, kind)}
#ifdef __cplusplus
}}
#endif

#endif
"""


def _prototypes(g: Generated, upper: str, kind: str) -> str:
    name, outputs = g.name, g.plan.outputs
    lines = ""
    found = scores(outputs[0], logits=g.logits)
    if found is not None:
        what = "1 if the output is above 0, else 0" if columns(outputs[0]) == 1 else "The class"
        cut = f" ({outputs[0].cut} is left out: it keeps the order)" if outputs[0].cut else ""
        lines += f"/* {what}, 0 to {max(1, columns(outputs[0]) - 1)}: by {found.way}{cut}. */\n"
        lines += f"int {name}_predict(const {kind} *input, void *scratch);\n\n"
    if all(o.value.kind != "floats" for o in outputs):
        lines += "/* The integers behind the outputs"
        if all(o.scale is not None for o in outputs):
            lines += ": each output is (float)sum * scale + bias"
        lines += f", {upper}_OUTPUTS of them. */\n"
        lines += f"void {name}_sums(const {kind} *input, int32_t *sums, void *scratch);\n\n"
    if g.logits:
        lines += f"/* The {upper}_OUTPUTS outputs, equal to the packed model's to the bit. */\n"
        lines += f"void {name}_logits(const {kind} *input, float *logits, void *scratch);\n\n"
    lines += (
        f"/* In {name}_test.c: 0, or the number of the first input that differs, from 1 on. */\n"
    )
    lines += f"int {name}_selftest(void *scratch);\n"
    return lines


def cpp_header(g: Generated) -> str:
    """Return the text of NAME.hpp: the same in a namespace, with sizes that are constants."""
    upper, kind, name = g.name.upper(), element(g.plan.input), g.name
    constants = "".join(f"constexpr int {macro.lower()} = {upper}_{macro};\n" for macro in sizes(g))
    found = scores(g.plan.outputs[0], logits=g.logits)
    functions = ""
    if found is not None:
        functions += f"""
/** The class of an input; the memory is this function's own, on the stack. */
inline int predict(const {kind} (&input)[{upper}_INPUTS])
{{
    std::uint32_t memory[({upper}_SCRATCH + 3) / 4 + 1];
    return {name}_predict(input, memory);
}}
"""
    return f"""// {name} for C++: the functions of {name}.h in a namespace.
#ifndef {upper}_HPP
#define {upper}_HPP

#include <cstdint>
#include "{name}.h"

namespace {name} {{

{constants}{functions}
}}  // namespace {name}

#endif
"""
