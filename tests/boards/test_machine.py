"""Instructions, cycles and stack of programs of which they are known."""

from pathlib import Path

import pytest
from qnn_core.boards import TARGETS, Call, Machine, Target, build
from qnn_core.errors import BoardError

pytestmark = pytest.mark.boards

EMULATED = [target for target in TARGETS.values() if target.core != "avr"]
ARM = [target for target in EMULATED if target.core == "arm"]
RISCV = [target for target in EMULATED if target.core == "riscv"]

# Counts its argument down to 0: two instructions each time, and one that returns.
LOOPS = {
    "arm": ".syntax unified\n.thumb_func\nloop: subs r0, #1\n bne loop\n bx lr\n",
    "riscv": "loop: addi a0, a0, -1\n bnez a0, loop\n ret\n",
}
# Stores and loads words below the stack pointer, the lowest of them 40 bytes below.
WORDS = {
    "arm": ".syntax unified\n.thumb_func\nwords: sub sp, #40\n str r0, [sp]\n ldr r1, [sp]\n"
    " ldr r0, [sp, #0]\n add sp, #40\n bx lr\n",
    "riscv": "words: addi sp, sp, -40\n sw a0, 0(sp)\n lw a1, 0(sp)\n lw a0, 0(sp)\n"
    " addi sp, sp, 40\n ret\n",
}
ids = pytest.mark.parametrize("target", EMULATED, ids=lambda target: target.name)


def assemble(folder: Path, target: Target, name: str, text: str) -> Machine:
    """Return a machine with a function in assembler."""
    source = folder / f"{name}.s"
    kind = ".type" + f" {name}, %function\n" if target.core == "arm" else ""
    source.write_text(f".text\n.globl {name}\n{kind}{text}")
    return Machine(build(folder / f"{name}.elf", [source], target, [name], flags=()), target)


def compiled(folder: Path, target: Target, name: str, text: str, optimize: str = "-O2") -> Machine:
    """Return a machine with a function in C."""
    source = folder / f"{name}.c"
    source.write_text(f"#include <stdint.h>\n{text}")
    elf = folder / f"{name}.elf"
    return Machine(build(elf, [source], target, [name], optimize=optimize), target)


@ids
@pytest.mark.parametrize("times", [1, 2, 1000])
def test_a_loop_is_counted_exactly(tmp_path: Path, target: Target, times: int) -> None:
    call = assemble(tmp_path, target, "loop", LOOPS[target.core]).call("loop", times)
    # Of a branch that is taken, and a return: 2 cycles on a Cortex-M0+, 3 on the others.
    jump = 2 if target.name == "m0" else 3
    cycles = times + jump * (times - 1) + 1 + jump
    mix = {"other": times, "branch": times, "jump": 1}
    assert call == Call(0, 2 * times + 1, cycles, mix, stack=0)


@ids
def test_memory_and_stack(tmp_path: Path, target: Target) -> None:
    call = assemble(tmp_path, target, "words", WORDS[target.core]).call("words", -7)
    # Two additions; a store and two loads; a return. A Cortex-M4 overlaps them.
    cycles = {"m4": 2 + (1 + 1 + 1) + 3, "m0": 2 + 3 * 2 + 2}.get(target.name, 2 + 3 * 2 + 3)
    mix = {"other": 2, "store": 1, "load": 2, "jump": 1}
    assert call == Call(-7, 6, cycles, mix, stack=40)


@pytest.mark.parametrize("target", ARM, ids=lambda target: target.name)
def test_registers_of_a_push_are_counted(tmp_path: Path, target: Target) -> None:
    text = ".syntax unified\n.thumb_func\nf: push {r4-r6, lr}\n pop {r4-r6, pc}\n"
    call = assemble(tmp_path, target, "f", text).call("f")
    assert (call.instructions, call.cycles, call.stack) == (2, (1 + 4) + (3 + 4), 16)


@ids
def test_calls_are_told_from_jumps(tmp_path: Path, target: Target) -> None:
    text = (
        '__attribute__((noinline)) static int32_t next(int32_t x) { __asm__(""); return x + 1; }\n'
        "int32_t f(int32_t x);\nint32_t f(int32_t x) { return 3 * next(x) + next(x + 5); }\n"
    )
    call = compiled(tmp_path, target, "f", text).call("f", 10)
    assert call.result == 3 * 11 + 16
    assert call.mix["call"] == 2


@ids
def test_a_dot_product(tmp_path: Path, target: Target) -> None:
    text = (
        "int32_t dot(const int8_t *x, const int8_t *y, int32_t n);\n"
        "int32_t dot(const int8_t *x, const int8_t *y, int32_t n)\n"
        "{ int32_t s = 0; while (n--) s += *x++ * *y++; return s; }\n"
    )
    machine = compiled(tmp_path, target, "dot", text)
    x, y = bytes([1, 2, 3, 256 - 4, 5, 6, 7]), bytes([256 - 9, 8, 7, 6, 5, 4, 3])
    places = machine.hand_over(x), machine.hand_over(y)
    short, long = (machine.call("dot", *places, n) for n in (6, 7))
    assert long.result == -9 + 16 + 21 - 24 + 25 + 24 + 21
    if target.name != "rv32ec":  # which multiplies by a function, as long as a factor has bits
        assert long.mix["load"] - short.mix["load"] == 2
        assert long.mix["multiply"] == 7
    assert machine.check("dot", *places, 7) == long.result


@ids
def test_a_loop_that_the_compiler_makes_a_call(tmp_path: Path, target: Target) -> None:
    text = (
        "struct big { uint8_t bytes[100]; };\nvoid copy(struct big *to, const struct big *from);\n"
        "void copy(struct big *to, const struct big *from) { *to = *from; }\n"
    )
    machine = compiled(tmp_path, target, "copy", text)
    to, source = machine.hand_over(bytes(100)), machine.hand_over(bytes(range(100)))
    assert machine.call("copy", to, source).instructions > 100  # memcpy of support.c, byte by byte
    assert machine.read(to, 101) == bytes(range(100)) + bytes(1)


@ids
def test_more_arguments_than_registers(tmp_path: Path, target: Target) -> None:
    names = "abcdefgh"[: 6 if target.core == "riscv" else 8]
    taken = ", ".join(f"int32_t {name}" for name in names)
    total = " + ".join(f"{n} * {name}" for n, name in enumerate(names, 1))
    text = f"int32_t f({taken});\nint32_t f({taken}) {{ return {total}; }}\n"
    numbers = range(10, 10 + len(names))
    expected = sum(n * number for n, number in enumerate(numbers, 1))
    assert compiled(tmp_path, target, "f", text).call("f", *numbers).result == expected


@ids
def test_bytes_of_flash_and_ram(tmp_path: Path, target: Target) -> None:
    text = (
        "static const uint8_t table[1000] = {1, 2, 3};\nstatic uint8_t zero[200];\n"
        "static uint8_t data[40] = {1};\nint f(int i);\nint unused(int i);\n"
        "int f(int i) { zero[i]++; return table[i] + zero[i] + data[i]++; }\n"
        "int unused(int i) { return table[i] * 7 + i / 3; }\n"
    )
    machine = compiled(tmp_path, target, "f", text)
    assert 1040 < machine.image.flash < 1140
    assert 240 <= machine.image.static <= 248
    assert "unused" not in machine.image.symbols
    assert machine.call("f", 0).result == 1 + 1 + 1


@pytest.mark.parametrize("target", [*ARM[:1], *RISCV], ids=lambda target: target.name)
def test_a_word_that_is_not_aligned(tmp_path: Path, target: Target) -> None:
    text = "int32_t f(int32_t *p);\nint32_t f(int32_t *p) { return *p; }\n"
    machine = compiled(tmp_path, target, "f", text)
    place = machine.hand_over(bytes([1, 0, 0, 0, 2, 0, 0, 0]))
    assert machine.check("f", place + 4) == 2
    with pytest.raises(BoardError, match=r"f: f reads 4 bytes|f fails in f"):
        machine.check("f", place + 2)


@ids
def test_a_write_to_what_is_not_its_own(tmp_path: Path, target: Target) -> None:
    text = "void f(uint8_t *p, int n);\nvoid f(uint8_t *p, int n) { while (n--) *p++ = 1; }\n"
    machine = compiled(tmp_path, target, "f", text)
    place = machine.hand_over(bytes(10))
    machine.check("f", place, 10)
    with pytest.raises(BoardError, match=r"f writes 1 bytes at 0x\w+, which are not its own"):
        machine.check("f", place, 11)


@ids
def test_faults_say_where(tmp_path: Path, target: Target) -> None:
    text = (
        "__attribute__((noinline)) static void poke(volatile int *p) { *p = 1; }\n"
        "int f(volatile int *p);\nint f(volatile int *p) { poke(p); return 1; }\n"
    )
    machine = compiled(tmp_path, target, "f", text)
    with pytest.raises(BoardError, match="f fails in poke"):
        machine.call("f", 0x40000000)


@ids
def test_too_much_stack(tmp_path: Path, target: Target) -> None:
    text = (
        "int f(int n);\nint f(int n)\n{ volatile int x[64]; x[0] = n;\n"
        "  return n ? f(n - 1) + x[0] : 0; }\n"
    )
    machine = compiled(tmp_path, target, "f", text)
    assert 3 * 256 < machine.call("f", 2).stack < 3 * 300
    with pytest.raises(BoardError, match="f needs more than 32,768 bytes of stack"):
        machine.call("f", 200)


@ids
def test_what_the_compiler_refuses_is_said(tmp_path: Path, target: Target) -> None:
    with pytest.raises(BoardError, match="'nothing' undeclared"):
        compiled(tmp_path, target, "f", "int f(void) { return nothing; }\n")


@ids
def test_an_unknown_function(tmp_path: Path, target: Target) -> None:
    machine = compiled(tmp_path, target, "f", "int f(void);\nint f(void) { return 1; }\n")
    with pytest.raises(BoardError, match="has no 'g'"):
        machine.call("g")


@pytest.mark.parametrize("target", RISCV, ids=lambda target: target.name)
def test_only_some_multiply(tmp_path: Path, target: Target) -> None:
    text = "int f(int a, int b);\nint f(int a, int b) { return a * b; }\n"
    call = compiled(tmp_path, target, "f", text).call("f", 123, -45)
    assert call.result == 123 * -45
    assert ("multiply" in call.mix) == (target.name != "rv32ec")
