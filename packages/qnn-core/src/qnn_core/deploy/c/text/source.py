"""NAME.c: tables, one function for each step, and the functions that a caller sees."""

from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

import numpy as np

from ....qtensor import values_of
from ..arena import Arena
from ..plan import Decide, Output, Plan, Product, Step, SumPool, Value
from ..prepared import Prepared
from .arrays import array
from .decisions import Written, text_of, types_of
from .loops import element, link_lines, loops, scale_lines
from .scores import Scores, scores
from .table import layer_table
from .template import filled

LIBRARY = files("qnn_core.deploy.c") / "library"


@dataclass(frozen=True, eq=False)
class Generated:
    """A plan with all that was chosen for it.

    Attributes:
        name: of the net in C.
        plan: the steps.
        decisions: of each step.
        kernels: of each step that is a product, by its number.
        arena: places of the values.
        optimize: for what the functions are compiled.
        about: lines for the head of the file.
        logits: whether there is a function that gives float32 numbers.
    """

    name: str
    plan: Plan
    decisions: tuple[Written, ...]
    kernels: dict[int, Prepared]
    arena: Arena
    optimize: Literal["size", "speed"]
    about: tuple[str, ...]
    logits: bool


def library(name: str, flags: frozenset[str]) -> str:
    """Return a piece of the library with the lines that a net needs."""
    return filled((LIBRARY / f"{name}.c").read_text(encoding="utf-8"), flags)


def source(g: Generated) -> str:
    """Return the text of NAME.c."""
    parts = [_head(g), _macros(g), *_library(g)]
    for number, step in enumerate(g.plan.steps):
        parts.append(_step(g, number, step))
    parts.append(_net(g))
    parts += _interface(g)
    return "\n".join(part for part in parts if part)


def _head(g: Generated) -> str:
    lines = [*g.about, "", *layer_table(g.plan, g.decisions, g.kernels)]
    body = "".join(f" * {line}".rstrip() + "\n" for line in lines)
    return f'/*\n{body} */\n#include "{g.name}.h"\n'


def _macros(g: Generated) -> str:
    floats = ""
    if g.logits or any("float" in _texts(step) for step in g.plan.steps):
        floats = """
/* Products and sums of floats are rounded one by one. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif
#if defined(__FLT_EVAL_METHOD__) && __FLT_EVAL_METHOD__ != 0
#error "floats must be computed as floats: compile with -msse2 -mfpmath=sse"
#endif
"""
    upper = g.name.upper()
    inline = "static inline __attribute__((always_inline, unused))"
    step = inline if g.optimize == "speed" else "static"
    return f"""
/* {upper}_FLASH: what constants need to stay out of RAM, where that is not by itself. */
#ifdef {upper}_FLASH
#define FLASH {upper}_FLASH
#elif defined(__AVR__) && defined(__FLASH) && !defined(__STRICT_ANSI__)
#define FLASH __flash
#else
#define FLASH
#endif
#if defined(__GNUC__)
#define INLINE {inline}
#define STEP {step}
#else
#define INLINE static
#define STEP static
#endif
{floats}"""


def _texts(step: Step) -> str:
    return f"{element(step.target)} {' '.join(element(s) for s in step.sources)}"


def _library(g: Generated) -> list[str]:
    flags = frozenset().union(*(w.flags for w in g.decisions)) if g.decisions else frozenset()
    parts = []
    if any("decision" in _needs(step) for step in g.plan.steps):
        parts += [f"typedef {type_} {kind};\n" for kind, type_ in types_of(g.decisions).items()]
        parts.append(library("decide", flags))
    kernels: dict[str, frozenset[str]] = {}
    for prepared in g.kernels.values():
        kernels[prepared.kernel] = kernels.get(prepared.kernel, frozenset()) | prepared.flags
    if kernels.keys() - {"plain"}:
        parts.append(library("processor", frozenset()))
    parts += [library(name, found | flags) for name, found in kernels.items()]
    if any(type(step).__name__ == "Encode" for step in g.plan.steps):
        parts.append(library("ordered", frozenset()))
    if any(type(step).__name__ == "FloatProduct" for step in g.plan.steps):
        parts.append(library("fused", frozenset()))
    return parts


def _needs(step: Step) -> str:
    return "decision" if isinstance(step, Product | Decide | SumPool) else ""


def _step(g: Generated, number: int, step: Step) -> str:
    w = g.decisions[number]
    told = f"/* {step.path or 'the net'} ({step.layer or 'model'}): {describe(step)} */\n"
    tables = text_of(w)
    if isinstance(step, Product):
        prepared = g.kernels[number]
        fields = _fields((("decision", _braces(w)), *prepared.fields))
        struct = f"static const FLASH {prepared.struct} {step.identifier} = {{\n{fields}}};\n"
        return told + tables + prepared.tables + struct
    if isinstance(step, Decide | SumPool) and step.decision is not None:
        tables += f"static const FLASH Decision {step.identifier}_decision = {_braces(w)};\n"
    return told + tables + loops(step)


def _fields(fields: tuple[tuple[str, str], ...]) -> str:
    lines, line = [], ""
    for name, value in fields:
        word = f".{name} = {value},"
        if len(line) + len(word) > 92 or (len(value) > 40 and line):
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else f"    {word}"
    return "\n".join([*lines, line]) + "\n"


def _braces(w: Written) -> str:
    return "{ " + ", ".join(f".{name} = {value}" for name, value in w.fields) + " }"


def describe(step: Step) -> str:
    """Return what a step does in a line."""
    shape = " x ".join(map(str, step.sources[0].shape))
    target = " x ".join(map(str, step.target.shape))
    if isinstance(step, Product):
        what = (
            "linear"
            if step.is_linear
            else f"{step.window.kernel[0]} x {step.window.kernel[1]} convolution"
        )
        if step.groups > 1:
            what += f" in {step.groups} groups"
        if step.pool is not None:
            what += f", maximum of {step.pool.kernel[0]} x {step.pool.kernel[1]}"
        bits = f"weights of {step.weight_bits} bits, inputs of {step.input_bits}"
        return f"{what}, {shape} -> {target}, {bits}"
    return f"{type(step).__name__}, {shape} -> {target}"


def place(g: Generated, value: Value) -> str:
    """Return the C expression of where a value lies."""
    if value.place == g.plan.input.place:
        return "input"
    kind = element(value)
    at = g.arena.offsets[value.place]
    where = f"s + {at}" if at else "s"
    if kind == "uint8_t":
        return where
    return f"({kind} *)(void *)({where})"


def _net(g: Generated) -> str:
    lines = []
    for number, step in enumerate(g.plan.steps):
        target = place(g, step.target)
        sources = [place(g, s) for s in step.sources]
        if isinstance(step, Product):
            prepared = g.kernels[number]
            work = ""
            if prepared.work:
                work = f", s + {g.arena.work[number]}"
            lines.append(
                f"    {prepared.kernel}(&{step.identifier}, {sources[0]}, {target}{work});\n"
            )
        else:
            lines.append(f"    {step.identifier}({', '.join([*sources, target])});\n")
    unused = "" if g.arena.nbytes else "    (void)s;\n"
    given = "" if g.plan.steps else "    (void)input;\n"
    kind = element(g.plan.input)
    return f"""/* All layers, one after the other; s is the caller's scratch memory. */
static void net(const {kind} *input, uint8_t *s)
{{
{unused}{given}{"".join(lines)}}}
"""


def columns(output: Output) -> int:
    """Return the length of an output's last axis."""
    return output.value.shape[-1] if output.value.shape else 1


def _interface(g: Generated) -> list[str]:
    kind = element(g.plan.input)
    parts = []
    outputs = g.plan.outputs
    if all(o.value.kind != "floats" for o in outputs):
        parts.append(_sums(g, kind))
    if g.logits:
        parts.append(_logits(g, kind))
    found = scores(outputs[0], logits=g.logits)
    if found is not None:
        parts.append(_predict(g, kind, found))
    return parts


def _sums(g: Generated, kind: str) -> str:
    tables, lines, at = "", "", 0
    for number, output in enumerate(g.plan.outputs):
        size, n = output.value.size, columns(output)
        read = f"y{number}[i]"
        if output.scale is not None:
            if output.scale.unit != 1:
                read += f" * {output.scale.unit}"
            base = output.scale.base
            if np.any(base):
                if np.all(base == base[0]):
                    read += f" + {int(base[0])}"
                else:
                    tables += array("int32_t", f"output_{number}_base", base)
                    read += f" + output_{number}_base[i % {n}]"
        lines += f"""    {{
        const {element(output.value)} *y{number} = {place(g, output.value)};
        for (i = 0; i < {size}; i++) sums[{f"{at} + i" if at else "i"}] = {read};
    }}
"""
        at += size
    return (
        tables
        + f"""void {g.name}_sums(const {kind} *input, int32_t *sums, void *scratch)
{{
    uint8_t *const s = (uint8_t *)scratch;
    int32_t i;
    net(input, s);
{lines}}}
"""
    )


def _logits(g: Generated, kind: str) -> str:
    tables, lines, at = "", "", 0
    for number, output in enumerate(g.plan.outputs):
        size, n, read = output.value.size, columns(output), f"y{number}[i]"
        body = f"        float v = (float){read};\n"
        if output.scale is not None:
            made, body = scale_lines(output.scale, f"logits_{number}", n, read)
            tables += made
        elif output.value.kind == "codes":
            coding = output.value.coding
            assert coding is not None
            codes = np.arange(coding.levels.size, dtype=np.uint8)
            values = values_of(
                codes, coding.levels, coding.scale.reshape(()), coding.shift.reshape(()), None
            )
            tables += array("float", f"output_{number}_values", values)
            body = f"        float v = output_{number}_values[{read}];\n"
        made, more = link_lines(output.links, f"output_{number}", n)
        tables += made
        text = body + more
        uses_n = "[n]" in text
        head = f"const int32_t n = i % {n};\n            " if uses_n else ""
        indented = "".join("    " + line + "\n" for line in text.splitlines())
        lines += f"""    {{
        const {element(output.value)} *y{number} = {place(g, output.value)};
        for (i = 0; i < {size}; i++) {{
            {head}{indented.strip()}
            logits[{f"{at} + i" if at else "i"}] = v;
        }}
    }}
"""
        at += size
    return (
        tables
        + f"""void {g.name}_logits(const {kind} *input, float *logits, void *scratch)
{{
    uint8_t *const s = (uint8_t *)scratch;
    int32_t i;
    net(input, s);
{lines}}}
"""
    )


def _predict(g: Generated, kind: str, found: Scores) -> str:
    output = g.plan.outputs[0]
    n = columns(output)
    tables = "".join(array(kind_, name, values) for kind_, name, values in found.tables)
    piece = library("score", frozenset()) if found.uses_library else ""
    if found.kind == "float" and output.value.kind != "floats":
        numbers = sum(o.value.size for o in g.plan.outputs)
        declared = f"    float y[{numbers}];\n"
        start = f"    {g.name}_logits(input, y, scratch);\n"
    else:
        declared = "    uint8_t *const s = (uint8_t *)scratch;\n"
        declared += f"    const {element(output.value)} *y = {place(g, output.value)};\n"
        start = "    net(input, s);\n"
    if n == 1:
        loop = f"    return {found.expression.replace('[n]', '[0]')} > {found.zero};\n"
    else:
        declared += f"    {found.kind} best = {found.least};\n    int n, found = 0;\n"
        loop = f"""    for (n = 0; n < {n}; n++) {{
        const {found.kind} v = {found.expression};
        if (n == 0 || v > best) {{
            best = v;
            found = n;
        }}
    }}
    return found;
"""
    head = f"int {g.name}_predict(const {kind} *input, void *scratch)"
    return f"{piece}{tables}{head}\n{{\n{declared}{start}{loop}}}\n"
