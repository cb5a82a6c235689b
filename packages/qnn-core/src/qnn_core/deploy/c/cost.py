"""What a net costs on a processor: flash, RAM, operations and modelled cycles, by layer.

Bytes of tables and of the scratch memory are exact. Bytes of code and of stack, and cycles, are
modelled: zero wait states, constants that were counted in an emulator (see docs/exporting-c.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from types import MappingProxyType

from tabulate import tabulate

from ...display import block, html_table, sentence
from .kernels import KERNELS
from .plan import (
    Decision,
    Dequantize,
    Encode,
    FloatMap,
    FloatMean,
    FloatPair,
    FloatProduct,
    Gather,
    Join,
    MaxPool,
    Product,
    Recode,
    Scale,
    Step,
    SumPool,
    decision_of,
)
from .text.decisions import nbytes_of, types_of
from .text.source import Generated

MODELLED = "Scratch is exact, tables nearly; code, stack and cycles are modelled (no wait states)."


@dataclass(frozen=True)
class Processor:
    """What a processor takes, about, beyond what kernels say of themselves.

    Attributes:
        title: for people.
        line: cycles from a sum to a code by a line of 32 bits.
        wide: by one of 64 bits.
        halving: by each halving of a search in thresholds.
        element: to load, look up and store an element in a loop.
        window: of each element under a window.
        fused: of a multiply-add of floats, without an FPU.
        code: bytes of code in relation to Cortex-M0+.
        stack: bytes.
    """

    title: str
    line: float
    wide: float
    halving: float
    element: float
    window: float
    fused: float
    code: float
    stack: int


# NOTE: counted on emulated processors with `nox -s boards`; see docs/exporting-c.md.
PROCESSORS: Mapping[str, Processor] = MappingProxyType(
    {
        "rv32ec": Processor("RV32EC, no multiplier", 156, 313, 9, 12, 18, 900, 1.1, 160),
        "rv32emc": Processor("RV32EMC", 22, 29, 9, 12, 16, 300, 1.0, 128),
        "rv32imc": Processor("RV32IMC", 20, 27, 9, 11, 15, 250, 1.0, 112),
        "m0": Processor("Cortex-M0+", 24, 93, 10, 11, 17, 350, 1.0, 160),
        "m4": Processor("Cortex-M4", 17, 17, 8, 8, 11, 200, 1.0, 128),
        "avr": Processor("AVR", 120, 400, 25, 25, 40, 900, 1.6, 120),
    }
)

# Bytes of code that every net has, and of a step that is no product, on Cortex-M0+.
FRAME, STEP = 200, 80


@dataclass(frozen=True)
class CRow:
    """What a layer costs on a processor.

    Attributes:
        path: of the layer.
        kernel: how it is computed.
        macs: multiply-accumulates of an inference.
        tables: bytes of constants.
        ram: bytes of the value that it makes, and of its working memory.
        cycles: of an inference, by the target, modelled.
    """

    path: str
    kernel: str
    macs: int
    tables: int
    ram: int
    cycles: Mapping[str, int]


@dataclass(frozen=True)
class CSummary:
    """What a net costs as C; ``print`` shows a table.

    Attributes:
        rows: the layers, in order.
        scratch: bytes of the caller's memory, in which values share places.
        flash: bytes of constants and code, by the target.
        stack: bytes, by the target.
    """

    rows: tuple[CRow, ...]
    scratch: int
    flash: Mapping[str, int]
    stack: Mapping[str, int]

    @property
    def cycles(self) -> dict[str, int]:
        """Modelled cycles of an inference, by the target."""
        return {target: sum(row.cycles[target] for row in self.rows) for target in PROCESSORS}

    @property
    def tables(self) -> int:
        """Bytes of constants."""
        return sum(row.tables for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of an inference."""
        return sum(row.macs for row in self.rows)

    def ram(self, target: str) -> int:
        """Return bytes of RAM: static (none), scratch and stack."""
        return self.scratch + self.stack[target]

    def __str__(self) -> str:
        heads, rows = self._table()
        right = ["left", "left", *["right"] * (len(heads) - 2)]
        return f"{tabulate(rows, heads, colalign=right, disable_numparse=True)}\n{MODELLED}"

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        """Return the same table as notebooks show it."""
        heads, rows = self._table()
        return block("As C", html_table(heads, rows, left=2), sentence(MODELLED))

    def _table(self) -> tuple[list[str], list[list[str]]]:
        heads = ["layer", "kernel", "MACs", "tables", "RAM", *(f"{t} kcycles" for t in PROCESSORS)]
        rows = [
            [r.path, r.kernel, f"{r.macs:,}", f"{r.tables:,}", f"{r.ram:,}"]
            + [f"{r.cycles[t] / 1000:,.1f}" for t in PROCESSORS]
            for r in self.rows
        ]
        total = ["in all", "", f"{self.macs:,}", f"{self.tables:,}", f"{self.scratch:,}"]
        rows.append([*total, *(f"{c / 1000:,.1f}" for c in self.cycles.values())])
        rows.append(["flash, bytes", "", "", "", "", *(f"{b:,}" for b in self.flash.values())])
        rows.append(["RAM, bytes", "", "", "", "", *(f"{self.ram(t):,}" for t in PROCESSORS)])
        rows.append(["of which stack", "", "", "", "", *(f"{b:,}" for b in self.stack.values())])
        return heads, rows


def cost(g: Generated) -> CSummary:
    """Return what a net costs on every target."""
    rows, types = [], types_of(g.decisions)
    for number, step in enumerate(g.plan.steps):
        prepared = g.kernels.get(number)
        tables = nbytes_of(g.decisions[number], types) + (
            prepared.nbytes if prepared else table_bytes(step)
        )
        work = prepared.work if prepared else 0
        cycles = {
            target: round(_cycles(step, target, prepared.kernel if prepared else ""))
            for target in PROCESSORS
        }
        rows.append(
            CRow(
                step.path or "(model)",
                prepared.kernel if prepared else type(step).__name__.lower(),
                macs_of(step),
                tables,
                step.target.size * step.target.nbytes + work,
                cycles,
            )
        )
    tables = sum(row.tables for row in rows)
    code = FRAME + _code(g)
    return CSummary(
        tuple(rows),
        g.arena.nbytes,
        {t: tables + round(code * p.code) for t, p in PROCESSORS.items()},
        {t: p.stack for t, p in PROCESSORS.items()},
    )


def macs_of(step: Step) -> int:
    """Return the multiply-accumulates of a step."""
    if isinstance(step, Product):
        return step.macs
    if isinstance(step, FloatProduct):
        return step.target.size * int(step.weights[0].size)
    return 0


@singledispatch
def table_bytes(step: Step) -> int:
    """Return the bytes of the tables of a step that is no product of integers."""
    return 0


@table_bytes.register
def _(step: Recode) -> int:
    return step.tables.size


@table_bytes.register
def _(step: Join) -> int:
    exceptions = 11 * len(step.exceptions) + (2 * step.multiplier.size + 2) * step.exceptions.any()
    return step.multiplier.size * (16 if step.wide else 12) + int(exceptions)


@table_bytes.register
def _(step: Gather) -> int:
    return 0 if step.indices is None else 2 * step.indices.size


@table_bytes.register
def _(step: SumPool) -> int:
    return 0 if step.table is None else 2 * step.table.size


@table_bytes.register
def _(step: Encode) -> int:
    return 4 * step.cuts.size


@table_bytes.register
def _(step: Dequantize) -> int:
    return 4 * step.values.size


@table_bytes.register
def _(step: FloatProduct) -> int:
    bias = 0 if step.bias is None else step.bias.size
    return 4 * (step.weights.size + bias + (step.scale.size if step.scale.ndim else 0))


def _decided(decision: Decision | None, count: int, target: str) -> float:
    """Return the cycles of so many decisions."""
    if decision is None:
        return 0.0
    p = PROCESSORS[target]
    if not decision.lines.exact.all():
        return count * p.halving * max(1, decision.top.bit_length())
    return count * (p.line if decision.lines.narrow.all() else p.wide)


def _cycles(step: Step, target: str, kernel: str) -> float:
    if isinstance(step, Product):
        found = next(k for k in KERNELS if k.name == kernel)
        made = found.cycles(step, target)
    else:
        made = loop_cycles(step, PROCESSORS[target])
    return made + _decided(decision_of(step), step.target.size, target)


@singledispatch
def loop_cycles(step: Step, p: Processor) -> float:
    """Return the cycles of a step that is no product of integers, without its decisions."""
    return step.target.size * p.element


@loop_cycles.register(MaxPool)
@loop_cycles.register(SumPool)
@loop_cycles.register(FloatMean)
def _(step: MaxPool | SumPool | FloatMean, p: Processor) -> float:
    return step.target.size * step.window.kernel[0] * step.window.kernel[1] * p.window


@loop_cycles.register
def _(step: Join, p: Processor) -> float:
    return step.target.size * (p.element + (p.wide if step.wide else p.line))


@loop_cycles.register
def _(step: FloatProduct, p: Processor) -> float:
    return macs_of(step) * p.fused


@loop_cycles.register(Scale)
@loop_cycles.register(FloatMap)
@loop_cycles.register(FloatPair)
def _(step: Step, p: Processor) -> float:
    return step.target.size * p.fused / 2


@loop_cycles.register
def _(step: Encode, p: Processor) -> float:
    return step.target.size * (p.element + p.halving * max(1, step.cuts.size.bit_length()))


def _code(g: Generated) -> int:
    """Return about how many bytes of code a net has on Cortex-M0+, without its frame."""
    kernels = [p.kernel for p in g.kernels.values()]
    each = {k.name: k.code for k in KERNELS}
    named = set(kernels) if g.optimize == "size" else kernels
    others = len(g.plan.steps) - len(kernels)
    return sum(each[name] for name in named) + STEP * others
