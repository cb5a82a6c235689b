"""`export_onnx`: a packed graph as a file that onnxruntime and other tools read."""

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import ExportWarning, PackError, ShapeError, SpecError
from ...files import atomic_write
from ..graph import Graph
from .document import QONNX, Document
from .emission import Inexact, listed
from .forms import Form, form_named
from .library import to_bytes
from .measure import Answers, Difference, measured
from .transform import Function, Raw, Transform, applied, transform_of
from .translate import translate

Array = NDArray[Any]

# Samples that are drawn where no example is given.
DRAWN = 64
OLDEST = 13


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        form: name of the form.
        difference: the greatest difference to the packed model's answers; None if it was not
            measured.
        on: on how many samples, by which program; or why it was not measured.
        inexact: layers that may give other bits than the packed model, with the reason.
    """

    form: str
    difference: float | None
    on: str
    inexact: Sequence[Inexact]

    @property
    def exact(self) -> bool:
        """Whether it gives the packed model's bits on every machine."""
        return not self.inexact


def export(
    graph: Graph,
    ours: Answers,
    path: str | Path,
    form: str,
    *,
    example: Sequence[ArrayLike] | None = None,
    transform: tuple[ArrayLike, ArrayLike] | Function | None = None,
    raw: Raw = "float32",
    names: Mapping[str, str] | None = None,
    opset: int | None = None,
    exact_floats: bool = False,
) -> Exported:
    """Write a graph to a file; see `PackedModel.export_onnx`.

    Args:
        graph: of the packed model.
        ours: its answers to inputs of float32.
        path: of the file.
        form: name of a form.
        example: raw inputs on which both are compared.
        transform: of the raw input.
        raw: its dtype.
        names: of inputs and outputs.
        opset: version of the operators.
        exact_floats: whether products of floats have our bits too.
    """
    chosen = form_named(form)
    done = None if transform is None else transform_of(transform, raw)
    if done is None and raw != "float32":
        raise SpecError("export_onnx: raw is the dtype of an input that transform= acts on")
    used = chosen.opset if opset is None else opset
    if type(used) is not int or used < OLDEST:
        raise SpecError(f"export_onnx: opset must be a whole number from {OLDEST} on, got {used!r}")
    if exact_floats and not chosen.exact:
        raise SpecError(f"export_onnx: the form {form!r} has no exact_floats: 'integer' has")
    document, inexact = translate(
        graph, chosen, used, transform=done, names=names, exact_floats=exact_floats
    )
    inputs = _inputs(graph, example, done)
    unmeasured = to_bytes(document, "qnn", version("qnn-core"))

    def answers(arrays: Sequence[Array]) -> Sequence[Array]:
        return ours([applied(done, array) for array in arrays])

    found = measured(unmeasured, document, inputs, answers)
    if not inexact and found.most:
        raise PackError(
            f"export_onnx: answers differ from ours by {found.most:g} ({found.on}), where the form "
            f"{form!r} has ours; nothing was written"
        )
    document.metadata |= _metadata(chosen, inexact, found)
    content = to_bytes(document, "qnn", version("qnn-core"))
    atomic_write(path, content)
    _warn(chosen, document, inexact)
    return Exported(form, found.most, found.on, inexact)


def _inputs(
    graph: Graph, example: Sequence[ArrayLike] | None, transform: Transform | None
) -> list[Array]:
    dtype = "float32" if transform is None else transform.raw
    if example is None:
        rng = np.random.default_rng(0)
        shapes = [(DRAWN, *given.shape) for given in graph.inputs]
        if dtype == "uint8":
            return [rng.integers(0, 256, shape).astype(np.uint8) for shape in shapes]
        return [rng.standard_normal(shape, np.float32) for shape in shapes]
    arrays = [np.asarray(x, dtype) for x in example]
    fits = [x.shape[1:] == given.shape for x, given in zip(arrays, graph.inputs, strict=False)]
    if len(arrays) != len(graph.inputs) or not all(fits):
        shapes_given = ", ".join(str(x.shape) for x in arrays)
        wanted = ", ".join(str(("batch", *given.shape)) for given in graph.inputs)
        raise ShapeError(f"export_onnx: an example of {wanted} is needed, got {shapes_given}")
    return arrays


def _metadata(form: Form, inexact: Sequence[Inexact], found: Difference) -> dict[str, str]:
    layers = [{"layer": one.layer, "reason": one.reason} for one in inexact]
    return {
        "qnn.version": version("qnn-core"),
        "qnn.form": form.name,
        "qnn.exact": json.dumps(not inexact),
        "qnn.inexact": json.dumps(layers),
        "qnn.difference": "not measured" if found.most is None else repr(found.most),
        "qnn.difference_on": found.on,
    }


def _warn(form: Form, document: Document, inexact: Sequence[Inexact]) -> None:
    """Warn of what was asked for and cannot be: once, in one line."""
    if form.exact and inexact:
        warnings.warn(
            f"export_onnx: {len(inexact)} parts may give other last bits than ours: "
            f"{listed(inexact)}",
            ExportWarning,
            stacklevel=4,
        )
    if form.name == "qonnx" and (scales := _odd_scales(document)):
        warnings.warn(
            f"export_onnx: {len(scales)} scales are not powers of two, which hls4ml (activations) "
            f"and FINN (where it streamlines to integers) may refuse: {', '.join(scales)}",
            ExportWarning,
            stacklevel=4,
        )


def _odd_scales(document: Document) -> list[str]:
    """Return the outputs of quantizers whose scale is not a power of two."""
    found = []
    for operator in document.operators:
        if operator.domain == QONNX:
            scale = document.constants[operator.inputs[1]].array
            if np.any(np.frexp(scale)[0] != 0.5):
                found.append(operator.output)
    return found
