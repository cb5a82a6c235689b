"""The order of a program's instructions, forward and back, and the arrays that they write to."""

from collections import Counter
from typing import Any

import numpy as np

from .._kernels import instruction as kernel
from ..autodiff.backward import Stop
from ..autodiff.node import node_of
from ..autodiff.tensor import FLOATS, Tensor, tensor_of
from .arrays import Arrays
from .on_tape import After, Beside, Step
from .record import Effect, Operation, Record

Shape = tuple[int, ...]


def instruction_of(
    step: Operation, tensors: tuple[Tensor, ...], shapes: tuple[Shape, ...]
) -> kernel.Instruction | None:
    """Return what kernels do as the operation does, if they do and its tensors are for kernels.

    Args:
        step: as it was recorded.
        tensors: what it takes; what no operation made has its array.
        shapes: of these.
    """
    made = step.op.instruction
    if made is None:
        return None
    for tensor, shape in zip(tensors, shapes, strict=True):
        array = tensor.array
        if tensor.quantized is not None or array.dtype != FLOATS[0] or 0 in shape:
            return None
        if not array.flags.c_contiguous:
            return None
    found: kernel.Instruction | None = made(shapes, step.attributes)
    return found


class Forward:
    """The way forward.

    Args:
        record: of the call.
        values: tensors by number: those of inputs and leaves. The others are entered.
        shapes: of all values, by number.

    Attributes:
        instructions: in their order.
        slots: of values, by the id of their tensor.
        made_by: the instruction that made a value, likewise.
        kept: of each operation its tensors, for derivatives of derivatives.
        gone: the ids of tensors that are never there: one instruction makes and reads them.
        arrays: the memory of what kernels write.
    """

    def __init__(self, record: Record, values: list[Any], shapes: list[Shape]) -> None:
        self._readers = _readers(record)
        self._last = record.output
        self._values = values
        self._shapes = shapes
        # Numbers of values that are codes too: only the tape knows what to do with these.
        self._coded: set[int] = set()
        self.instructions: list[kernel.Instruction] = []
        self.slots: dict[int, kernel.Slot] = {}
        self.made_by: dict[int, kernel.Instruction] = {}
        self.kept: list[Step] = []
        self.gone: set[int] = set()
        self.arrays = Arrays()
        for step in record.steps:
            if isinstance(step, Effect):
                self.instructions.append(Beside(step.action, values[step.value]))
            else:
                self._append(step)
        self._plan_outputs()

    def _append(self, step: Operation) -> None:
        values, shapes = self._values, self._shapes
        tensors = tuple([values[n] for n in step.inputs])
        made = values[step.output] = tensor_of(np.empty(0, tensors[0].array.dtype))
        made.requires_grad = step.needed
        node = made.node = node_of(step.op, tensors, step.attributes)
        found = None
        if step.needed and not self._coded.intersection(step.inputs):
            found = instruction_of(step, tensors, tuple([shapes[n] for n in step.inputs]))
        if step.op.codes in ("makes", "moves"):
            self._coded.add(step.output)
        on_tape = Step(step.op, tensors, step.attributes, made, found is not None)
        instruction = on_tape if found is None else found
        slot = self.slots[id(made)] = kernel.Slot(step.shape)
        taken = tuple([self._slot(n) for n in step.inputs])
        for each in (instruction, on_tape):
            each.inputs, each.output = taken, slot
        if found is not None:
            found.otherwise = on_tape
            for each_slot in (*taken, slot):
                each_slot.read = True
            node.residual = found.residual
        self.kept.append(on_tape)
        before = self.made_by.get(id(tensors[0]))
        if found is not None and before is not None and self._readers[step.inputs[0]] == 1:
            last = step.output == self._last
            instruction = self._as_one(before, found, on_tape, last=last)
        if instruction is not before:
            self.instructions.append(instruction)
        self.made_by[id(made)] = instruction

    def _as_one(
        self, before: kernel.Instruction, instruction: kernel.Instruction, step: Step, *, last: bool
    ) -> kernel.Instruction:
        """Return who does what an instruction does: one with that before it where it can be.

        Args:
            before: makes the first input, which nobody else reads.
            instruction: of the operation.
            step: the same on the tape.
            last: whether others get its output, and may write to it.
        """
        # The derivative of both reads what comes out.
        if len(step.tensors) == 1 and not last and before.takes_over(instruction):
            before.output = instruction.output
            self._leave_out(step)
            return before
        on_tape = before.otherwise
        # The derivative of both reads what goes in.
        if isinstance(on_tape, Step) and self._owned(on_tape) and instruction.takes_in(before):
            self.instructions.remove(before)
            instruction.otherwise = After(on_tape, step)
            self._leave_out(step)
        return instruction

    def _leave_out(self, step: Step) -> None:
        """Take note that what an operation takes is never there; but its shape may be asked for."""
        between, shape = step.tensors[0], step.inputs[0].shape
        between.array = np.broadcast_to(np.zeros((), between.array.dtype), shape)
        self.gone.add(id(between))

    def _owned(self, step: Step) -> bool:
        """Whether a kernel makes the first input of an operation: nobody else writes to that."""
        maker = self.made_by.get(id(step.tensors[0]))
        return maker is not None and not isinstance(maker, Step)

    def _plan_outputs(self) -> None:
        """Plan an array for each output of a kernel that is there."""
        for step in self.kept:
            of_kernel = not isinstance(self.made_by[id(step.tensor)], Step)
            if of_kernel and id(step.tensor) not in self.gone:
                self.arrays.alone(step.output, step.tensor)

    def _slot(self, number: int) -> kernel.Slot:
        tensor = self._values[number]
        slot = self.slots.get(id(tensor))
        if slot is None:
            slot = self.slots[id(tensor)] = kernel.Slot(self._shapes[number])
        return slot


def _readers(record: Record) -> Counter[int]:
    """Return how many there are who read the numbers of each value."""
    readers = Counter([record.output])
    for step in record.steps:
        if isinstance(step, Effect):
            readers[step.value] += step.reads
        else:
            readers.update(step.inputs)
    return readers


class AnySum(kernel.Instruction):
    """On the way back: the sum of two gradients of one tensor, of any dtype."""

    def backward(self, path: int, threads: int) -> int:
        """Write it."""
        a, b = self.inputs
        self.output.put(a.array + b.array)
        return 0


class Back:
    """The way back: who writes which gradient, and where.

    Args:
        order: the stops on the way, producers first.
        forward: the way forward.

    Attributes:
        instructions: in their order.
        seed: where the gradient of the output is put.
        found: the slot of each leaf's gradient, by the leaf's id.
    """

    def __init__(self, order: list[Stop], forward: Forward) -> None:
        self.instructions: list[kernel.Instruction] = []
        self._slots, self._made_by = forward.slots, forward.made_by
        self._gone = forward.gone
        self._arrays = forward.arrays
        # Slots whose memory others have later, and those whose arrays are let go of.
        self._pooled: set[kernel.Slot] = set()
        self._foreign: set[kernel.Slot] = set()
        # How many gradients lie in a slot, where that is more than one.
        self._held: Counter[kernel.Slot] = Counter()
        # The gradient of each tensor as far as it is known, and how many are added up.
        self._known: dict[int, kernel.Slot] = {}
        self._added: dict[int, int] = {}
        # What instructions have written, by the tensor on whose turn it is added up.
        self._written: dict[int, list[tuple[Stop, kernel.Slot]]] = {}
        self._uses = Counter(
            id(b.tensor)
            for stop in order
            if id(stop.tensor) not in self._gone
            for _, b in self._behind(stop)
            if b is not None
        )
        last = order[-1].tensor
        self.seed = self._known[id(last)] = kernel.Slot(self._slots[id(last)].shape)
        for stop in reversed(order):
            if id(stop.tensor) in self._known and any(b for _, b in self._behind(stop)):
                self._pull(stop, self._known[id(stop.tensor)])
            for b, slot in self._written.pop(id(stop.tensor), ()):
                self._add(b, slot)
        self.found = {id(s.tensor): self._known[id(s.tensor)] for s in order if s.wanted}

    def _pull(self, stop: Stop, g: kernel.Slot) -> None:
        """Append the derivative of the instruction that made a tensor."""
        instruction = self._made_by[id(stop.tensor)]
        behind = self._behind(stop)
        gradients = self._gradients([b for _, b in behind], instruction)
        for each in (instruction, instruction.otherwise):
            if each is not None:
                each.lead(g, gradients)
        g.read = g.read or not isinstance(instruction, Step)
        self.instructions.append(instruction)
        self._release(g)
        for (turn, b), slot in zip(behind, gradients, strict=True):
            if b is not None and slot is not None:
                self._written.setdefault(id(turn.tensor), []).append((b, slot))

    def _gradients(
        self, behind: list[Stop | None], writer: kernel.Instruction
    ) -> tuple[kernel.Slot | None, ...]:
        """Return where an operation writes the gradients of its inputs."""
        first = behind[0]
        if writer.alike and first is not None and all(b and self._is_inner(b) for b in behind):
            slot = self._slot(first, writer)
            self._held[slot] = len(behind)
            return (slot,) * len(behind)
        return tuple([None if b is None else self._slot(b, writer) for b in behind])

    def _is_inner(self, behind: Stop) -> bool:
        """Whether only kernels read the gradients of a tensor, each of them or their sum."""
        if behind.wanted:
            return False
        is_read = not isinstance(self._made_by[id(behind.tensor)], Step)
        return is_read or self._uses[id(behind.tensor)] > 1

    def _slot(self, behind: Stop, writer: kernel.Instruction) -> kernel.Slot:
        """Return where an operation writes the gradient of one of its inputs."""
        slot = kernel.Slot(self._slots[id(behind.tensor)].shape)
        if isinstance(writer, Step):
            self._foreign.add(slot)
        elif self._uses[id(behind.tensor)] > 1:
            self._from_pool(slot)
        else:
            self._last(slot, behind)
        return slot

    def _last(self, slot: kernel.Slot, behind: Stop) -> None:
        """Give memory to the gradient that an operation, or a caller, is given."""
        # Users keep gradients, and derivatives of the tape may give on what they were given.
        if not behind.wanted and not isinstance(self._made_by[id(behind.tensor)], Step):
            self._from_pool(slot)
            return
        slot.read = True
        renew = kernel.Renew()
        renew.output = slot
        self.instructions.append(renew)
        if not behind.wanted:
            self._foreign.add(slot)

    def _from_pool(self, slot: kernel.Slot) -> None:
        slot.read = True
        self._arrays.share(slot)
        self._pooled.add(slot)

    def _add(self, behind: Stop, slot: kernel.Slot) -> None:
        """Take note of one of the gradients of a tensor: the first as it is, others in a sum."""
        tensor = behind.tensor
        added = self._added[id(tensor)] = self._added.get(id(tensor), 0) + 1
        if added == 1:
            self._known[id(tensor)] = slot
            return
        before = total = self._known[id(tensor)]
        plain = tensor.array.dtype == FLOATS[0]
        if added == 2:
            total = self._known[id(tensor)] = kernel.Slot(slot.shape)
            if plain:
                self._last(total, behind)
            else:
                self._foreign.add(total)
        both = kernel.Sum() if plain else AnySum()
        both.inputs, both.output = (before, slot), total
        for each in both.inputs:
            each.read = each.read or plain
        self.instructions.append(both)
        self._release(slot)
        if added == 2:
            self._release(before)

    def _release(self, slot: kernel.Slot) -> None:
        """Let go of what a slot holds: all that read it have done so, or one of several."""
        self._held[slot] -= 1
        if self._held[slot] > 0:
            return
        if slot in self._pooled:
            self._arrays.give_back(slot)
        elif slot in self._foreign:
            drop = kernel.Drop()
            drop.output = slot
            self.instructions.append(drop)

    def _behind(self, stop: Stop) -> list[tuple[Stop, Stop | None]]:
        """Return where the derivative of what made a tensor leads, one pair for an input.

        The first is the stop on whose turn the tape would add the gradient up, where several are:
        of two operations that became one it is that of the first. The second is where it leads.
        """
        found: list[tuple[Stop, Stop | None]] = []
        for b in stop.behind:
            if b is not None and id(b.tensor) in self._gone:
                found.extend((b, inner) for inner in b.behind)
            else:
                found.append((stop, b))
        return [(turn, b if b is not None and b.needed else None) for turn, b in found]
