"""An exported model in onnxruntime beside ours."""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import NonFiniteError
from .document import QONNX, Document

Array = NDArray[Any]
Answers = Callable[[Sequence[Array]], Sequence[Array]]

# Samples at once.
BATCH = 256


class Difference(NamedTuple):
    """What was measured.

    Attributes:
        most: the greatest magnitude of a difference of any output, infinite for NaN; None if there
            was none to measure.
        on: on how many samples, by which program; or why nothing was measured.
    """

    most: float | None
    on: str


def measured(content: bytes, document: Document, raw: Sequence[Array], ours: Answers) -> Difference:
    """Return how far the answers of a file are from ours.

    Args:
        content: of the file.
        document: that it was made of.
        raw: the inputs of the file.
        ours: the packed model's answers to the same inputs.
    """
    needed = "qonnx" if document.has_domain(QONNX) else "onnxruntime"
    try:
        runner = runner_of(content, document)
    except ImportError:
        return Difference(None, f"{needed} is not installed")
    except Exception as error:  # whatever a program says that does not take the file
        told = " ".join(str(error).split())
        return Difference(None, f"{needed} {version(needed)} refuses the file: {told}")
    most = 0.0
    for start in range(0, len(raw[0]), BATCH):
        part = [x[start : start + BATCH] for x in raw]
        try:
            answers = ours(part)
        except NonFiniteError as error:
            return Difference(None, f"the packed model refuses the inputs: {error}")
        for mine, other in zip(answers, runner.run(part), strict=True):
            most = max(most, _most(mine, other))
    return Difference(most, f"{len(raw[0])} samples, {runner.name}")


class Runner(NamedTuple):
    """A program that runs a file: its name with its version, and ``run(inputs) -> outputs``."""

    name: str
    run: Answers


def runner_of(content: bytes, document: Document) -> Runner:
    """Return onnxruntime, or QONNX's executor for its operators.

    Raises:
        ImportError: if it is not installed.
    """
    names = [port.name for port in document.inputs]
    if document.has_domain(QONNX):
        return _qonnx(content, document, names)
    import onnxruntime  # noqa: PLC0415 # it is optional

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def run(inputs: Sequence[Array]) -> Sequence[Array]:
        found: Sequence[Array] = session.run(None, dict(zip(names, inputs, strict=True)))
        return found

    return Runner(f"onnxruntime {onnxruntime.__version__}", run)


def _qonnx(content: bytes, document: Document, names: Sequence[str]) -> Runner:
    import onnx  # noqa: PLC0415 # it is optional
    from qonnx.core.modelwrapper import ModelWrapper  # noqa: PLC0415 # likewise
    from qonnx.core.onnx_exec import execute_onnx  # noqa: PLC0415 # likewise
    from qonnx.transformation.infer_shapes import InferShapes  # noqa: PLC0415 # likewise

    def run(inputs: Sequence[Array]) -> Sequence[Array]:
        # It wants the shape of everything, the batch too.
        model = onnx.load_from_string(content)
        for value in (*model.graph.input, *model.graph.output):
            value.type.tensor_type.shape.dim[0].dim_value = len(inputs[0])
        with np.errstate(all="ignore"):
            model = ModelWrapper(model).transform(InferShapes())
            answers = execute_onnx(model, dict(zip(names, inputs, strict=True)))
        return [answers[port.name] for port in document.outputs]

    return Runner(f"qonnx {version('qonnx')}", run)


def _most(ours: Array, theirs: Array) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    with np.errstate(invalid="ignore", over="ignore"):
        gaps = np.where(same, 0, np.abs(ours.astype(np.float64) - theirs))
    most = float(gaps.max(initial=0))
    return float("inf") if np.isnan(most) else most
