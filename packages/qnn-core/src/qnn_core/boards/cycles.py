"""How many cycles instructions take: models of cores with memory that never waits.

Instructions are counted exactly; cycles are a model. Flash that waits, caches and buses are not in
it, so modelled numbers are compared with modelled ones, never with published ones. Beside hardware
numbers that BitNetMCU publishes for CH32V003 and CH32V002 (its loops in RAM, its weights in
flash that waits) the model of these gives 1 to 19 % fewer cycles.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .instructions import Instruction


@dataclass(frozen=True)
class CycleModel:
    """Cycles of each kind of instruction; all others take one.

    Attributes:
        source: where the numbers are from.
        load: of a load.
        next_load: of one that follows another access to memory at once.
        store: of a store.
        taken: of a conditional branch that is taken; one that is not takes 1.
        jump: of a jump or a return.
        call: of a call.
        pop_pc: of a pop that returns, beside one for each register; other pushes and pops take 1
            beside.
        divide: of a division.
    """

    source: str
    load: int
    next_load: int
    store: int
    taken: int
    jump: int
    call: int
    pop_pc: int
    divide: int


MODELS: Mapping[str, CycleModel] = {
    "cortex-m0": CycleModel(
        "Arm DDI 0432, instruction timings, multiplier of one cycle",
        load=2, next_load=2, store=2, taken=3, jump=3, call=4, pop_pc=4, divide=1,
    ),
    "cortex-m0+": CycleModel(
        "NXP LPC800 manual, table of Cortex-M0+ instructions, multiplier of one cycle",
        load=2, next_load=2, store=2, taken=2, jump=2, call=3, pop_pc=3, divide=1,
    ),
    "cortex-m4": CycleModel(
        "Arm DDI 0439 and DDI 0337, instruction timings; TI SWCU185, pairing of loads",
        load=2, next_load=1, store=1, taken=3, jump=3, call=3, pop_pc=3, divide=7,
    ),
    "qingke-v2": CycleModel(
        "measured on a CH32V003, code in RAM: github.com/cpldcpu/BitNetMCU, DRAM_exploration",
        load=2, next_load=2, store=2, taken=3, jump=3, call=3, pop_pc=3, divide=18,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """Instructions that run one after the other.

    Attributes:
        instructions: what they are.
        runs: how many times they ran.
        taken: how many of these did not go on behind the last one.
    """

    instructions: Sequence[Instruction]
    runs: int
    taken: int


def count_cycles(model: CycleModel, blocks: Iterable[Block]) -> int:
    """Return the cycles of all runs of some blocks.

    Example:
        >>> loop = [Instruction("load"), Instruction("load"), Instruction("branch")]
        >>> count_cycles(MODELS["cortex-m4"], [Block(loop, runs=10, taken=9)])
        58
    """
    return sum(_cycles(model, block) for block in blocks)


def _cycles(model: CycleModel, block: Block) -> int:
    total, after_memory = 0, False
    for instruction in block.instructions:
        total += _once(model, instruction, after_memory) * block.runs
        after_memory = instruction.kind in ("load", "store")
    if block.instructions and block.instructions[-1].kind == "branch":
        total += (model.taken - 1) * block.taken
    return total


def _once(model: CycleModel, instruction: Instruction, after_memory: bool) -> int:
    """Return the cycles of one instruction; of a branch, those if it is not taken."""
    match instruction.kind:
        case "load":
            return model.next_load if after_memory else model.load
        case "push" | "pop":
            return 1 + instruction.registers
        case "pop pc":
            return model.pop_pc + instruction.registers
        case "store" | "jump" | "call" | "divide":
            return {
                "store": model.store,
                "jump": model.jump,
                "call": model.call,
                "divide": model.divide,
            }[instruction.kind]
    return 1
