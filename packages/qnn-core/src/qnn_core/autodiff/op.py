"""Operations: each is declared once, with its shape rule, its forward and its derivative."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import DtypeError
from .mode import MODE
from .node import Node
from .table import OPS
from .tensor import FLOATS, Tensor, float_array

Shape = tuple[int, ...]
ShapeRule = Callable[..., Shape]
Gradients = Sequence[Tensor | None]
Vjp = Callable[[Tensor, Tensor, tuple[Tensor, ...], tuple[bool, ...], dict[str, Any]], Gradients]
InputVjp = Callable[..., Tensor] | None


class Op:
    """A differentiable operation with one output.

    Calling it with tensors (or anything that NumPy takes as an array) gives a tensor. Keyword
    arguments are the operation's attributes: they are recorded, but have no derivative.

    Attributes:
        name: its name in the table, in error messages and in a trace.
        forward: ``forward(*arrays, **attributes) -> array`` of the inputs' dtype (but see `codes`).
        shape: ``shape(*shapes, **attributes) -> shape``, which raises ShapeError on what does not
            fit. It is asked before `forward` runs.
        vjp: ``vjp(g, y, inputs, needs, attributes)`` gives a gradient for each input, or None where
            `needs` is False. It is written in operations, so that it can itself be differentiated.
            It may leave broadcasting to the tape, which sums over stretched axes.
        macs: ``macs(*shapes, **attributes) -> int``, the multiply-accumulates, for products.
        codes: what the operation has to do with the codes of quantized tensors: ``"makes"``
            (forward returns an array and its `Quantized`), ``"reads"`` (forward is given
            ``quantized=``, one entry for each input), ``"moves"`` (forward moves elements, codes as
            well as values), or None.
    """

    __slots__ = ("codes", "forward", "macs", "name", "shape", "vjp")

    def __init__(
        self,
        name: str,
        forward: Callable[..., Any],
        shape: ShapeRule,
        vjp: Vjp,
        *,
        macs: Callable[..., int] | None,
        codes: str | None,
    ) -> None:
        self.name = name
        self.forward = forward
        self.shape = shape
        self.vjp = vjp
        self.macs = macs
        self.codes = codes

    def __call__(self, *inputs: Any, **attributes: Any) -> Tensor:
        """Carry the operation out, and record it if somebody wants to know."""
        tensors = self._tensors(inputs)
        self.shape(*[t.data.shape for t in tensors], **attributes)
        if self.codes is None:
            data, quantized = self.forward(*[t.data for t in tensors], **attributes), None
        else:
            data, quantized = self._with_codes(tensors, attributes)
        data = np.asarray(data)
        if data.dtype != tensors[0].data.dtype:
            raise DtypeError(
                f"{self.name}: forward made {data.dtype} out of {tensors[0].data.dtype}"
            )
        output = Tensor.of(data)
        output.quantized = quantized
        if MODE.grad and any(t.requires_grad for t in tensors):
            output.requires_grad = True
            output.node = Node(self, tensors, attributes)
        if MODE.recorder is not None:
            MODE.recorder.record(self, tensors, attributes, output)
        return output

    def __repr__(self) -> str:
        return f"<op {self.name}>"

    def _with_codes(self, tensors: tuple[Tensor, ...], attributes: dict[str, Any]) -> Any:
        """Return what forward gives, and the codes of it or None."""
        arrays = [t.data for t in tensors]
        if self.codes == "makes":
            return self.forward(*arrays, **attributes)
        if self.codes == "reads":
            quantized = tuple(t.quantized for t in tensors)
            return self.forward(*arrays, quantized=quantized, **attributes), None
        carried = tensors[0].quantized
        if carried is not None:
            carried = carried.moved(lambda codes: self.forward(codes, **attributes))
        return self.forward(*arrays, **attributes), carried

    def _tensors(self, inputs: tuple[Any, ...]) -> tuple[Tensor, ...]:
        """Return the inputs as tensors of one dtype; arrays and numbers take the tensors'."""
        dtypes = {i.data.dtype for i in inputs if isinstance(i, Tensor)}
        if len(dtypes) > 1:
            given = ", ".join(str(i.dtype) for i in inputs if isinstance(i, Tensor))
            raise DtypeError(
                f"{self.name}: tensors of one dtype are needed, got {given}; "
                "convert with Tensor(x, dtype) or module.astype(dtype)"
            )
        dtype = dtypes.pop() if dtypes else FLOATS[0]
        return tuple(
            i if isinstance(i, Tensor) else Tensor.of(float_array(i, dtype)) for i in inputs
        )


def op(
    name: str,
    forward: Callable[..., Any],
    *,
    shape: ShapeRule,
    vjps: Sequence[InputVjp] | None = None,
    vjp: Vjp | None = None,
    macs: Callable[..., int] | None = None,
    codes: str | None = None,
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
    if name in OPS:
        raise ValueError(f"an operation named {name!r} is declared already")
    if (vjp is None) == (vjps is None):
        raise ValueError(f"{name}: declare its derivative by vjps or by vjp, one of the two")
    joint = _joined(tuple(vjps)) if vjps is not None else vjp
    assert joint is not None
    OPS[name] = Op(name, forward, shape, joint, macs=macs, codes=codes)
    return OPS[name]


def _joined(vjps: tuple[InputVjp, ...]) -> Vjp:
    """Return the joint derivative made of one function per input."""

    def joint(
        g: Tensor,
        y: Tensor,
        inputs: tuple[Tensor, ...],
        needs: tuple[bool, ...],
        attributes: dict[str, Any],
    ) -> Gradients:
        return [
            vjp(g, y, *inputs, **attributes) if need and vjp is not None else None
            for vjp, need in zip(vjps, needs, strict=False)
        ]

    return joint
