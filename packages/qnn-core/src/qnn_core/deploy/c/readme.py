"""README.md of an export: what it is, how it is called, what it costs, what was proved."""

from collections.abc import Sequence

from ...terminal import escape_markdown
from .cost import PROCESSORS, CSummary
from .plan import Product
from .text.loops import element
from .text.projects import cmake_target
from .text.source import Generated, describe
from .text.usage import usage


def readme(g: Generated, summary: CSummary, proved: Sequence[str]) -> str:
    """Return the text of README.md."""
    parts = [_head(g), _calls(g), _costs(g, summary), _floats(g), _proof(g, proved), _builds(g)]
    return "\n".join(parts)


def _head(g: Generated) -> str:
    about = "".join(f"- {line}\n" for line in g.about)
    kind, upper = element(g.plan.input), g.name.upper()
    return f"""# {g.name}

A neural network in C99. `{g.name}.c` needs `stdint.h` and nothing else: it takes no memory but what
the caller gives it, never recurses, and calls no library.

{about}
An input is `{kind}[{upper}_INPUTS]`, as the packed model was told: what was done to the values
before training is in the tables.
"""


def _calls(g: Generated) -> str:
    name, upper, use = g.name, g.name.upper(), usage(g)
    cpp = ""
    if use.what == "class":
        kind = element(g.plan.input)
        cpp = f"""
In C++, with the scratch memory on the stack:

```cpp
#include "{name}.hpp"

static {kind} input[{name}::inputs];
const int found = {name}::predict(input);
```
"""
    return f"""## Call it

```c
#include "{name}.h"

{use.memory}
{use.call}
```

`{name}.h` says what else there is. All state is in the scratch memory ({upper}_SCRATCH bytes, at an
address that 4 divides), so calls with memory of their own can run at the same time.
{cpp}"""


def _costs(g: Generated, summary: CSummary) -> str:
    rows = [
        (r.path, describe(step), r.kernel, f"{r.macs:,}", f"{r.tables:,}", f"{r.ram:,}")
        for r, step in zip(summary.rows, g.plan.steps, strict=True)
    ]
    rows.append(
        ("in all", "", "", f"{summary.macs:,}", f"{summary.tables:,}", f"{summary.scratch:,}")
    )
    layers = _table(("layer", "what", "kernel", "MACs", "tables, bytes", "RAM, bytes"), rows, 3)
    targets = _table(
        ("target", "flash, bytes", "RAM, bytes", "of which stack", "cycles"),
        [
            (
                f"{name} ({processor.title})",
                f"{summary.flash[name]:,}",
                f"{summary.ram(name):,}",
                f"{summary.stack[name]:,}",
                f"{summary.cycles[name]:,}",
            )
            for name, processor in PROCESSORS.items()
        ],
        1,
    )
    return f"""## What it costs

{layers}
A value's memory is used again when it is not needed any more, so the RAM in all is less than the
sum. Tables and scratch memory are exact. Code, stack and cycles are modelled, for memory without
wait states:

{targets}"""


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]], text: int) -> str:
    """Return a table of Markdown whose columns from `text` on are numbers."""
    ruler = ["---" if i < text else "---:" for i in range(len(heads))]
    lines = [heads, ruler, *([escape_markdown(cell) for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _floats(g: Generated) -> str:
    if not g.plan.floats:
        more = f"; `{g.name}_logits` alone gives float32" if g.logits else ""
        return f"""## What stays float

Nothing: from the input to the class there are integers only{more}.
"""
    lines = "".join(f"- {where}: {why}\n" for where, why in g.plan.floats)
    return f"""## What stays float

{lines}"""


def _proof(g: Generated, proved: Sequence[str]) -> str:
    lines = "".join(f"- {line}\n" for line in proved)
    decides = any(isinstance(step, Product) and step.decision for step in g.plan.steps)
    how = """
Where an integer sum becomes a code, the C compares it with thresholds or puts it on a line. For
every sum that weights and inputs can make, the code was compared with the packed model's.
"""
    return f"""## How it was proved

Before these files were written:

{lines}{how if decides else ""}"""


def _builds(g: Generated) -> str:
    name, upper, target = g.name, g.name.upper(), cmake_target(g.name)
    return f"""## Self-test

`{name}_test.c` holds inputs and what the packed model gives for them. As a program:

```
cc -std=c99 -D{upper}_TEST_MAIN {name}.c {name}_test.c -o {name}_test && ./{name}_test
```

On a board, call `{name}_selftest(scratch)`: it returns 0, or the number of the first input that
differs, from 1 on. Leave the file out of what you ship.

## Build systems

- CMake: `add_subdirectory({name})` and `target_link_libraries(app PRIVATE {target})`. By itself:
  `cmake -B build && cmake --build build && ctest --test-dir build`.
- Arduino: put this folder into `libraries`, then open the example `{name}`.
- PlatformIO: put this folder into `lib` of a project.
- Zephyr: `west build -- -DZEPHYR_EXTRA_MODULES=/path/to/{name}`, with `CONFIG_QNN_{upper}=y` in
  `prj.conf`.
"""
