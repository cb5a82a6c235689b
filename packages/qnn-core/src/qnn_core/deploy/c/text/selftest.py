"""NAME_test.c: inputs, what they must give, and a self-test that says what differs first."""

from typing import Any

from numpy.typing import NDArray

from ..host import Ran
from .arrays import array
from .loops import element
from .scores import scores
from .source import Generated

Array = NDArray[Any]


def selftest(g: Generated, inputs: Array, wanted: Ran) -> str:
    """Return the text of NAME_test.c.

    Args:
        g: the net.
        inputs: ``[vectors, elements]``, as the net takes them.
        wanted: what the packed model gives for them.
    """
    name, upper, kind = g.name, g.name.upper(), element(g.plan.input)
    count = len(inputs)
    tables = array(kind, "inputs", inputs, f"{count} inputs of {upper}_INPUTS elements")
    checks, declared = "", ""
    if wanted.sums is not None:
        tables += array("int32_t", "sums", wanted.sums, "what the packed model gives: integers")
        declared += f"    int32_t found[{upper}_OUTPUTS];\n"
        checks += _check(name, "sums", "found", ("%ld", "(long)"))
    if g.logits and wanted.logits is not None:
        tables += array("float", "logits", wanted.logits, "what the packed model gives: numbers")
        declared += f"    float numbers[{upper}_OUTPUTS];\n"
        checks += _check(name, "logits", "numbers", ("%.9g", "(double)"))
    if wanted.classes is not None and scores(g.plan.outputs[0], logits=g.logits) is not None:
        tables += array("int16_t", "classes", wanted.classes, "the class of each")
        checks += f"""        {{
            const int class = {name}_predict(inputs + (int32_t)vector * {upper}_INPUTS, scratch);
            if (class != classes[vector]) {{
                REPORT(("{name}: input %d: class %d, expected %d\\n",
                        vector, class, (int)classes[vector]));
                return vector + 1;
            }}
        }}
"""
    tables = tables.replace("static const FLASH ", "static const ")
    return f"""/*
 * Self-test of {name}. With {upper}_TEST_MAIN it is a program that prints PASS or what differs:
 *     cc -std=c99 -D{upper}_TEST_MAIN {name}.c {name}_test.c -o {name}_test && ./{name}_test
 * Without it, {name}_selftest returns 0, or the number of the first input that differs, from 1 on.
 */
#include "{name}.h"

#ifdef {upper}_TEST_MAIN
#include <stdio.h>
#define REPORT(what) ((void)printf what)
#else
#define REPORT(what) ((void)0)
#endif

{tables}
int {name}_selftest(void *scratch)
{{
    int vector;
    for (vector = 0; vector < {count}; vector++) {{
{declared.replace("    ", "        ")}{checks}    }}
    return 0;
}}

#ifdef {upper}_TEST_MAIN
int main(void)
{{
    static uint32_t scratch[({upper}_SCRATCH + 3) / 4 + 1];
    const int failed = {name}_selftest(scratch);
    if (failed == 0) (void)printf("{name}: PASS, {count} inputs\\n");
    return failed != 0;
}}
#endif
"""


def _check(name: str, what: str, found: str, printed: tuple[str, str]) -> str:
    upper, (form, cast) = name.upper(), printed
    call = f"{name}_{what}(inputs + (int32_t)vector * {upper}_INPUTS, {found}, scratch);"
    return f"""        {{
            int i;
            {call}
            for (i = 0; i < {upper}_OUTPUTS; i++)
                if (!({found}[i] == {what}[(int32_t)vector * {upper}_OUTPUTS + i])) {{
                    REPORT(("{name}: input %d, {what}[%d]: {form}, expected {form}\\n", vector, i,
                            {cast}{found}[i], {cast}{what}[(int32_t)vector * {upper}_OUTPUTS + i]));
                    return vector + 1;
                }}
        }}
"""
