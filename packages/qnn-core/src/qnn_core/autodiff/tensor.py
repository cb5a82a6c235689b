"""Tensors: an array, where it came from, and its gradient."""

import copyreg
from collections.abc import Iterator, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from ..arguments import number
from ..errors import DtypeError, GraphError, QnnError, ShapeError
from ..torch_names import OF_TENSOR, missing
from .backward import differentiate
from .memory import Memory
from .mode import MODE
from .node import Node
from .outside import by_dlpack
from .shown import tensor_html
from .table import CONSTANT, FUNCTIONS, INSTEAD, OPS, UFUNCS, WRITING

Array = NDArray[Any]
"""An array of NumPy, of any dtype.

Example:
    >>> array: Array = np.zeros(3, np.float32)
"""
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


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
    except (TypeError, RuntimeError, BufferError) as error:
        if isinstance(error, QnnError) or not hasattr(data, "__dlpack__"):
            raise
        array = by_dlpack(data, error)
    if array.dtype is wanted:
        return array
    if array.dtype.kind == "O" and array is not data and hasattr(data, "__dlpack__"):
        array = by_dlpack(data)
    if array.dtype.kind not in "buif":
        raise DtypeError(f"a tensor holds real numbers, not {array.dtype}")
    return array.astype(wanted, copy=False)


def tensor_of(array: Array) -> "Tensor":
    """Wrap a float array as it is: no check, no copy."""
    tensor: Tensor = Tensor.__new__(Tensor)
    tensor.array = array
    tensor.grad = None
    tensor.requires_grad = False
    tensor.node = None
    tensor.quantized = None
    tensor.memory = None
    tensor.read = False
    return tensor


def memory_of(tensor: "Tensor") -> Memory:
    """Return what is known of a tensor's memory, which its views have too."""
    if tensor.memory is None:
        tensor.memory = Memory(tensor.array)
    return tensor.memory


class Tensor:
    """An n-dimensional array of float32 or float64 that remembers how it was computed.

    Args:
        data: anything that NumPy takes as an array of real numbers, or that has ``__dlpack__``, as
            the tensors of PyTorch, JAX and others. It is not copied if its dtype fits already.
        dtype: ``float32`` (the default, whatever the data's own type) or ``float64``.
        requires_grad: whether `backward` shall leave a gradient here.

    Attributes:
        data: the array, to read and to write. What is written after an operation read it is an
            error in `backward`, which names the operation.
        array: the same, for operations: to read only. It costs nothing, but nothing is noticed.
        grad: the gradient that `backward` left, or None.
        requires_grad: whether it leaves one.

    Raises:
        DeviceError: for another library's tensor that is not on the processor.
        DtypeError: for another dtype, or data that are no real numbers.
        GraphError: for another library's tensor that requires a gradient.
        ShapeError: for ragged data.

    Example:
        >>> import qnn_core as qnn
        >>> x = qnn.Tensor([1.0, 2.0], requires_grad=True)
        >>> (x * x).sum().backward()
        >>> x.grad
        Tensor([2., 4.])
    """

    __slots__ = (
        "__weakref__",
        "array",
        "grad",
        "memory",
        "node",
        "quantized",
        "read",
        "requires_grad",
    )

    array: Array
    # The codes behind the values, if a quantizer made them: a `qtensor.QuantizedTensor`, or None.
    quantized: Any
    # Who may write to the array, None while nobody asked for it.
    memory: Memory | None
    # Whether an operation was recorded whose derivative reads the array.
    read: bool

    def __init__(
        self, data: ArrayLike, dtype: DTypeLike | None = None, *, requires_grad: bool = False
    ) -> None:
        source = data if isinstance(data, Tensor) else None
        if source is not None:
            _seen(source)
            dtype = source.dtype if dtype is None else dtype
            data = source.array
        elif isinstance(data, list | tuple) and any(isinstance(x, Tensor) for x in data):
            raise DtypeError(
                "a tensor made of tensors would cut their gradients: use ops.stack or "
                "ops.concatenate"
            )
        self.array = float_array(data, dtype)
        self.grad: Tensor | None = None
        self.requires_grad = requires_grad
        self.node: Node | None = None
        self.quantized = None
        self.read = False
        if source is not None and self.array is source.array:
            self.memory = memory_of(source)
        else:
            self.memory = None

    @classmethod
    def of(cls, array: Array) -> "Tensor":
        """Wrap a float array as it is: no check, no copy."""
        return tensor_of(array)

    # What it is

    @property
    def data(self) -> Array:
        """The array itself, not a copy."""
        _seen(self)
        memory = self.memory
        if memory is None:
            memory = memory_of(self)
            memory.expose(self.read or self.node is not None)
        else:
            memory.expose(True)
        return self.array

    @data.setter
    def data(self, data: ArrayLike) -> None:
        _seen(self)
        array = data.array if isinstance(data, Tensor) else data
        self.put(array if isinstance(array, np.ndarray) else converted(array, self.array.dtype))
        memory_of(self).expose(False)

    def put(self, array: Array) -> None:
        """Put another array in the place of the data."""
        self.array = array
        # The memory that was its own until now may be that of views too: they keep it.
        self.memory = None
        self.quantized = None
        memory_of(self).write()

    def written(self) -> None:
        """Take note that `array` was written to: each writer inside the package says so."""
        memory_of(self).write()

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """``float32`` or ``float64``."""
        return self.array.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """Number of elements."""
        return self.array.size

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

    def __format__(self, spec: str) -> str:
        # Of one element as of its number: f"{loss:.4f}".
        return format(self.item(), spec) if spec else str(self)

    def __repr__(self) -> str:
        body = np.array2string(self.array, separator=", ", prefix=f"{type(self).__name__}(")
        notes = "" if self.dtype == np.float32 else f", dtype={self.dtype}"
        if self.node is not None:
            notes += f", op={self.node.op.name}"
        elif self.requires_grad and type(self) is Tensor:
            notes += ", requires_grad=True"
        return f"{type(self).__name__}({body}{notes})"

    def _repr_html_(self) -> str:
        return tensor_html(
            type(self).__name__,
            self.array,
            op="" if self.node is None else self.node.op.name,
            trained=self.requires_grad,
            grad=None if self.grad is None else np.asarray(self.grad.array),
            quantized=self.quantized,
        )

    if not TYPE_CHECKING:  # else any name would count as one of a tensor's

        def __getattr__(self, name: str) -> Any:
            missing(f"{type(self).__name__!r} object", name, OF_TENSOR)

    def __reduce__(self) -> Any:
        # What copy and pickle do by themselves with a class of Python's: a compiled one has to ask.
        state: Any = object.__getstate__(self)
        # Nobody has read, or can write to, the data of a copy.
        state[1].update(memory=None, read=False)
        return copyreg.__newobj__, (type(self),), state  # type: ignore[attr-defined] # typeshed leaves it out

    # Out of the graph

    def item(self) -> float:
        """Return the only element as a Python float.

        Raises:
            ShapeError: if there is not exactly one.
        """
        if self.size != 1:
            raise ShapeError(f"item() needs one element, this tensor has shape {self.shape}")
        _seen(self)
        return float(self.array.reshape(()))

    def numpy(self) -> Array:
        """Return the data: the array itself, not a copy.

        Raises:
            GraphError: if a gradient would be lost: take `data`, or do it inside ``no_grad()``.
        """
        self._leaves("numpy()")
        return self.data

    def tolist(self) -> Any:
        """Return the elements as Python floats, in lists as deep as there are axes."""
        _seen(self)
        return self.array.tolist()

    def detach(self) -> "Tensor":
        """Return a tensor of the same data that no gradient flows through."""
        _seen(self)
        tensor = Tensor.of(self.array)
        tensor.quantized = self.quantized
        tensor.memory = memory_of(self)
        return tensor

    # Among NumPy's arrays: what is an operation is recorded, what has no derivative gives arrays,
    # and the rest is refused where a gradient would be lost.

    # NumPy leaves operators to us, and so do libraries that know no __array_ufunc__.
    __array_priority__ = 1000

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> Array:
        self._leaves("np.asarray, or another function that makes an array of it")
        _seen(self)
        return np.array(self.array if copy else self.data, dtype=dtype, copy=copy)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
        found = UFUNCS.get(name)
        if found is not None and (not kwargs or method == "reduce"):
            answer = found(*inputs, **kwargs)
            if answer is not NotImplemented:
                return answer
        run = ufunc if method == "__call__" else getattr(ufunc, method)
        return _on_arrays(f"np.{name}", run, inputs, kwargs)

    def __array_function__(
        self, func: Any, types: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if not all(issubclass(kind, Tensor | np.ndarray) for kind in types):
            return NotImplemented
        found = FUNCTIONS.get(func)
        if found is not None:
            answer = found(*args, **kwargs)
            if answer is not NotImplemented:
                return answer
        name = f"{func.__module__}.{func.__name__}".replace("numpy", "np", 1)
        return _on_arrays(name, func, args, kwargs)

    def __dlpack__(self, **how: Any) -> Any:
        self._leaves("DLPack (such as torch.as_tensor)")
        return self.data.__dlpack__(**how)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.array.__dlpack_device__()

    def _leaves(self, how: str) -> None:
        """Raise a GraphError if data that are to be differentiated would leave the graph."""
        if self.requires_grad and MODE.here.grad:
            raise GraphError(
                f"{how}: this tensor of shape {self.shape} requires a gradient, which would be "
                "lost: take .data or .detach(), or do it inside no_grad()"
            )

    def __bool__(self) -> bool:
        _seen(self)
        return bool(self.array)

    def __float__(self) -> float:
        return self.item()

    def __int__(self) -> int:
        return int(self.item())

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
            own = g if create_graph else Tensor.of(g.array)
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
        return np.asarray(_read(self) == plain(other))

    def __ne__(self, other: object) -> Array:  # type: ignore[override] # a mask, as NumPy's
        return np.asarray(_read(self) != plain(other))

    # Tensors are told apart by what they are, not by what they hold.
    def __hash__(self) -> int:
        return id(self)

    def __lt__(self, other: ArrayLike) -> Array:
        return np.asarray(_read(self) < plain(other))

    def __le__(self, other: ArrayLike) -> Array:
        return np.asarray(_read(self) <= plain(other))

    def __gt__(self, other: ArrayLike) -> Array:
        return np.asarray(_read(self) > plain(other))

    def __ge__(self, other: ArrayLike) -> Array:
        return np.asarray(_read(self) >= plain(other))

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
        self.array = np.array(self.array, order="C")
        self.memory = None  # of its own array, whatever it was made of
        self.bounds: tuple[float, float] | None = None
        if bounds is not None:
            low, high = map(number, bounds)
            if low is None or high is None or not low < high:
                raise ValueError(
                    f"Parameter: bounds must be (low, high) with low < high, got {bounds}"
                )
            self.bounds = float(low), float(high)
        self.decay = decay

    def __iadd__(self, other: ArrayLike) -> Tensor:
        self._not_in_place("+=")

    def __isub__(self, other: ArrayLike) -> Tensor:
        self._not_in_place("-=")

    def __imul__(self, other: ArrayLike) -> Tensor:
        self._not_in_place("*=")

    def __itruediv__(self, other: ArrayLike) -> Tensor:
        self._not_in_place("/=")

    def _not_in_place(self, sign: str) -> NoReturn:
        """Refuse what would give the name to a new tensor, and leave the parameter as it was."""
        raise TypeError(
            f"parameter {sign} ... would make a new tensor and leave the parameter as it is: "
            f"parameter.data[...] {sign} array changes it, as an optimizer does"
        )


class Buffer(Tensor):
    """A tensor of a module's state that is not trained: running means, frozen qparams, counters.

    Args:
        data: the initial value; it is copied.
        dtype: ``float32`` (the default), ``float64``, or ``int64`` for a counter.

    Example:
        >>> Buffer([0.0, 1.0]).requires_grad, Buffer(0, np.int64).dtype
        (False, dtype('int64'))
    """

    __slots__ = ()

    def __init__(self, data: ArrayLike, dtype: DTypeLike | None = None) -> None:
        counter = dtype is not None and np.dtype(dtype) == np.int64
        super().__init__(data, None if counter else dtype)
        self.array = np.array(data, np.int64) if counter else np.array(self.array, order="C")


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
        [None] * len(ends) if gradients is None else [gradients] if single else list(gradients)  # type: ignore[arg-type] # a sequence, where outputs are
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


def plain(value: Any) -> Any:
    """Return a tensor's array, or what else was given; inside lists and dictionaries too."""
    if isinstance(value, Tensor):
        return value.array
    if type(value) in (list, tuple):
        return type(value)([plain(part) for part in value])
    if type(value) is dict:
        return {name: plain(part) for name, part in value.items()}
    return value


def tensors_in(value: Any) -> Iterator[Tensor]:
    """Yield the tensors that an argument is or holds."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors_in(part)


def _on_arrays(name: str, run: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Return what a function of NumPy makes of the tensors' arrays, if that loses no gradient."""
    into = [*tensors_in(kwargs.get("out")), *(tensors_in(args[:1]) if name in WRITING else ())]
    given = [*tensors_in(args), *tensors_in(kwargs)]
    at_risk = into if name in CONSTANT else given
    if MODE.here.grad and any(t.requires_grad for t in at_risk):
        instead = INSTEAD.get(name, "functions of qnn_core.ops")
        raise GraphError(
            f"{name}: there is no such operation on tensors, or not with these arguments, and a "
            f"tensor here requires a gradient, which would be lost. Use {instead}, "
            "take .data (or .detach()), or do it inside no_grad()"
        )
    for tensor in given:
        _seen(tensor)
    answer = run(*plain(args), **plain(kwargs))
    for tensor in into:
        tensor.written()
        if tensor.array is answer:
            return tensor
    if isinstance(answer, np.ndarray) and not answer.flags.owndata:
        # It may be a view of what a tensor has.
        for tensor in given:
            tensor.data  # noqa: B018 (which takes note of that)
    return answer


def _seen(tensor: Tensor) -> None:
    """Tell who records that Python reads a tensor's numbers."""
    recorder = MODE.here.recorder
    if recorder is not None:
        recorder.seen(tensor)


def _read(tensor: Tensor) -> Array:
    _seen(tensor)
    return tensor.array


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
