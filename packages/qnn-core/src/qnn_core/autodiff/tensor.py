"""Tensors: an array, where it came from, and its gradient."""

import copyreg
from collections.abc import Iterator, Sequence
from copy import copy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments import number
from ..errors import DtypeError, GraphError, ShapeError
from .backward import differentiate
from .node import Node
from .table import OPS

Array = NDArray[Any]
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))
# What NumPy's function of a tensor is: the operation of that name.
UFUNCS = (
    np.absolute,
    np.add,
    np.cos,
    np.divide,
    np.exp,
    np.log,
    np.matmul,
    np.multiply,
    np.negative,
    np.power,
    np.sin,
    np.sqrt,
    np.subtract,
    np.tanh,
)
COMPARISONS = (
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    np.equal,
    np.not_equal,
)


def float_array(data: ArrayLike, dtype: DTypeLike | None = None) -> Array:
    """Return `data` as a float32 or float64 array; float32 unless `dtype` says otherwise."""
    wanted = np.dtype(np.float32 if dtype is None else dtype)
    if wanted not in FLOATS:
        raise DtypeError(f"a tensor is float32 or float64, not {wanted}")
    return converted(data, wanted)


def converted(data: ArrayLike, wanted: np.dtype[Any]) -> Array:
    """Return `data` as an array of the dtype, which is one of ours."""
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ShapeError(f"a tensor needs a rectangular array: {error}") from error
    if array.dtype is wanted:
        return array
    if array.dtype.kind not in "buif":
        raise DtypeError(f"a tensor holds real numbers, not {array.dtype}")
    return array.astype(wanted, copy=False)


def tensor_of(array: Array) -> "Tensor":
    """Wrap a float array as it is: no check, no copy."""
    tensor: Tensor = Tensor.__new__(Tensor)
    tensor.data = array
    tensor.grad = None
    tensor.requires_grad = False
    tensor.node = None
    tensor.quantized = None
    return tensor


class Tensor:
    """An n-dimensional array of float32 or float64 that remembers how it was computed.

    Args:
        data: anything that NumPy takes as an array of real numbers. It is not copied if its dtype
            fits already.
        dtype: ``float32`` (the default, whatever the data's own type) or ``float64``.
        requires_grad: whether `backward` shall leave a gradient here.

    Raises:
        DtypeError: for another dtype, or data that are no real numbers.
        ShapeError: for ragged data.

    Example:
        >>> import qnn_core as qnn
        >>> x = qnn.Tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        Tensor([2., 4.])
    """

    __slots__ = ("__weakref__", "data", "grad", "node", "quantized", "requires_grad")

    # The codes behind the values, if a quantizer made them: a `coded.Quantized`, or None.
    quantized: Any

    def __init__(
        self, data: ArrayLike, dtype: DTypeLike | None = None, *, requires_grad: bool = False
    ) -> None:
        if isinstance(data, Tensor):
            dtype = data.dtype if dtype is None else dtype
            data = data.data
        elif isinstance(data, list | tuple) and any(isinstance(x, Tensor) for x in data):
            raise DtypeError(
                "a tensor made of tensors would cut their gradients: use ops.concatenate"
            )
        self.data: Array = float_array(data, dtype)
        self.grad: Tensor | None = None
        self.requires_grad = requires_grad
        self.node: Node | None = None
        self.quantized = None

    @classmethod
    def of(cls, array: Array) -> "Tensor":
        """Wrap a float array as it is: no check, no copy."""
        return tensor_of(array)

    # What it is

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.data.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """``float32`` or ``float64``."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.data.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.data.size

    @property
    def T(self) -> "Tensor":
        """The tensor with its axes reversed."""
        return OPS["transpose"](self, axes=None)

    def __len__(self) -> int:
        if not self.shape:
            raise ShapeError("a tensor without axes has no length")
        return self.shape[0]

    def __iter__(self) -> Iterator["Tensor"]:
        return (self[n] for n in range(len(self)))

    def __repr__(self) -> str:
        body = np.array2string(self.data, separator=", ", prefix=f"{type(self).__name__}(")
        notes = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        if self.node is not None:
            notes += f", op={self.node.op.name}"
        elif self.requires_grad and type(self) is Tensor:
            notes += ", requires_grad=True"
        return f"{type(self).__name__}({body}{notes})"

    def __reduce__(self) -> Any:
        # What copy and pickle do by themselves with a class of Python's: a compiled one has to ask.
        return copyreg.__newobj__, (type(self),), object.__getstate__(self)  # type: ignore[attr-defined] # typeshed leaves it out

    # Out of the graph

    def item(self) -> float:
        """Return the only element as a Python float.

        Raises:
            ShapeError: if there is not exactly one.
        """
        if self.size != 1:
            raise ShapeError(f"item() needs one element, this tensor has shape {self.shape}")
        return float(self.data.reshape(()))

    def numpy(self) -> Array:
        """Return the data: the array itself, not a copy."""
        return self.data

    def detach(self) -> "Tensor":
        """Return a tensor of the same data that no gradient flows through."""
        tensor = Tensor.of(self.data)
        tensor.quantized = self.quantized
        return tensor

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        return np.array(self.data, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc in COMPARISONS and method == "__call__" and not kwargs:
            return ufunc(*(np.asarray(i) for i in inputs))
        op = OPS.get(ufunc.__name__)
        if op is None or ufunc not in UFUNCS or method != "__call__" or kwargs:
            return NotImplemented
        return op(*inputs)

    def __bool__(self) -> bool:
        return bool(self.data)

    def __float__(self) -> float:
        return self.item()

    # Derivatives

    def backward(
        self,
        gradient: ArrayLike | None = None,
        *,
        create_graph: bool = False,
        retain_graph: bool | None = None,
    ) -> None:
        """Add the derivative of this tensor to ``.grad`` of every leaf that requires one.

        Args:
            gradient: the derivative of the final quantity with respect to this tensor, of its
                shape; may be left out for a tensor of one element (it is 1 then).
            create_graph: record the pass, so that the gradients can be differentiated in turn.
            retain_graph: keep the graph for another backward; by default it is freed unless
                `create_graph` is set.

        Raises:
            GraphError: if this tensor was not recorded, or its graph was freed.
            ShapeError: if `gradient` is missing for more than one element or does not fit.
        """
        found = differentiate(
            [self],
            [_seed(self, gradient)],
            create_graph=create_graph,
            retain_graph=retain_graph,
        )
        for leaf, g in found:
            # A tensor of its own for each leaf: one that reached two leaves may be the same object.
            own = g if create_graph else g.detach()
            leaf.grad = own if leaf.grad is None else leaf.grad + own

    # Arithmetic: each is the operation of that name

    def __add__(self, other: ArrayLike) -> "Tensor":
        return OPS["add"](self, other)

    def __radd__(self, other: ArrayLike) -> "Tensor":
        return OPS["add"](other, self)

    def __sub__(self, other: ArrayLike) -> "Tensor":
        return OPS["subtract"](self, other)

    def __rsub__(self, other: ArrayLike) -> "Tensor":
        return OPS["subtract"](other, self)

    def __mul__(self, other: ArrayLike) -> "Tensor":
        return OPS["multiply"](self, other)

    def __rmul__(self, other: ArrayLike) -> "Tensor":
        return OPS["multiply"](other, self)

    def __truediv__(self, other: ArrayLike) -> "Tensor":
        return OPS["divide"](self, other)

    def __rtruediv__(self, other: ArrayLike) -> "Tensor":
        return OPS["divide"](other, self)

    def __pow__(self, other: ArrayLike) -> "Tensor":
        return OPS["power"](self, other)

    def __rpow__(self, other: ArrayLike) -> "Tensor":
        return OPS["power"](other, self)

    def __matmul__(self, other: ArrayLike) -> "Tensor":
        return OPS["matmul"](self, other)

    def __rmatmul__(self, other: ArrayLike) -> "Tensor":
        return OPS["matmul"](other, self)

    def __neg__(self) -> "Tensor":
        return OPS["negative"](self)

    def __abs__(self) -> "Tensor":
        return OPS["absolute"](self)

    def __getitem__(self, index: Any) -> "Tensor":
        return OPS["getitem"](self, index=_own(index))

    # Comparisons give plain NumPy masks: they have no derivative

    def __eq__(self, other: object) -> Array:  # type: ignore[override] # a mask, as NumPy's
        return np.asarray(self.data == np.asarray(other))

    def __ne__(self, other: object) -> Array:  # type: ignore[override] # a mask, as NumPy's
        return np.asarray(self.data != np.asarray(other))

    # Tensors are told apart by what they are, not by what they hold.
    def __hash__(self) -> int:
        return id(self)

    def __lt__(self, other: ArrayLike) -> Array:
        return self.data < np.asarray(other)

    def __le__(self, other: ArrayLike) -> Array:
        return self.data <= np.asarray(other)

    def __gt__(self, other: ArrayLike) -> Array:
        return self.data > np.asarray(other)

    def __ge__(self, other: ArrayLike) -> Array:
        return self.data >= np.asarray(other)

    # Shape and reductions

    def reshape(self, *shape: int | Sequence[int]) -> "Tensor":
        """Return the same elements in another shape; one length may be -1."""
        if len(shape) == 1 and not isinstance(shape[0], int | np.integer):
            return OPS["reshape"](self, shape=tuple(shape[0]))
        return OPS["reshape"](self, shape=shape)

    def transpose(self, *axes: int | Sequence[int]) -> "Tensor":
        """Return the tensor with its axes in the given order (reversed without any)."""
        if len(axes) == 1 and not isinstance(axes[0], int | np.integer):
            return OPS["transpose"](self, axes=tuple(axes[0]))
        return OPS["transpose"](self, axes=axes or None)

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """Return the sum over the given axes (all without any)."""
        return OPS["sum"](self, axis=axis, keepdims=keepdims)

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """Return the mean over the given axes (all without any)."""
        return OPS["mean"](self, axis=axis, keepdims=keepdims)

    def max(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """Return the maximum over the given axes (all without any)."""
        return OPS["max"](self, axis=axis, keepdims=keepdims)

    def min(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> "Tensor":
        """Return the minimum over the given axes (all without any)."""
        return OPS["min"](self, axis=axis, keepdims=keepdims)


class Parameter(Tensor):
    """A tensor that training changes.

    Args:
        data: the initial value; it is copied.
        dtype: ``float32`` or ``float64``.
        bounds: ``(low, high)`` that every optimizer keeps the values inside, as is done with the
            latent weights of binary layers; None for none.
        decay: whether an optimizer's weight decay applies.

    Example:
        >>> import qnn_core as qnn
        >>> qnn.Parameter([0.5, -0.5], bounds=(-1, 1)).bounds
        (-1.0, 1.0)
    """

    __slots__ = ("bounds", "decay")

    def __init__(
        self,
        data: ArrayLike,
        dtype: DTypeLike | None = None,
        *,
        bounds: tuple[float, float] | None = None,
        decay: bool = True,
    ) -> None:
        super().__init__(data, dtype, requires_grad=True)
        self.data = np.array(self.data, order="C")
        self.bounds: tuple[float, float] | None = None
        if bounds is not None:
            low, high = map(number, bounds)
            if low is None or high is None or not low < high:
                raise ValueError(
                    f"Parameter: bounds must be (low, high) with low < high, got {bounds}"
                )
            self.bounds = float(low), float(high)
        self.decay = decay


class Buffer(Tensor):
    """A tensor of a module's state that is not trained: running means, frozen frames, counters.

    Args:
        data: the initial value; it is copied.
        dtype: ``float32`` (the default), ``float64``, or ``int64`` for a counter.
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike, dtype: DTypeLike | None = None) -> None:
        counter = dtype is not None and np.dtype(dtype) == np.int64
        super().__init__(data, None if counter else dtype)
        self.data = np.array(data, np.int64) if counter else np.array(self.data, order="C")


def grad(
    outputs: Tensor | Sequence[Tensor],
    inputs: Tensor | Sequence[Tensor],
    gradients: ArrayLike | Sequence[ArrayLike] | None = None,
    *,
    create_graph: bool = False,
    retain_graph: bool | None = None,
) -> tuple[Tensor, ...]:
    """Return the derivative of `outputs` with respect to each of `inputs`; no ``.grad`` changes.

    Args:
        outputs: one tensor or several, whose derivatives are summed.
        inputs: the tensors to differentiate by, leaves or not.
        gradients: the derivative of the final quantity with respect to each output; may be left
            out for outputs of one element.
        create_graph: record the pass, so that the result can be differentiated again.
        retain_graph: keep the graph for another pass; by default as `create_graph`.

    Raises:
        GraphError: if an output was not recorded, its graph was freed, or it does not depend on one
            of the inputs.

    Example:
        >>> import qnn_core as qnn
        >>> x = qnn.Tensor(3.0, requires_grad=True)
        >>> (first,) = qnn.grad(x**3, x, create_graph=True)
        >>> (second,) = qnn.grad(first, x)
        >>> first.item(), second.item()
        (27.0, 18.0)
    """
    ends = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    starts = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    single = isinstance(outputs, Tensor)
    given: list[Any] = (
        [None] * len(ends) if gradients is None else [gradients] if single else list(gradients)  # type: ignore[arg-type]
    )
    if len(given) != len(ends):
        raise GraphError(f"grad: {len(given)} gradients for {len(ends)} outputs")
    found = differentiate(
        ends,
        [_seed(end, g) for end, g in zip(ends, given, strict=True)],
        targets=starts,
        create_graph=create_graph,
        retain_graph=retain_graph,
    )
    gradient_of = {id(tensor): g for tensor, g in found}
    missing = [str(n) for n, start in enumerate(starts) if id(start) not in gradient_of]
    if missing:
        raise GraphError(
            f"grad: the outputs do not depend on input {', '.join(missing)} "
            f"of the {len(starts)} given (was requires_grad set before the computation?)"
        )
    return tuple(gradient_of[id(start)] for start in starts)


def _own(index: Any) -> Any:
    """Return an index that the caller's later changes do not reach: backward uses it again."""
    if isinstance(index, tuple):
        return tuple(_own(part) for part in index)
    return np.array(index) if isinstance(index, np.ndarray) else copy(index)


def _seed(output: Tensor, gradient: ArrayLike | None) -> Tensor:
    if isinstance(gradient, Tensor):
        if gradient.dtype != output.dtype:
            raise DtypeError(
                f"backward: the output is {output.dtype}, its gradient {gradient.dtype}"
            )
        return gradient
    if gradient is not None:
        # A copy: what becomes of the caller's array is not the graph's concern.
        return Tensor.of(np.array(float_array(gradient, output.dtype)))
    if output.size != 1:
        raise ShapeError(
            f"backward: a tensor of shape {output.shape} needs an explicit gradient of that shape; "
            "only a single element can do without"
        )
    return Tensor.of(np.array(1, output.dtype).reshape(output.shape))
