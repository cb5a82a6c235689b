"""`PackedModel`: a graph that can be called, saved and looked at."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...data import as_array
from ...errors import FileError, NonFiniteError, ShapeError, SpecError
from ...files import load_arrays
from ...gemm import cpu
from ..browser import InputKind as PageInput
from ..browser import Packed, Page, Task, write_page
from ..compile.fuse import fuse
from ..compile.program import Program
from ..file.budget import Budget
from ..file.read import read_graph
from ..file.write import serialize_arrays, write_graph
from ..graph import Graph, Input
from ..graph.from_trace import build, samples
from ..graph.validate import check
from ..pixels import Transform
from .packed_summary import PackedSummary, packed_summary
from .sample_independence import verify_apart
from .verify import verify

# What writes files for others is half of the time that importing this takes: not before it is used.
if TYPE_CHECKING:
    from ..c import CExport, CSummary, InputKind, Optimize, Target
    from ..onnx import Exported, Function, Raw

Floats = NDArray[np.float32]

# What an answer is, by the name of the metric that judges it.
TASK_OF_METRIC: Mapping[Any, Literal["classes", "binary", "regression"]] = {
    "accuracy": "classes",
    "binary_accuracy": "binary",
    "mae": "regression",
    "mse": "regression",
    "r2": "regression",
    "auc": "regression",
}


class PackedModel:
    """A model as it is deployed: codes, thresholds, scales and a graph, all ready to run.

    Made by `pack` or `load`. Neither the model's code nor the quantizers' is needed to run it.

    Args:
        graph: plain or fused.
        budget: what it may cost, if it is somebody else's.

    Attributes:
        graph: what it computes, with fused nodes.

    Raises:
        FileError: if the graph is not sound, or costs more.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([3, 4, 2], weight="binary", input="symmetric:2,scale=1", seed=0)
        >>> packed = qnn.pack(model, np.zeros((1, 3)))
        >>> packed(np.ones((5, 3))).shape
        (5, 2)
    """

    def __init__(self, graph: Graph, budget: Budget | None = None) -> None:
        check(graph)
        if budget is None:
            self.graph = fuse(graph)
        else:
            budget.check(graph)
            # What is not fused is slower, and gives the same.
            self.graph = fuse(graph, budget.loading.seconds / 2)
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

    def predict(
        self,
        *inputs: ArrayLike,
        task: Literal["classes", "binary", "regression"] | None = None,
        metric: Any = None,
    ) -> NDArray[Any]:
        """Return the answer to each sample, as its task or its metric has it.

        Args:
            inputs: as for a call.
            task: ``"classes"`` is the argmax over the last axis of the output, int64; ``"binary"``
                is 1 where a logit is above 0, else 0, int64; ``"regression"`` is the output itself.
                Of binary and regression an axis of one column is left out. None is classes, which
                one column does not have: there the file cannot know which of the two is meant.
            metric: in the place of a task, the metric that `fit` and `evaluate` were given, or its
                name: accuracy is of classes, binary_accuracy of binary, mae, mse, r2 and auc are of
                the output itself.

        Raises:
            NonFiniteError: if a sample has no class, since its output holds NaN or its greatest
                score is infinite; the message says which.
            ShapeError: if there are several outputs, or no classes to choose from.
            SpecError: for another task or metric, or for both at once.
        """
        if metric is not None:
            if task is not None:
                raise SpecError(f"predict: give a task or a metric, got {task!r} and {metric!r}")
            name = getattr(metric, "name", metric)
            if not isinstance(name, str) or name not in TASK_OF_METRIC:
                raise SpecError(
                    f"predict: metric must be one of {', '.join(TASK_OF_METRIC)}, got {metric!r}; "
                    "task= says it too"
                )
            task = TASK_OF_METRIC[name]
        if task not in (None, "classes", "binary", "regression"):
            raise SpecError(
                f"predict: task must be 'classes', 'binary' or 'regression', got {task!r}"
            )
        if len(self.graph.outputs) != 1:
            raise ShapeError(f"predict: one output is needed, there are {len(self.graph.outputs)}")
        (output,) = self._run(self._checked(inputs))
        if task in ("binary", "regression"):
            column = output[..., 0] if output.ndim > 1 and output.shape[-1] == 1 else output
            if task == "regression":
                return column
            _check_classes(column)
            return (column > 0).astype(np.int64)
        if output.ndim < 2 or output.shape[-1] < 2:
            raise ShapeError(
                f"predict: an output of shape {output.shape} has no classes to choose from; "
                "task='binary' is for logits of yes and no, task='regression' for numbers"
            )
        _check_classes(output.max(axis=-1))  # NaN where there is one
        classes: NDArray[np.int64] = np.argmax(output, axis=-1).astype(np.int64)
        return classes

    def save(self, path: str | Path) -> None:
        """Write a file that `load` reads; it is moved into its place when it is whole."""
        write_graph(path, self.graph)

    def export_onnx(
        self,
        path: str | Path,
        form: str = "integer",
        *,
        example: Any = None,
        transform: "tuple[ArrayLike, ArrayLike] | Function | None" = None,
        raw: "Raw" = "float32",
        names: Mapping[str, str] | None = None,
        opset: int | None = None,
        exact_floats: bool = False,
    ) -> "Exported":
        """Write a file of ONNX, whole or not at all; it needs the package onnx.

        Where onnxruntime is installed, its answers are compared with ours, and the greatest
        difference is in the file's metadata. The same model and version give the same bytes.

        Args:
            path: of the file.
            form: ``"integer"`` has the bits of this model in onnxruntime, except for what the
                metadata name; ``"qdq"``, ``"qonnx"`` and ``"float"`` are for other tools.
            example: inputs on which both are compared, raw ones if there is a transform: an array,
                or a tuple of them; None for a few drawn numbers.
            transform: what is done to the raw input first, inside the file: ``(mean, deviation)``,
                numbers or one for each channel, for ``(x - mean) * (1 / deviation)`` in float32,
                of bytes divided by 255; or a function of arrays of uint8, which becomes a table.
                None leaves it outside.
            raw: dtype of what the transform acts on, ``"uint8"`` or ``"float32"``.
            names: of inputs and outputs, by their names in the graph; the others keep theirs.
            exact_floats: whether ``"integer"`` has our bits in products of floats too, by loops
                that take some hundred times as long as such products do otherwise.
            opset: version of the operators, at least 13; None for what the form needs. With
                ``"qdq"``, 21 has integers of 4 bits, 25 of 2.

        Returns:
            What differs from this model, and by how much.

        Raises:
            GraphError: if an operation has no form in ONNX.
            ImportError: if onnx is not installed.
            OSError: if the file cannot be written.
            PackError: if onnxruntime gives other bits where the form has the same.
            ShapeError: if example or transform do not fit the inputs.
            SpecError: for another form, opset or name.

        Example:
            >>> import tempfile
            >>> import qnn_core as qnn
            >>> layer = qnn.QuantLinear(3, 2, weight="binary", input="symmetric:2,scale=1", seed=0)
            >>> packed = qnn.pack(layer, np.zeros((1, 3)))
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     packed.export_onnx(Path(folder, "net.onnx")).exact
            True
        """
        from ..onnx import export  # noqa: PLC0415 - see above

        given = example if example is None or isinstance(example, tuple) else (example,)
        return export(
            self.graph,
            lambda inputs: self._run(self._checked(tuple(inputs))),
            path,
            form,
            example=given,
            transform=transform,
            raw=raw,
            names=names,
            opset=opset,
            exact_floats=exact_floats,
        )

    def export_c(
        self,
        folder: str | Path,
        *,
        name: str = "net",
        input: "InputKind" = "uint8",
        transform: "Transform" = None,
        float: Literal["never", "tail", "all"] = "never",
        target: "Target" = "any",
        optimize: "Optimize" = "speed",
        samples: Any = None,
        vectors: int = 8,
    ) -> "CExport":
        """Write the model as C99 that needs ``stdint.h`` and nothing else; prove it equal first.

        Every decision, from a sum to a code, is put through the packed model's float32 expression
        for all sums that can occur. The C is compiled by the host's compiler, if there is one, and
        run beside the packed model on `samples` and on inputs made here: integers, numbers and
        classes must be equal to the bit, or nothing is written.

        Args:
            folder: a new one, or one whose files of the same names are replaced.
            name: of the net: letters, digits and underscores; functions and macros begin with it.
            input: what the C is given: ``"uint8"`` pixels as they come from a sensor, or
                ``"float32"`` as the packed model is given.
            transform: what was done to the pixels before training: ``(mean, std)``, numbers or one
                for each channel, as in ``(pixel / 255 - mean) * (1 / std)``; or a function of uint8
                arrays ``[n, ...]``.
            float: what may be computed in floats: nothing; ``"tail"``, what comes behind the last
                codes; or ``"all"``. What is float is named in the files.
            target: the processor that kernels are chosen for: ``"any"``, ``"rv32ec"``,
                ``"rv32emc"``, ``"rv32imc"``, ``"m0"``, ``"m4"`` or ``"avr"``.
            optimize: for ``"speed"`` or ``"size"``.
            samples: inputs as the C takes them, ``[n, ...]``; the first are in the self-test.
            vectors: how many inputs the self-test has.

        Returns:
            what was written, and what was proved; ``print`` shows it.

        Raises:
            ExportError: if something stays float that may not, has no form in C, or is not equal;
                the message names the layers.
            OSError: if the folder cannot be written.
            SpecError: for wrong options, or a transform that is none.

        Example:
            >>> import tempfile
            >>> import qnn_core as qnn
            >>> how = {"weight": "binary", "input": "symmetric:2,scale=1"}
            >>> how |= {"last_weight": "binary", "last_input": "symmetric:2,scale=1"}
            >>> model = qnn.MLP([3, 4, 2], **how, seed=0)
            >>> packed = qnn.pack(model, np.zeros((1, 3)))
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     made = packed.export_c(folder, name="tiny", transform=(0.5, 0.5))
            ...     made.files[:3]
            ('tiny.h', 'tiny.c', 'tiny_test.c')
        """
        from ..c import Options, export_c  # noqa: PLC0415 - see above

        options = Options(name, input, float, target, optimize)
        given: dict[str, Any] = {"transform": transform, "samples": samples, "vectors": vectors}
        return export_c(self.graph, folder, options, **given)

    def page(
        self,
        path: str | Path,
        *,
        name: str = "the net",
        input: PageInput | None = None,
        transform: Transform = None,
        samples: Any = None,
        classes: Sequence[str] | None = None,
        task: Task | None = None,
        title: str | None = None,
    ) -> Page:
        """Write the model as a page that needs no server: draw a digit, and see what it says.

        Its arithmetic is plain JavaScript with the bits of this engine. `qnn_core.page` writes
        several nets side by side, and says what the arguments and the errors are.

        Args:
            path: of the page, which ends in ``.html``.
            name: that stands above the answers.
            input: ``"drawing"``, ``"signal"`` or ``"numbers"``; None for what the shape says.
            transform: what was done to inputs before training; see `qnn_core.page`.
            samples: inputs to choose from: uint8 pixels for drawings, else numbers.
            classes: names of the answers; None for their numbers.
            task: what the outputs are, as in `predict`; None for classes, or a number if it is one.
            title: of the page.

        Example:
            >>> import tempfile
            >>> import qnn_core as qnn
            >>> how = {"weight": "binary", "input": "symmetric:2,scale=1"}
            >>> packed = qnn.pack(qnn.MLP([4, 3, 2], **how, seed=0), np.zeros((1, 4)))
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     made = packed.page(Path(folder, "net.html"), classes=["no", "yes"])
            >>> made.nets
            ('the net',)
        """
        return write_page(
            [Packed(name, self.graph, self.nbytes)],
            path,
            input=input,
            transform=transform,
            samples=samples,
            classes=classes,
            task=task,
            title=title,
        )

    def content(self) -> bytes:
        """Return the bytes of the file that `save` writes.

        Example:
            >>> import qnn_core as qnn
            >>> model = qnn.MLP([3, 2], last_weight="binary", seed=0)
            >>> packed = qnn.pack(model, np.zeros((1, 3)))
            >>> len(packed.content()) == packed.nbytes
            True
        """
        return serialize_arrays(self.graph)

    @property
    def nbytes(self) -> int:
        """Size of the file that `save` writes, in bytes."""
        if self._nbytes is None:
            self._nbytes = len(self.content())
        return self._nbytes

    @overload
    def summary(self) -> PackedSummary: ...

    @overload
    def summary(self, form: Literal["c"], **options: Any) -> "CSummary": ...

    def summary(self, form: Literal["c"] | None = None, **options: Any) -> Any:
        """Return layers, operations, bits, multiply-accumulates and bytes; ``print`` shows them.

        Args:
            form: None for the packed file; ``"c"`` for what `export_c` would write: flash, RAM,
                operations and modelled cycles on each target, by layer.
            options: of ``"c"``: `input`, `float`, `target` and `optimize` of `export_c`.

        Raises:
            ExportError: if the model has no form in C.
            SpecError: for another form, or wrong options.
        """
        if form is not None:
            if form != "c":
                raise SpecError(f"summary: form must be None or 'c', got {form!r}")
            from ..c import Options, c_summary  # noqa: PLC0415 - see above

            return c_summary(self.graph, Options(**options))
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

    def _repr_html_(self) -> str:
        """Return the summary, as notebooks show it."""
        return self.summary()._repr_html_()

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


def _check_classes(best: Floats) -> None:
    """Raise a NonFiniteError if the score that decides is not finite for some sample."""
    finite = np.isfinite(best)
    if not finite.all():
        rows = np.unique(np.argwhere(~finite)[:, 0])
        told = ", ".join(map(str, rows[:5])) + (", ..." if len(rows) > 5 else "")
        raise NonFiniteError(
            f"predict: {len(rows)} of {len(best)} samples have no class, since their scores "
            f"are not finite: {told}"
        )


def _checked(x: ArrayLike, given: Input) -> Floats:
    array = as_array(x, given.name)
    if array.shape[1:] != given.shape or not array.ndim:
        expected = ", ".join(["batch", *map(str, given.shape)])
        hint = ": one sample is a batch of one, x[None]" if array.shape == given.shape else ""
        raise ShapeError(f"{given.name}: shape [{expected}] is needed, got {array.shape}{hint}")
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


def pack(model: Callable[..., Any], example: Any) -> PackedModel:
    """Return `model` as it is deployed, verified against the model on `example`.

    What Python decides while the model runs is decided once, on the example: a branch on values or
    on the size of the batch stays as it was taken there, and a number taken out of a tensor stays
    that number. Such models are refused, as far as that shows: both are compared on samples of the
    example alone, in another order and in other company, and on samples made of them, with values
    in the range of the example's. More samples in the example find more.

    Args:
        model: a float32 module, or a function of tensors. It is packed as it evaluates.
        example: an input with its batch axis, at least one sample, better some that differ; a tuple
            for several arguments. Or data as they are trained on: ``(x, y)`` for a model of one
            argument, a data set, or batches, such as a DataLoader: a few of their first samples.

    Raises:
        DtypeError: if the model is not float32.
        GraphError: if the model depends on the size of the batch or on chance, or runs an operation
            that cannot be packed.
        NonFiniteError: if a parameter, a buffer or a constant of the model is not finite; the
            message names it.
        PackError: if the packed model gives other bits than the model, on the example or on those
            other batches; or if a sample's answer depends on the others of its batch.
        StateError: if a quantizer was never fitted.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([3, 4, 2], weight="binary", input="symmetric:2,scale=1", seed=0)
        >>> x = np.ones((2, 3), np.float32)
        >>> packed = qnn.pack(model, x)
        >>> bool(np.all(packed(x) == model.eval()(qnn.Tensor(x)).data))
        True
    """
    graph, traced = build(model, samples(model, example))
    packed = PackedModel(graph)
    verify(packed.graph, packed.program(), traced)
    verify_apart(packed.program(), model, traced)
    return packed


def packed_nbytes(model: Callable[..., Any], example: Any) -> int:
    """Return the size of the file of ``pack(model, example)``, which is not verified for that.

    Errors are those of `pack`, but for what verifying finds.

    Example:
        >>> import qnn_core as qnn
        >>> model = qnn.MLP([3, 4, 2], weight="binary", input="symmetric:2,scale=1", seed=0)
        >>> x = np.ones((2, 3), np.float32)
        >>> packed_nbytes(model, x) == qnn.pack(model, x).nbytes
        True
    """
    graph, _ = build(model, samples(model, example))
    check(graph)
    return len(serialize_arrays(fuse(graph)))


def load(path: str | Path, *, limit: float = 1.0) -> PackedModel:
    """Return the packed model of a file that `PackedModel.save` wrote. Nothing in it is executed.

    A few bytes can describe a net that takes hours, or all memory, to prepack or to run for one
    sample. Such a file is refused: there is a budget of time and memory, in proportion to the bytes
    of the file and of an input, that is checked before anything is made. The nets that `save`
    writes are far below it.

    Args:
        path: of the file, or of a pipe, which is read once.
        limit: so many times that budget; ``math.inf`` for a file that you trust.

    Raises:
        FileNotFoundError: if there is no such file.
        FileError: if it is damaged, of another kind or version, does not describe a sound model, or
            would cost more than the limit; the message says how much.
        ValueError: if `limit` is no number above 0.
    """
    return load_from(path, *load_arrays(path), limit=limit)


def load_from(
    path: str | Path,
    tensors: dict[str, NDArray[Any]],
    about: dict[str, Any],
    *,
    limit: float = 1.0,
) -> PackedModel:
    """Return the packed model of a file's tensors and description; see `load`."""
    if not limit > 0:
        raise ValueError(f"load: limit must be a number above 0, got {limit!r}")
    nbytes = sum(tensor.nbytes for tensor in tensors.values()) + len(str(about))
    budget = Budget(nbytes, limit)
    graph = read_graph(path, tensors, about, budget)
    try:
        return PackedModel(graph, budget)
    except FileError as error:
        raise FileError(f"{path}: {error}") from error
