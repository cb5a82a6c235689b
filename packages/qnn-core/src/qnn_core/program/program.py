"""A recorded call that is carried out again: the same operations, on a tape that stays."""

from collections.abc import Iterator
from typing import Any
from weakref import ref

import numpy as np

from ..autodiff.backward import differentiate, walk_again, way_back
from ..autodiff.memory import CLOCK
from ..autodiff.mode import MODE
from ..autodiff.node import node_of
from ..autodiff.op import OUTPUT, Op
from ..autodiff.rules import same
from ..autodiff.tensor import Tensor, tensor_of
from ..errors import GraphError
from .record import Effect, Operation, Record

# So many inputs of an operation the tape can tell apart, when it looks which were written to.
MOST_KNOWN_APART = 60
NOTHING = np.empty(0, np.float32)


class Run:
    """A forward pass whose gradient somebody may still ask for."""

    __slots__ = ("__weakref__",)


class Kept(Tensor):
    """What an operation made in a run, which lasts as long as this is there."""

    run: Run


class Again:
    """An operation with its tensors; or an effect, whose `op` is None, with what it acts on.

    Args:
        op: the operation, or what stands for it.
        inputs: what it takes.
        attributes: its keyword arguments.
        output: what it makes, or what an effect is of.
        action: the effect.
    """

    __slots__ = ("action", "attributes", "inputs", "op", "output")

    def __init__(
        self,
        op: Any,
        inputs: tuple[Tensor, ...],
        attributes: dict[str, Any],
        output: Tensor,
        action: Any = None,
    ) -> None:
        self.op = op
        self.inputs = inputs
        self.attributes = attributes
        self.output = output
        self.action = action


class Program:
    """A record made to run.

    The tape of its call is built once: its tensors stay, and get another array at each run. To
    whoever calls it, it is one operation on the inputs and on what it trains.

    Args:
        record: of the call.
        inputs: how many the model takes.

    Attributes:
        differentiated: whether a derivative was asked for that can be differentiated again.
    """

    __slots__ = (
        "_bound",
        "_op",
        "_places",
        "_run",
        "_time",
        "differentiated",
        "inputs",
        "order",
        "output",
        "steps",
        "trained",
    )

    def __init__(self, record: Record, inputs: int) -> None:
        values: list[Any] = [None] * record.count
        for number, leaf in record.leaves.items():
            values[number] = leaf
        for number in range(inputs):
            values[number] = _empty()
        self.inputs: list[Tensor] = values[:inputs]
        self.steps = [_again(step, values) for step in record.steps]
        self.output: Tensor = values[record.output]
        self.order = way_back(self.output)
        # What it takes, in the order in which gradients are given.
        self.trained = tuple([stop.tensor for stop in self.order if stop.wanted])
        self._places = {id(t): n for n, t in enumerate((*self.trained, *self.inputs))}
        self._run: Any = None
        self._time = 0
        self._bound = self.differentiated = False
        reads = self._reads()
        self._op = Op(
            "program",
            _nothing,
            same,
            self._vjp,
            macs=None,
            codes=None,
            reads=None if reads is None else [reads] * len(self.trained),
            residual=True,
        )
        # What is pickled with a graph leads to no program where it is loaded.
        facts = {"forward": _nothing, "shape": same, "vjp": _elsewhere, "macs": None}
        self._op.given = {**facts, "residual": True}

    def busy(self) -> bool:
        """Whether somebody may still ask for the gradient of the last run."""
        return self._run is not None and self._run() is not None

    def run(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return the output for other inputs."""
        for n, given in enumerate(inputs):
            mine = self.inputs[n]
            mine.array = given.array
            mine.quantized = given.quantized
        for step in self.steps:
            if step.op is None:
                node = step.output.node
                step.action(step.output, None if node is None else node.residual)
            else:
                step.op.again(step.inputs, step.attributes, step.output)
        if not self._bound:
            self._bind()
        run = Run()
        self._run, self._time = ref(run, self._clear), CLOCK.now
        made = self._op.output((*self.trained, *inputs), self.output.array, run)
        made.quantized = self.output.quantized
        return made

    def _bind(self) -> None:
        """Let operations be done by what is made for these very shapes, from the next run on."""
        self._bound = True
        for step in self.steps:
            op = step.op
            if op is not None and op.bound is not None:
                made = op.bound(op, step.inputs, step.attributes)
                if made is not None:
                    node: Any = step.output.node
                    step.op = node.op = made

    def _vjp(
        self,
        g: Tensor,
        y: Tensor,
        inputs: tuple[Tensor, ...],
        needs: tuple[bool, ...],
        attributes: dict[str, Any],
        *,
        residual: Run,
    ) -> list[Tensor | None]:
        if residual is not self._run():
            raise _copied()
        found: list[Tensor | None] = [None] * len(needs)
        if MODE.here.grad:
            pairs = self._on_the_tape(g, inputs, residual)
        else:
            pairs = walk_again(self.order, g)
        for tensor, gradient in pairs:
            found[self._places[id(tensor)]] = gradient
        return found

    def _on_the_tape(
        self, g: Tensor, inputs: tuple[Tensor, ...], run: Run
    ) -> list[tuple[Tensor, Tensor]]:
        """Return gradients that can be differentiated again: of a tape of their own."""
        self.differentiated = True
        tensors: dict[int, Tensor] = dict(
            zip(map(id, self.inputs), inputs[len(self.trained) :], strict=True)
        )
        for step in self.steps:
            if step.op is not None:
                taken = tuple([tensors.get(id(t), t) for t in step.inputs])
                tensors[id(step.output)] = self._kept(step, taken, run)
        output = tensors[id(self.output)]
        return differentiate([output], [g], targets=self.trained, create_graph=True)

    def _kept(self, step: Again, taken: tuple[Tensor, ...], run: Run) -> Tensor:
        """Return what an operation made in a run, as a tape has it that was never a program."""
        made = Kept(step.output.array, step.output.array.dtype)
        made.run = run
        made.quantized = step.output.quantized
        made.requires_grad = step.output.requires_grad
        node = made.node = node_of(step.op, taken, step.attributes)
        node.watched, node.reads, node.time = True, step.op.reads, self._time
        before: Any = step.output.node
        node.residual = before.residual
        return made

    def _reads(self) -> tuple[int, ...] | None:
        """Return which of what it takes, or makes, derivatives read; None for all."""
        if len(self._places) > MOST_KNOWN_APART:
            return None
        read: set[int] = set()
        for step in self.steps:
            if step.op is None:
                continue
            for at in _read_by(step):
                tensor = step.output if at == OUTPUT else step.inputs[at]
                if tensor is self.output:
                    read.add(OUTPUT)
                elif id(tensor) in self._places:
                    read.add(self._places[id(tensor)])
            if step.output is self.output and step.op.codes == "moves":
                return None  # a view of what others read
        return tuple(sorted(read))

    def _clear(self, run: object) -> None:
        """Let go of the arrays, which nobody needs any more."""
        for step in self.steps:
            if step.op is not None:
                _empty(step.output)


def _empty(tensor: Any = None) -> Any:
    """Return a tensor without an array: a new one, or one that has had its run."""
    if tensor is None:
        tensor = tensor_of(NOTHING)
    else:
        tensor.node.residual = None
    tensor.array = tensor.quantized = None
    return tensor


def _again(step: Operation | Effect, values: list[Any]) -> Again:
    if isinstance(step, Effect):
        return Again(None, (), {}, values[step.value], step.action)
    made = values[step.output] = _empty()
    tensors = tuple([values[n] for n in step.inputs])
    made.requires_grad = step.needed
    made.node = node_of(step.op, tensors, step.attributes)
    return Again(step.op, tensors, step.attributes, made)


def _read_by(step: Again) -> Iterator[int]:
    """Yield which inputs, or `OUTPUT`, the derivative of an operation reads."""
    op = step.op
    assert op is not None
    for place, tensor in enumerate(step.inputs):
        if not tensor.requires_grad:
            continue
        if op.reads is None:
            yield from range(OUTPUT, len(step.inputs))
        elif place < len(op.reads):
            bits = op.reads[place]
            yield from (n for n in range(OUTPUT, len(step.inputs)) if bits >> n + 1 & 1)


def _copied() -> GraphError:
    return GraphError(
        "backward: this is a copy of what a compiled step computed, whose graph is not copied with "
        "it: call backward on the output itself"
    )


def _elsewhere(*arrays: Any, **residual: Any) -> Any:
    raise _copied()


def _nothing(*arrays: Any) -> Any:
    raise AssertionError("a program runs by itself")
