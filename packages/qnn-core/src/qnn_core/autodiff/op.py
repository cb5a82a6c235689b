"""Operations: each is declared once, with its shape rule, its forward and its derivative."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .._kernels import instruction as kernel
from ..errors import DtypeError
from .describe import PerInstance, docstring, signature
from .mode import MODE
from .node import Node, node_of
from .packed import Packed
from .rules import Broadcasting, Shape, same
from .table import BUILT_IN, OPS, RECEIVED
from .tensor import FLOATS, Array, Tensor, converted, memory_of, tensor_of

ShapeRule = Callable[..., Shape]
Gradients = Sequence[Tensor | None]
# (g, y, inputs, needs, attributes), and ``residual=`` if forward returns one.
Vjp = Callable[..., Gradients]
InputVjp = Callable[..., Tensor] | None
Reads = Sequence[Sequence[int]] | None
MakeInstruction = Callable[..., kernel.Instruction | None] | None
# The output among the arrays that a derivative reads.
OUTPUT = -1
"""The output, among what a derivative reads: see `op`.

Example:
    >>> from qnn_core import ops
    >>> ops.exp.given["reads"] == [(OUTPUT,)]
    True
"""


class Op:
    """A differentiable operation with one output.

    Calling it with tensors (or anything that NumPy takes as an array) gives a tensor. Keyword
    arguments are the operation's attributes: they are recorded, but have no derivative.

    What is known of it is all here, as data: readers of a trace or of a packed graph ask the
    operation, and have no lists of names.

    Attributes:
        name: its name in the table, in error messages and in a trace.
        forward: ``forward(*arrays, **attributes) -> array`` of the inputs' dtype (but see `codes`).
        shape: ``shape(*shapes, **attributes) -> shape``, which raises ShapeError on what does not
            fit. It is asked before `forward` runs (by a ufunc, that broadcasts by the same rule:
            only if that refuses).
        vjp: ``vjp(g, y, inputs, needs, attributes)`` gives a gradient for each input, or None where
            `needs` is False. It is written in operations, so that it can itself be differentiated.
            It may leave broadcasting to the tape, which sums over stretched axes.
        residual: whether `forward` returns ``(array, residual)``: whatever its derivative needs of
            what it made. `vjp` is given it as ``residual=``.
        macs: ``macs(*shapes, **attributes) -> int``, the multiply-accumulates, for products.
        codes: what the operation has to do with the codes of quantized tensors: ``"makes"``
            (forward returns an array and its `QuantizedTensor`), ``"reads"`` (forward is given
            ``quantized=``, one entry for each input), ``"moves"`` (forward moves elements, codes as
            well as values), or None.
        reads: whose values the derivative takes: see `op`.
        instruction: ``instruction(shapes, attributes)`` is the operation on float32 arrays of these
            shapes, with its derivative, as kernels do both, to the same bits; or None where they
            do not. Of it a program is made: see `program`.
        doc: what ``help`` says of it, with an example.

    Example:
        >>> from qnn_core import ops
        >>> ops.exp
        <op exp>
        >>> ops.exp.reads  # of its derivative: the output alone
        (1,)
    """

    __doc__ = PerInstance(__doc__, docstring)
    __signature__ = PerInstance(None, signature)
    __slots__ = (
        "_checked_by_numpy",
        "_count",
        "_moves",
        "_plain",
        "_refuses",
        "_watches",
        "codes",
        "doc",
        "forward",
        "given",
        "instruction",
        "macs",
        "name",
        "packed",
        "reads",
        "residual",
        "shape",
        "ufunc",
        "vjp",
    )

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        shape: ShapeRule,
        vjp: Vjp,
        *,
        macs: Callable[..., int] | None,
        codes: str | None,
        reads: Reads = None,
        residual: bool = False,
        packed: Packed | None = None,
        ufunc: np.ufunc | None = None,
        instruction: MakeInstruction = None,
        doc: str | None = None,
    ) -> None:
        self.name = name
        self.forward = forward
        self.shape = shape
        self.vjp = vjp
        self.macs = macs
        self.codes = codes
        self.residual = residual
        self.packed = packed
        self.ufunc = ufunc
        self.instruction = instruction
        self.doc = doc
        # For each input a bit for each array that its gradient takes: the output's, the inputs'.
        self.reads = None if reads is None else tuple([sum(1 << n + 1 for n in r) for r in reads])
        self._watches = reads is None or any(self.reads or ())
        # What it was declared with, for other processes.
        self.given: dict[str, Any] = {}
        # Many operations are ufuncs, which broadcast by the same rule: it is asked if they refuse.
        self._checked_by_numpy = isinstance(forward, np.ufunc) and type(shape) is Broadcasting
        self._moves = codes == "moves"
        self._plain = codes is None and not residual
        self._refuses = shape is not same and not self._checked_by_numpy
        # How many inputs there are, where no rule says so. A ufunc would write into one more.
        self._count = 1 if shape is same else forward.nin if isinstance(forward, np.ufunc) else 0

    def __call__(self, *inputs: Any, **attributes: Any) -> Tensor:
        """Carry the operation out, and record it if somebody wants to know."""
        return self.apply(inputs, attributes)

    def apply(self, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> Tensor:
        """Do what calling does."""
        tensors = self._checked(inputs, attributes)
        arrays = [t.array for t in tensors]
        if self._plain:
            return self._output(tensors, attributes, self._forward(arrays, attributes), None, None)
        if self.residual:
            data, residual = self.forward(*arrays, **attributes)
            return self._output(tensors, attributes, data, None, residual)
        data, quantized = self._with_codes(tensors, arrays, attributes)
        return self._output(tensors, attributes, data, quantized, None)

    def with_residual(self, *inputs: Any, **attributes: Any) -> tuple[Tensor, Any]:
        """Carry out an operation that has a residual; return the output and that."""
        tensors = self._checked(inputs, attributes)
        data, residual = self.forward(*[t.array for t in tensors], **attributes)
        return self._output(tensors, attributes, data, None, residual), residual

    def _checked(self, inputs: tuple[Any, ...], attributes: dict[str, Any]) -> tuple[Tensor, ...]:
        """Return the inputs as tensors that the operation takes."""
        if self._count != 0 and len(inputs) != self._count:
            raise TypeError(f"{self.name} takes {self._count} inputs, {len(inputs)} were given")
        tensors = self._tensors(inputs)
        if self._refuses:
            self.shape(*[t.array.shape for t in tensors], **attributes)
        return tensors

    def _output(
        self,
        tensors: tuple[Tensor, ...],
        attributes: dict[str, Any],
        data: Any,
        quantized: Any,
        residual: Any,
    ) -> Tensor:
        """Return what forward made as a tensor, and record it if somebody wants to know."""
        if type(data) is not np.ndarray:
            data = np.asarray(data)
        first = tensors[0]
        dtype = first.array.dtype
        # Almost always the very same object: then there is no need to compare.
        if data.dtype is not dtype and data.dtype != dtype:
            raise DtypeError(f"{self.name}: forward made {data.dtype} out of {dtype}")
        output = tensor_of(data)
        output.quantized = quantized
        if self._moves and data.base is not None:
            # A view: whoever writes to it writes to the input.
            output.memory = memory_of(first)
        mode = MODE.here
        if mode.grad:
            for tensor in tensors:
                if tensor.requires_grad:
                    output.requires_grad = True
                    if self._watches:
                        _watch(tensors)
                    node = node_of(self, tensors, attributes)
                    node.watched = self._watches
                    node.reads = self.reads
                    node.residual = residual
                    output.node = node
                    break
        if mode.recorder is not None:
            mode.recorder.record(self, tensors, attributes, output)
        return output

    def again(
        self, tensors: tuple[Tensor, ...], attributes: dict[str, Any], output: Tensor
    ) -> None:
        """Carry the operation out once more, for an output that it has made already."""
        arrays = [t.array for t in tensors]
        quantized = residual = None
        if self._plain:
            data = self._forward(arrays, attributes)
        elif self.residual:
            data, residual = self.forward(*arrays, **attributes)
        else:
            data, quantized = self._with_codes(tensors, arrays, attributes)
        output.array = data if type(data) is np.ndarray else np.asarray(data)
        output.quantized = quantized
        if output.node is not None:
            output.node.residual = residual

    def output(self, tensors: tuple[Tensor, ...], data: Any, residual: Any) -> Tensor:
        """Return what somebody else has made of tensors, as if `forward` had."""
        return self._output(tensors, {}, data, None, residual)

    def pull(self, g: Tensor, y: Tensor, node: Node, needs: tuple[bool, ...]) -> Gradients:
        """Return what `vjp` gives for an output whose record is `node`."""
        if self.residual:
            return self.vjp(g, y, node.inputs, needs, node.attributes, residual=node.residual)
        return self.vjp(g, y, node.inputs, needs, node.attributes)

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def __reduce__(self) -> Any:
        if self.name in BUILT_IN:
            return declared, (self.name,)
        # Whoever gets it need not have run the script that declares it.
        return received, (self.name, self.given)

    def __copy__(self) -> "Op":
        return self

    def __deepcopy__(self, memo: Any) -> "Op":
        # A copy would be another operation of the same name.
        return self

    def _forward(self, arrays: list[Array], attributes: dict[str, Any]) -> Any:
        """Return what forward gives."""
        try:
            if attributes:
                return self.forward(*arrays, **attributes)
            # Without a tuple and a dictionary in between: a third of the time of a small addition.
            if len(arrays) == 1:
                return self.forward(arrays[0])
            if len(arrays) == 2:
                return self.forward(arrays[0], arrays[1])
            return self.forward(*arrays)
        except ValueError:
            if self._checked_by_numpy:
                self.shape(*[array.shape for array in arrays], **attributes)
            raise

    def _with_codes(
        self, tensors: tuple[Tensor, ...], arrays: list[Array], attributes: dict[str, Any]
    ) -> tuple[Any, Any]:
        """Return what forward gives, and the codes of it or None."""
        if self.codes == "makes":
            data, quantized = self.forward(*arrays, **attributes)
            return data, quantized
        if self.codes == "reads":
            codes = tuple([t.quantized for t in tensors])
            return self.forward(*arrays, quantized=codes, **attributes), None
        carried = tensors[0].quantized
        if carried is not None:
            carried = carried.moved(lambda codes: self.forward(codes, **attributes))
        return self.forward(*arrays, **attributes), carried

    def _tensors(self, inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """Return the inputs as tensors of one dtype; arrays and numbers take the tensors'."""
        dtype, others = None, False
        for given in inputs:
            if not isinstance(given, Tensor):
                others = True
            elif dtype is None:
                dtype = given.array.dtype
            elif given.array.dtype is not dtype and given.array.dtype != dtype:
                listed = ", ".join([str(i.dtype) for i in inputs if isinstance(i, Tensor)])
                raise DtypeError(
                    f"{self.name}: tensors of one dtype are needed, got {listed}; "
                    "convert with Tensor(x, dtype) or module.astype(dtype)"
                )
        if not others:
            return inputs
        wanted = FLOATS[0] if dtype is None else dtype
        return tuple(
            [i if isinstance(i, Tensor) else tensor_of(converted(i, wanted)) for i in inputs]
        )


def _watch(tensors: tuple[Tensor, ...]) -> None:
    """Take note of what is read: whoever may write to it is compared with what it is now."""
    for tensor in tensors:
        tensor.read = True
        if tensor.memory is not None:
            tensor.memory.look()


def op(
    name: str,
    forward: Callable[..., Any],
    *,
    shape: ShapeRule,
    vjps: Sequence[InputVjp] | None = None,
    vjp: Vjp | None = None,
    macs: Callable[..., int] | None = None,
    codes: str | None = None,
    reads: Reads = None,
    residual: bool = False,
    packed: Packed | None = None,
    ufunc: np.ufunc | None = None,
    instruction: MakeInstruction = None,
    doc: str | None = None,
) -> Op:
    """Declare an operation and enter it into the table.

    Args:
        name: unique name.
        forward: see `Op`.
        shape: see `Op`.
        vjps: one function ``(g, y, *inputs, **attributes) -> gradient`` for each input, or None for
            an input without a derivative. This is the usual way; only what is needed is called.
        vjp: the joint form (see `Op`), for derivatives that share work.
        macs: see `Op`.
        codes: see `Op`.
        reads: for each input, whose values its gradient takes: numbers of inputs, and `OUTPUT`. An
            input that is not listed takes none. By default each takes all. If one of them was
            written to since, `backward` is refused.
        residual: see `Op`; the derivative is then given in the joint form.
        packed: see `Op`.
        ufunc: see `Op`; by default the forward, if that is one.
        instruction: see `Op`.
        doc: its docstring. How it is called is written above it, from its first derivative.

    Raises:
        ValueError: if there is another operation of that name, or not just one derivative.

    Example:
        >>> from qnn_core.autodiff import op
        >>> from qnn_core.ops.shapes import same
        >>> import numpy as np
        >>> cube = op("doc_cube", lambda x: x**3, shape=same, vjps=[lambda g, y, x: g * 3 * x**2])
        >>> cube([2.0])
        Tensor([8.])
        >>> from qnn_core.autodiff import OPS
        >>> _ = OPS.pop("doc_cube")
    """
    if name in OPS and name not in RECEIVED:
        raise ValueError(f"an operation named {name!r} is declared already")
    if (vjp is None) == (vjps is None):
        raise ValueError(f"{name}: declare its derivative by vjps or by vjp, one of the two")
    if residual and vjp is None:
        raise ValueError(f"{name}: only the joint derivative, vjp, is given the residual")
    joint = _joined(tuple(vjps)) if vjps is not None else vjp
    assert joint is not None
    if ufunc is None and isinstance(forward, np.ufunc):
        ufunc = forward
    facts: dict[str, Any] = {
        "macs": macs,
        "codes": codes,
        "reads": reads,
        "residual": residual,
        "packed": packed,
        "ufunc": ufunc,
        "instruction": instruction,
        "doc": doc,
    }
    made = Op(name, forward, shape, joint, **facts)
    made.given = {"forward": forward, "shape": shape, "vjps": vjps, "vjp": vjp, **facts}
    RECEIVED.discard(name)
    OPS[name] = made
    return made


def declared(name: str) -> Op:
    """Return the operation of that name."""
    return OPS[name]


def received(name: str, given: dict[str, Any]) -> Op:
    """Return the operation of that name; one that is not declared here is as it was elsewhere.

    What came from elsewhere gives way to what comes later: it may have been edited since.
    """
    if name in OPS and name not in RECEIVED:
        return OPS[name]
    made = op(name, **given)
    RECEIVED.add(name)
    return made


def _joined(vjps: tuple[InputVjp, ...]) -> Vjp:
    """Return the joint derivative made of one function per input."""

    def joint(
        g: Tensor,
        y: Tensor,
        inputs: tuple[Tensor, ...],
        needs: tuple[bool, ...],
        attributes: dict[str, Any],
    ) -> Gradients:
        given = (g, y, *inputs)
        gradients: list[Tensor | None] = []
        # There may be fewer inputs than functions: one may be optional.
        for n, need in enumerate(needs[: len(vjps)]):
            vjp = vjps[n]
            if not need or vjp is None:
                gradients.append(None)
            elif attributes:
                gradients.append(vjp(*given, **attributes))
            else:
                gradients.append(vjp(*given))
        return gradients

    return joint
