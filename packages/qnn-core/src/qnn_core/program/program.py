"""A recorded call that is carried out again: instructions, forward and back."""

from threading import Lock
from typing import Any
from weakref import ref

import numpy as np

from .._kernels import instruction as kernel
from ..autodiff.backward import differentiate, way_back
from ..autodiff.memory import CLOCK
from ..autodiff.mode import MODE
from ..autodiff.node import node_of
from ..autodiff.op import OUTPUT, Op
from ..autodiff.rules import same
from ..autodiff.tensor import Tensor, tensor_of
from ..errors import GraphError
from ..machine import kernel_settings
from .on_tape import Step
from .plan import Back, Forward
from .record import Operation, Record

# So many inputs of an operation the tape can tell apart, when it looks which were written to.
MOST_KNOWN_APART = 60


class Run:
    """A forward pass whose gradient somebody may still ask for.

    It is what leads from an output to its program, and no copy of it does. The program knows it
    only while it lasts, so that nothing is cyclic, and memory goes with the last reference.
    """

    __slots__ = ("__weakref__", "program")

    def __init__(self, program: "Program | None" = None) -> None:
        self.program = program

    def __reduce__(self) -> tuple[Any, ...]:
        return Run, ()


class Kept(Tensor):
    """What an operation made in a run, which lasts as long as this is there."""

    run: Run


class Program:
    """A record made to run.

    It is planned once: what carries out each operation, forward and back, and where the arrays in
    between lie. To whoever calls it, it is one operation on the inputs and on what it trains.

    Args:
        record: of the call.
        inputs: shape and dtype of each that the model takes.

    Attributes:
        differentiated: whether a derivative was asked for that can be differentiated again.
        instructions: of the way forward.
    """

    __slots__ = (
        "_arrays",
        "_back",
        "_found",
        "_inputs",
        "_last",
        "_lock",
        "_op",
        "_places",
        "_run",
        "_seed",
        "_steps",
        "_time",
        "_trained",
        "differentiated",
        "instructions",
        "output",
    )

    def __init__(self, record: Record, inputs: tuple[tuple[tuple[int, ...], Any], ...]) -> None:
        values: list[Any] = [None] * record.count
        shapes: list[tuple[int, ...]] = [()] * record.count
        for number, leaf in record.leaves.items():
            values[number], shapes[number] = leaf, leaf.array.shape
        for number, (shape, dtype) in enumerate(inputs):
            values[number], shapes[number] = tensor_of(np.empty(0, dtype)), shape
        for step in record.steps:
            if isinstance(step, Operation):
                shapes[step.output] = step.shape
        forward = Forward(record, values, shapes)
        self.instructions, self._steps = forward.instructions, forward.kept
        self.output: Tensor = values[record.output]
        order = way_back(self.output)
        back = Back(order, forward)
        self._back, self._seed = back.instructions, back.seed
        for leaf in record.leaves.values():
            if id(leaf) in forward.slots:
                forward.slots[id(leaf)].put(leaf.array)
        self._inputs = [(t, forward.slots.get(id(t))) for t in values[: len(inputs)]]
        self._last = forward.made_by[id(self.output)]
        self._arrays = forward.arrays
        # The output may be differentiated in several threads at a time.
        self._lock = Lock()
        # What it takes, in the order in which gradients are given.
        self._trained = tuple([stop.tensor for stop in order if stop.wanted])
        self._found = [back.found[id(t)] for t in self._trained]
        takes = (*self._trained, *[t for t, _ in self._inputs])
        self._places = {id(t): n for n, t in enumerate(takes)}
        self._run: Any = None
        self._time = 0
        self.differentiated = False
        self._op = Op(
            "program",
            _nothing,
            same,
            _vjp,
            macs=None,
            codes=None,
            reads=self._reads(),
            residual=True,
        )
        # What is pickled with a graph leads to no program where it is loaded.
        facts = {"forward": _nothing, "shape": same, "vjp": _elsewhere, "macs": None}
        self._op.given = {**facts, "residual": True}

    def busy(self) -> bool:
        """Whether somebody may still ask for the gradient of the last run."""
        return self._run is not None

    def rest(self) -> None:
        """Let go of its arrays until it runs again, unless somebody may ask for a gradient."""
        if self._run is None:
            self._arrays.rest()
            for slot in self._found:
                slot.drop()

    def run(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return the output for other inputs."""
        for n, given in enumerate(inputs):
            mine, slot = self._inputs[n]
            mine.array = given.array
            if slot is not None:
                slot.put(given.array)
        self._arrays.take()
        last: Any = self._last
        output: Any = self.output
        if not isinstance(last, Step):
            # Somebody may have kept the one before.
            output.array = None
            last.output.renew()
            output.array = last.output.array
        kernel.carry_out(self.instructions, *kernel_settings())
        array = output.array
        if isinstance(last, Step) and _is_of_another(array, last):
            array = array.copy()
        run = Run(self)
        self._run, self._time = ref(run, self._clear), CLOCK.now
        made = self._op.output((*self._trained, *inputs), array, run)
        made.quantized = output.quantized
        return made

    def pull(
        self, g: Tensor, inputs: tuple[Tensor, ...], needs: tuple[bool, ...], run: Run
    ) -> list[Tensor | None]:
        """Return the gradients of what it took in a run, for that of its output."""
        found: list[Tensor | None] = [None] * len(needs)
        with self._lock:
            if MODE.here.grad:
                for tensor, gradient in self._on_the_tape(g, inputs, run):
                    found[self._places[id(tensor)]] = gradient
                return found
            self._seed.put(g.array)
            kernel.carry_back(self._back, *kernel_settings())
            self._seed.drop()
            own = self._arrays.own
            for n, slot in enumerate(self._found):
                array: Any = slot.array
                if not slot.read:
                    slot.drop()
                    if id(array) in own or id(array.base) in own:
                        # A derivative that gives on what it was given.
                        array = array.copy()
                found[n] = tensor_of(array)
            return found

    def _on_the_tape(
        self, g: Tensor, inputs: tuple[Tensor, ...], run: Run
    ) -> list[tuple[Tensor, Tensor]]:
        """Return gradients that can be differentiated again: of a tape of their own."""
        self.differentiated = True
        mine = [id(t) for t, _ in self._inputs]
        tensors: dict[int, Tensor] = dict(zip(mine, inputs[len(self._trained) :], strict=True))
        for step in self._steps:
            taken = tuple([tensors.get(id(t), t) for t in step.tensors])
            tensors[id(step.tensor)] = self._kept(step, taken, run)
        output = tensors[id(self.output)]
        return differentiate([output], [g], targets=self._trained, create_graph=True)

    def _kept(self, step: Step, taken: tuple[Tensor, ...], run: Run) -> Tensor:
        """Return what an operation made in a run, as a tape has it that was never a program."""
        if step.copies:
            # Kernels keep less than the tape does: it is made once more.
            step.op.again(step.tensors, step.attributes, step.tensor)
        array = step.tensor.array
        made = Kept(array, array.dtype)
        made.run = run
        made.quantized = step.tensor.quantized
        made.requires_grad = step.tensor.requires_grad
        node = made.node = node_of(step.op, taken, step.attributes)
        node.watched, node.reads, node.time = True, step.op.reads, self._time
        before: Any = step.tensor.node
        node.residual = before.residual
        return made

    def _reads(self) -> list[tuple[int, ...]] | None:
        """Return which of what it takes, or makes, the derivative of each in `_trained` reads.

        None stands for all.
        """
        if len(self._places) > MOST_KNOWN_APART:
            return None
        # By a tensor's id, in which of these it lies: a view lies where its first input does.
        places = {key: {place} for key, place in self._places.items()}
        for step in self._steps:
            first = places.setdefault(id(step.tensors[0]), set())
            places[id(step.tensor)] = first if step.op.codes == "moves" else set()
        places[id(self.output)].add(OUTPUT)
        # Likewise what is read on the way to it.
        read: dict[int, set[int]] = {id(self.output): set()}
        for step in reversed(self._steps):
            made = read.get(id(step.tensor))
            if made is None:
                continue
            for number, tensor in enumerate(step.tensors):
                if tensor.requires_grad:
                    taken = [places.get(id(t), ()) for t in _read_by(step, number)]
                    read.setdefault(id(tensor), set()).update(made, *taken)
        return [tuple(sorted(read[id(tensor)])) for tensor in self._trained]

    def _clear(self, run: object) -> None:
        """Let go of the arrays that nobody needs any more; the program's own stay."""
        for instruction in self.instructions:
            if isinstance(instruction, Step):
                tensor: Any = instruction.tensor
                tensor.node.residual = None
                tensor.array = tensor.quantized = None
                instruction.output.drop()
        for given, slot in self._inputs:
            given.array = None
            if slot is not None:
                slot.drop()
        # Not before: another thread may wait for a program.
        self._run = None


def _vjp(
    g: Tensor,
    y: Tensor,
    inputs: tuple[Tensor, ...],
    needs: tuple[bool, ...],
    attributes: dict[str, Any],
    *,
    residual: Run,
) -> list[Tensor | None]:
    if residual.program is None:
        raise _copied()
    return residual.program.pull(g, inputs, needs, residual)


def _is_of_another(array: Any, last: Step) -> bool:
    """Whether an array is, or is a view of, one that the program writes to again."""
    if isinstance(array.base, np.ndarray):
        return True
    return any(slot.array is array for slot in last.inputs)


def _read_by(step: Step, number: int) -> list[Tensor]:
    """Return which of its inputs and its output the derivative in one of the inputs reads."""
    reads = step.op.reads
    bits = -1 if reads is None else reads[number] if number < len(reads) else 0
    tensors = (step.tensor, *step.tensors)
    return [tensor for n, tensor in enumerate(tensors) if bits >> n & 1]


def _copied() -> GraphError:
    return GraphError(
        "backward: this is a copy of what a compiled step computed, whose graph is not copied with "
        "it: call backward on the output itself"
    )


def _elsewhere(*arrays: Any, **residual: Any) -> Any:
    raise _copied()


def _nothing(*arrays: Any) -> Any:
    raise AssertionError("a program runs by itself")
