"""Steps that are no products of integers, each as a C function of its own."""

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import numpy as np

from ..plan import (
    Concatenate,
    Decide,
    Dequantize,
    Encode,
    FloatMap,
    FloatMean,
    FloatPair,
    FloatProduct,
    Gather,
    Join,
    MaxPool,
    Recode,
    Scale,
    Step,
    SumPool,
    Value,
)
from .arrays import array, literal, smallest

# Pixels whose float32 sum is taken at a time, in a mean.
BLOCK = 64

ELEMENT = {"pixels": "uint8_t", "codes": "uint8_t", "sums": "int32_t", "floats": "float"}


def element(value: Value) -> str:
    """Return the C type of a value's elements."""
    return ELEMENT[value.kind]


def function(step: Step, body: str) -> str:
    """Return a step as a function of its sources, x (or x0, x1, ...), and its target, y."""
    one = len(step.sources) == 1
    names = ["x"] if one else [f"x{i}" for i in range(len(step.sources))]
    given = [f"const {element(s)} *{n}" for s, n in zip(step.sources, names, strict=True)]
    given.append(f"{element(step.target)} *y")
    return f"STEP void {step.identifier}({', '.join(given)})\n{{\n{body}}}\n"


@singledispatch
def loops(step: Step) -> str:
    """Return the tables and the function of a step."""
    raise TypeError(f"{type(step).__name__} has no loops")


@loops.register
def _(step: Decide) -> str:
    return function(
        step,
        f"""    const FLASH Decision *const d = &{step.identifier}_decision;
    unsigned n = 0;
    int32_t i;
    for (i = 0; i < {step.target.size}; i++) {{
        y[i] = decided(d, turned_sum(d, x[i], n), n);
        if (++n == {step.target.shape[-1]}u) n = 0;
    }}
""",
    )


@loops.register
def _(step: Recode) -> str:
    name, (channels, levels) = step.identifier, step.tables.shape
    table = array("uint8_t", f"{name}_table", step.tables, "the code of each input")
    return table + function(step, _looked_up(step, f"{name}_table", channels, levels))


def _looked_up(step: Step, table: str, channels: int, levels: int) -> str:
    """Return a loop that looks each element up, in a table of its channel if they differ."""
    if channels == 1:
        return f"""    int32_t i;
    for (i = 0; i < {step.target.size}; i++) y[i] = {table}[x[i]];
"""
    return f"""    unsigned n = 0;
    int32_t i;
    for (i = 0; i < {step.target.size}; i++) {{
        y[i] = {table}[n * {levels}u + x[i]];
        if (++n == {channels}u) n = 0;
    }}
"""


@loops.register
def _(step: Join) -> str:
    name, n = step.identifier, step.multiplier.size
    kind, unsigned = ("int64_t", "uint64_t") if step.wide else ("int32_t", "uint32_t")
    tables = "".join(
        array(smallest(values) if part != "offset" else kind, f"{name}_{part}", values)
        for part, values in (
            ("multiplier", step.multiplier),
            ("factor", step.factor),
            ("offset", step.offset),
        )
    )
    cast = "(int64_t)" if step.wide else "(int32_t)"
    other = ""
    if len(step.exceptions):
        tables += _exceptions(step)
        mask = f"(({unsigned})1 << {step.shift}) - 1u"
        other = f"""        if ((({unsigned})(v + {step.near}) & ({mask})) <= {2 * step.near}u)
            y[i] = {name}_near(n, x0[i], x1[i], y[i]);
"""
    body = f"""    unsigned n = 0;
    int32_t i;
    for (i = 0; i < {step.target.size}; i++) {{
        {kind} v = {cast}x0[i] * {name}_multiplier[n] + {cast}x1[i] * {name}_factor[n];
        {kind} code;
        v += {name}_offset[n];
        code = v < 0 ? 0 : v >> {step.shift};
        y[i] = (uint8_t)(code > {step.top} ? {step.top} : code);
{other}        if (++n == {n}u) n = 0;
    }}
"""
    return tables + function(step, body)


def _exceptions(step: Join) -> str:
    """Return the pairs of which the plane says another code, and a function that knows them."""
    name, n = step.identifier, step.multiplier.size
    channel, a, b, code = step.exceptions.T
    first = np.searchsorted(channel, np.arange(n + 1))
    tables = array("uint16_t", f"{name}_first", first, "the first exception of each channel")
    tables += array(smallest(a), f"{name}_a", a) + array(smallest(b), f"{name}_b", b)
    tables += array("uint8_t", f"{name}_code", code)
    return f"""{tables}/* Pairs next to the edge of a code, where float32's rounding decides. */
static uint8_t {name}_near(unsigned n, int32_t a, int32_t b, uint8_t code)
{{
    unsigned i;
    for (i = {name}_first[n]; i < {name}_first[n + 1]; i++)
        if ({name}_a[i] == a && {name}_b[i] == b) return {name}_code[i];
    return code;
}}
"""


def _windows(step: Any, inner: str, before: str, after: str) -> str:
    """Return loops over windows of images; `inner` is done for each pixel p inside of the image."""
    height, width, channels = step.sources[0].shape
    rows, columns = step.target.shape[:2]
    w = step.window
    return f"""    int row, column, c, ky, kx;
    for (row = 0; row < {rows}; row++)
        for (column = 0; column < {columns}; column++)
            for (c = 0; c < {channels}; c++) {{
{before}                for (ky = 0; ky < {w.kernel[0]}; ky++)
                    for (kx = 0; kx < {w.kernel[1]}; kx++) {{
                        const int down = row * {w.stride[0]} + ky - {w.padding[0]};
                        const int across = column * {w.stride[1]} + kx - {w.padding[1]};
                        if (down >= 0 && down < {height} && across >= 0 && across < {width}) {{
                            const int32_t at = (int32_t)down * {width} + across;
                            const {element(step.sources[0])} v = x[at * {channels} + c];
{inner}                        }}
                    }}
{after}            }}
"""


@loops.register
def _(step: MaxPool) -> str:
    kind = element(step.sources[0])
    pad = " " * 28
    inner = f"{pad}if (!any || v > best) best = v;\n{pad}any = 1;\n"
    before = f"                {kind} best = 0;\n                uint8_t any = 0;\n"
    return function(step, _windows(step, inner, before, "                *y++ = best;\n"))


@loops.register
def _(step: SumPool) -> str:
    name, pad = step.identifier, " " * 28
    table = ""
    added = f"(int32_t)v - {step.offset}" if step.offset else "(int32_t)v"
    if step.table is not None:
        table = array("int16_t", f"{name}_table", step.table, "what each input enters with")
        added = f"{name}_table[v]"
    inner = f"{pad}sum += {added};\n"
    after = "                *y++ = sum;\n"
    if step.decision is not None:
        after = f"""                sum = turned_sum(&{name}_decision, sum, (unsigned)c);
                *y++ = decided(&{name}_decision, sum, (unsigned)c);
"""
    before = "                int32_t sum = 0;\n"
    return table + function(step, _windows(step, inner, before, after))


@loops.register
def _(step: Gather) -> str:
    name = step.identifier
    if step.indices is not None:
        kind = "uint16_t" if step.sources[0].size <= 2**16 else "uint32_t"
        table = array(kind, f"{name}_from", step.indices, "where each element comes from")
        body = f"""    int32_t i;
    for (i = 0; i < {step.target.size}; i++) y[i] = x[{name}_from[i]];
"""
        return table + function(step, body)
    names = "ijklmn"[: len(step.lengths)]
    lines = [f"    int32_t {', '.join(names)};\n"]
    for depth, (i, length) in enumerate(zip(names, step.lengths, strict=True)):
        lines.append(f"{'    ' * (depth + 1)}for ({i} = 0; {i} < {length}; {i}++)\n")
    terms = [str(step.start)] if step.start else []
    terms += [f"{i} * {s}" if s != 1 else i for i, s in zip(names, step.strides, strict=True)]
    lines.append(
        f"{'    ' * (len(names) + 1)}*y++ = x[{' + '.join(terms).replace('+ -', '- ')}];\n"
    )
    return function(step, "".join(lines))


@loops.register
def _(step: Concatenate) -> str:
    lines = ["    int32_t i, j;\n", f"    for (i = 0; i < {step.outer}; i++) {{\n"]
    lines += [
        f"        for (j = 0; j < {inner}; j++) *y++ = *x{part}++;\n"
        for part, inner in enumerate(step.inner)
    ]
    if len(step.sources) == 1:
        lines = [line.replace("*x0++", "*x++") for line in lines]
    return function(step, "".join([*lines, "    }\n"]))


@loops.register
def _(step: Encode) -> str:
    # Numbers are compared as integers that have their order: there is no arithmetic on floats.
    bits = step.cuts.astype(np.float32).view(np.int32).astype(np.int64)
    keys = np.where(bits < 0, -(bits + 2**31), bits)
    name, top = step.identifier, step.cuts.size
    table = array(
        "int32_t", f"{name}_cuts", keys, "least number of each code but the first, ordered"
    )
    body = f"""    int32_t i;
    for (i = 0; i < {step.target.size}; i++) {{
        const int32_t key = ordered(x[i]);
        unsigned low = 0, high = {top}u;
        while (low < high) {{
            const unsigned middle = (low + high) >> 1;
            if (key >= {name}_cuts[middle]) low = middle + 1u;
            else high = middle;
        }}
        y[i] = (uint8_t)low;
    }}
"""
    return table + function(step, body)


@loops.register
def _(step: Dequantize) -> str:
    name, (channels, levels) = step.identifier, step.values.shape
    table = array("float", f"{name}_values", step.values, "the number of each code")
    return table + function(step, _looked_up(step, f"{name}_values", channels, levels))


@loops.register
def _(step: Scale) -> str:
    tables, lines = scale_lines(step, step.identifier, step.target.shape[-1])
    body = f"""    unsigned n = 0;
    int32_t i;
    for (i = 0; i < {step.target.size}; i++) {{
{lines}        y[i] = v;
        if (++n == {step.target.shape[-1]}u) n = 0;
    }}
"""
    return tables + function(step, body)


def scale_lines(step: Scale, name: str, columns: int, read: str = "x[i]") -> tuple[str, str]:
    """Return tables, and lines that make the float v of the integer `read` of channel n."""
    tables, sum_ = "", read
    if step.unit != 1:
        sum_ = f"{sum_} * {step.unit}"
    if np.any(step.base):
        if np.all(step.base == step.base[0]):
            sum_ = f"{sum_} + {int(step.base[0])}"
        else:
            tables += array("int32_t", f"{name}_base", step.base)
            sum_ = f"{sum_} + {name}_base[n]"
    scale = f"{name}_scale[n]"
    if np.asarray(step.scale).ndim == 0:
        scale = literal("float", step.scale)
    else:
        tables += array("float", f"{name}_scale", np.asarray(step.scale))
    lines = f"        float v = (float)({sum_}) * {scale};\n"
    if step.bias is not None:
        tables += array("float", f"{name}_bias", np.broadcast_to(step.bias, (columns,)))
        lines += f"        v += {name}_bias[n];\n"
    if step.divisor is not None:
        lines += f"        v /= {literal('float', step.divisor)};\n"
    return tables, lines


# A form for each of `lower.expression.FORMS`.
_LINK: dict[str, Callable[[str], str]] = {
    "add": lambda c: f"v = v + {c};",
    "subtract": lambda c: f"v = v - {c};",
    "subtract_from": lambda c: f"v = {c} - v;",
    "multiply": lambda c: f"v = v * {c};",
    "divide": lambda c: f"v = v / {c};",
    "divide_into": lambda c: f"v = {c} / v;",
    "maximum": lambda c: f"v = v > {c} ? v : {c};",
    "minimum": lambda c: f"v = v < {c} ? v : {c};",
}


def link_lines(links: Any, name: str, columns: int) -> tuple[str, str]:
    """Return tables, and lines that put the float v of channel n through elementwise steps.

    Raises:
        KeyError: of a step that has no form in C; the caller refuses it before.
    """
    tables, lines = "", ""
    for number, (link, constants) in enumerate(links):
        constant = ""
        if constants is not None:
            flat = np.ravel(constants)
            if np.all(flat == flat[0]):
                constant = literal("float", flat[0])
            else:
                constant = f"{name}_c{number}[n]"
                table = np.broadcast_to(flat, (columns,))
                tables += array("float", f"{name}_c{number}", table)
        lines += f"        {_LINK[link](constant)}\n"
    return tables, lines


@loops.register
def _(step: FloatMap) -> str:
    columns = step.target.shape[-1]
    tables, lines = link_lines(step.links, step.identifier, columns)
    body = f"""    unsigned n = 0;
    int32_t i;
    for (i = 0; i < {step.target.size}; i++) {{
        float v = x[i];
{lines}        y[i] = v;
        if (++n == {columns}u) n = 0;
    }}
"""
    return tables + function(step, body)


@loops.register
def _(step: FloatPair) -> str:
    body = f"""    int32_t i;
    for (i = 0; i < {step.target.size}; i++) y[i] = x0[i] {step.operator} x1[i];
"""
    return function(step, body)


@loops.register
def _(step: FloatMean) -> str:
    # In blocks of 64 pixels whose float32 sums are added in double: see gemm.pooling.
    area, pad = step.window.kernel[0] * step.window.kernel[1], " " * 28
    if area <= BLOCK:
        before = "                float sum = 0.0f;\n"
        inner = f"{pad}sum += v;\n"
        after = f"                *y++ = sum / {literal('float', area)};\n"
        return function(step, _windows(step, inner, before, after))
    before = (
        "                float sum = 0.0f;\n"
        "                double total = 0.0;\n"
        "                int pixels = 0;\n"
    )
    inner = (
        f"{pad}sum += v;\n"
        f"{pad}if (++pixels == {BLOCK}) {{\n"
        f"{pad}    total += (double)sum;\n"
        f"{pad}    sum = 0.0f;\n"
        f"{pad}    pixels = 0;\n"
        f"{pad}}}\n"
    )
    after = f"                *y++ = (float)((total + (double)sum) / {area}.0);\n"
    return function(step, _windows(step, inner, before, after))


@loops.register
def _(step: FloatProduct) -> str:
    name = step.identifier
    height, width, channels = step.image
    n, kh, kw, inputs = step.weights.shape
    rows, columns = step.window.output(height, width)
    (sy, sx), (py, px), (dy, dx) = step.window.stride, step.window.padding, step.window.dilation
    tables = array("float", f"{name}_weights", step.weights)
    scale = f"{name}_scale[n]"
    if step.scale.ndim:
        tables += array("float", f"{name}_scale", step.scale)
    else:
        scale = literal("float", step.scale)
    bias = ""
    if step.bias is not None:
        tables += array("float", f"{name}_bias", np.broadcast_to(step.bias, (n,)))
        bias = f" + {name}_bias[n]"
    each = n // step.groups
    body = f"""    int row, column, n, ky, kx, c;
    for (row = 0; row < {rows}; row++)
        for (column = 0; column < {columns}; column++)
            for (n = 0; n < {n}; n++) {{
                const FLASH float *w = {name}_weights + (int32_t)n * {kh * kw * inputs};
                float sum = 0.0f;
                for (ky = 0; ky < {kh}; ky++)
                    for (kx = 0; kx < {kw}; kx++) {{
                        const int down = row * {sy} + ky * {dy} - {py};
                        const int across = column * {sx} + kx * {dx} - {px};
                        if (down < 0 || down >= {height} || across < 0 || across >= {width})
                            w += {inputs};
                        else {{
                            const int32_t at = (int32_t)down * {width} + across;
                            const float *p = x + at * {channels} + n / {each} * {inputs};
                            for (c = 0; c < {inputs}; c++) sum = fused(*p++, *w++, sum);
                        }}
                    }}
                {{
                    const float scaled = sum * {scale};
                    *y++ = scaled{bias};
                }}
            }}
"""
    return tables + function(step, body)
