"""`PackedModel`: a graph that can be called, saved and looked at."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..autodiff import Tensor
from ..errors import DtypeError, FileError, NonFiniteError, ShapeError
from ..products import cpu
from ..storage import load_arrays
from .build import build, samples
from .check import check
from .fuse import fuse
from .graph import Graph, Input
from .program import Program
from .read import read_graph
from .table import PackedSummary, packed_summary
from .verify import verify, verify_alone
from .write import content_of, write_graph

Floats = NDArray[np.float32]


class PackedModel:
    """A model as it is deployed: codes, thresholds, scales and a graph, all ready to run.

    Made by `pack` or `load`. Neither the model's code nor the quantizers' is needed to run it.

    Args:
        graph: plain or fused.

    Attributes:
        graph: what it computes, with fused nodes.

    Raises:
        FileError: if the graph is not sound.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([3, 4, 2], weight="binary", input="symmetric:2,scale=1", seed=0)
        >>> packed = qnn.pack(model, np.zeros((1, 3)))
        >>> packed(np.ones((5, 3))).shape
        (5, 2)
    """

    def __init__(self, graph: Graph) -> None:
        check(graph)
        self.graph = fuse(graph)
        self._nbytes: int | None = None
        self._program = Program(self.graph)

    def __call__(self, *inputs: ArrayLike) -> Floats | tuple[Floats, ...]:
        """Return the model's output for a batch, to the bit what the model gives in evaluation.

        Args:
            inputs: one array for each argument of the model, ``[batch, ...]``; integers and other
                floats become float32. The batch may be empty.

        Returns:
            float32 array, or a tuple of them if the model returns several.

        Raises:
            DtypeError: if an input does not hold real numbers.
            NonFiniteError: if an input holds NaN or infinity.
            ShapeError: if an input has not the shape that the model was packed with.
        """
        outputs = self._run(self._checked(inputs))
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def predict(self, *inputs: ArrayLike) -> NDArray[np.int64]:
        """Return the class of each sample: the argmax over the last axis of the output, int64.

        Raises:
            ShapeError: if there are several outputs, or no classes to choose from.
        """
        if len(self.graph.outputs) != 1:
            raise ShapeError(f"predict: one output is needed, there are {len(self.graph.outputs)}")
        (output,) = self._run(self._checked(inputs))
        if output.ndim < 2 or output.shape[-1] == 0:
            raise ShapeError(f"predict: an output of shape {output.shape} has no axis of classes")
        classes: NDArray[np.int64] = np.argmax(output, axis=-1).astype(np.int64)
        return classes

    def save(self, path: str | Path) -> None:
        """Write a file that `load` reads; it is moved into its place when it is whole."""
        write_graph(path, self.graph)

    @property
    def nbytes(self) -> int:
        """Size of the file that `save` writes, in bytes."""
        if self._nbytes is None:
            self._nbytes = len(content_of(self.graph))
        return self._nbytes

    def summary(self) -> PackedSummary:
        """Return layers, operations, bits, multiply-accumulates and bytes; ``print`` shows them."""
        return packed_summary(self.graph, self.nbytes, self.program().kernels)

    def program(self) -> Program:
        """Return the stages that run it on the kernel path that is active."""
        if self._program.path != cpu.active():
            self._program = Program(self.graph)
        return self._program

    def __reduce__(self) -> tuple[type["PackedModel"], tuple[Graph]]:
        # The engine's programs are made anew where a copy arrives.
        return PackedModel, (self.graph,)

    def __repr__(self) -> str:
        inputs = ", ".join(str(given.shape) for given in self.graph.inputs)
        return f"PackedModel({len(self.graph.nodes)} operations, samples of shape {inputs})"

    def _run(self, inputs: list[Floats]) -> list[Floats]:
        program = self.program()
        if not program.checks_inputs:
            _refuse_nonfinite(self.graph, inputs)
        try:
            return program(inputs)
        except NonFiniteError:
            _refuse_nonfinite(self.graph, inputs)
            raise

    def _checked(self, inputs: tuple[ArrayLike, ...]) -> list[Floats]:
        wanted = self.graph.inputs
        if len(inputs) != len(wanted):
            raise ShapeError(f"the model takes {len(wanted)} inputs, got {len(inputs)}")
        arrays = [_checked(x, given) for x, given in zip(inputs, wanted, strict=True)]
        if len({len(x) for x in arrays}) > 1:
            given = ", ".join(str(x.shape) for x in arrays)
            raise ShapeError(f"inputs of shapes {given} have batches of several sizes")
        return arrays


def _checked(x: ArrayLike, given: Input) -> Floats:
    array = np.asarray(x.data if isinstance(x, Tensor) else x)
    if array.dtype.kind not in "buif":
        raise DtypeError(f"{given.name}: real numbers are needed, got {array.dtype}")
    if array.shape[1:] != given.shape or not array.ndim:
        expected = ", ".join(["batch", *map(str, given.shape)])
        raise ShapeError(f"{given.name}: shape [{expected}] is needed, got {array.shape}")
    with np.errstate(over="ignore"):
        floats = np.asarray(array, np.float32, order="C")
    return floats


def _refuse_nonfinite(graph: Graph, inputs: list[Floats]) -> None:
    for given, array in zip(graph.inputs, inputs, strict=True):
        if not np.all(np.isfinite(array)):
            at = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            raise NonFiniteError(
                f"{given.name}: finite numbers are needed, got {array[at]} at {at}"
            )


def pack(model: Callable[..., Any], example: ArrayLike | tuple[ArrayLike, ...]) -> PackedModel:
    """Return `model` as it is deployed, verified against the model on `example`.

    What Python decides while the model runs is decided once, on the example: a branch on values or
    on the size of the batch stays as it was taken there, and a number taken out of a tensor stays
    that number. More samples in the example find more of what cannot be packed.

    Args:
        model: a float32 module, or a function of tensors. It is packed as it evaluates.
        example: an input with its batch axis, at least one sample, better some that differ; a tuple
            for several arguments.

    Raises:
        DtypeError: if the model is not float32.
        GraphError: if the model depends on the size of the batch or on chance, or runs an operation
            that cannot be packed.
        PackError: if the packed model gives other bits than the model, on the example or on its
            first sample alone; or if a sample's answer depends on the others.
        StateError: if a quantizer was never fitted.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([3, 4, 2], weight="binary", input="symmetric:2,scale=1", seed=0)
        >>> x = np.ones((2, 3), np.float32)
        >>> packed = qnn.pack(model, x)
        >>> bool(np.all(packed(x) == model.eval()(qnn.Tensor(x)).data))
        True
    """
    graph, traced = build(model, samples(example))
    packed = PackedModel(graph)
    verify(packed.graph, packed.program(), traced)
    verify_alone(packed.program(), model, traced)
    return packed


def packed_nbytes(model: Callable[..., Any], example: ArrayLike | tuple[ArrayLike, ...]) -> int:
    """Return the size of the file of ``pack(model, example)``, which is not verified for that.

    Errors are those of `pack`, but for what verifying finds.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([3, 4, 2], weight="binary", input="symmetric:2,scale=1", seed=0)
        >>> x = np.ones((2, 3), np.float32)
        >>> packed_nbytes(model, x) == qnn.pack(model, x).nbytes
        True
    """
    graph, _ = build(model, samples(example))
    check(graph)
    return len(content_of(fuse(graph)))


def load(path: str | Path) -> PackedModel:
    """Return the packed model of a file that `PackedModel.save` wrote. Nothing in it is executed.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is damaged, of another kind or version, or does not describe a sound model.
    """
    return load_from(path, *load_arrays(path))


def load_from(
    path: str | Path, tensors: dict[str, NDArray[Any]], about: dict[str, Any]
) -> PackedModel:
    """Return the packed model of a file's tensors and description; see `load`."""
    graph = read_graph(path, tensors, about)
    try:
        return PackedModel(graph)
    except FileError as error:
        raise FileError(f"{path}: {error}") from error
