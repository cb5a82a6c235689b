"""`export_c`: from a packed model to a folder of C that was proved equal to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError, SpecError
from ..graph import Graph
from ..pixels import Transform, pixel_values
from .cost import CSummary, cost
from .expected import expected
from .folder import write_folder
from .generate import generated
from .host import Ran, compiler, run_on_host
from .lower import lower
from .options import Options
from .packages import packages
from .plan import Plan, decision_of
from .text.header import cpp_header, header, sizes
from .text.selftest import selftest
from .text.source import source

Array = NDArray[Any]

# Inputs that are made here, beside those that are given.
OWN = 24


@dataclass(frozen=True, eq=False)
class CExport:
    """What was exported; ``print`` tells it.

    Attributes:
        folder: where it is.
        files: that were written, relative to it.
        name: of the net.
        plan: its steps.
        summary: what it costs: flash, RAM, operations, modelled cycles.
        samples: that the C was run on beside the packed model, with difference 0; 0 if there is no
            compiler here.
        checked: integers, of all decisions together, that can become codes: for each the C was
            proved to give the packed model's code.
        notes: what was proved, and what else a user should know, in lines.
    """

    folder: Path
    files: tuple[str, ...]
    name: str
    plan: Plan
    summary: CSummary
    samples: int
    checked: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [
            str(self.summary),
            "",
            *self.notes,
            f"{self.folder}: {', '.join(self.files)}",
        ]
        return "\n".join(lines)


def export_c(
    graph: Graph,
    folder: str | Path,
    options: Options,
    *,
    transform: Transform = None,
    samples: Any = None,
    vectors: int = 8,
) -> CExport:
    """Write a packed graph as C; see `PackedModel.export_c`."""
    pixels = pixel_values(graph, transform) if options.input == "uint8" else None
    if options.input == "float32" and transform is not None:
        raise SpecError("export_c: transform= is for input='uint8': float32 is taken as it is")
    plan = lower(graph, pixels=pixels, floats=options.float)
    _check_pixels(plan)
    g = generated(graph, plan, options, pixels)
    name = options.name
    inputs = _inputs(plan, samples)
    texts = {f"{name}.h": header(g), f"{name}.c": source(g)}
    wanted = expected(graph, plan, inputs, pixels)
    command = compiler()
    if command is None:
        ran, note = (
            0,
            (
                "there is no C compiler here, so the C was not run beside the packed model: run "
                f"{name}_test.c where there is one"
            ),
        )
    else:
        _compare(run_on_host(name, texts, inputs, sizes(g), command), wanted)
        ran, note = len(inputs), f"{len(inputs)} inputs, run by {command} here: difference 0"
    some = slice(0, max(1, vectors))
    texts[f"{name}_test.c"] = selftest(g, inputs[some], wanted.some(some))
    texts[f"{name}.hpp"] = cpp_header(g)
    summary = cost(g)
    proved = (
        f"{_checked(plan):,} sums that can occur: each has the packed model's code",
        *_notes(plan, note),
    )
    texts |= packages(g, summary, proved)
    files = write_folder(folder, texts)
    return CExport(Path(folder), files, name, plan, summary, ran, _checked(plan), proved)


def _checked(plan: Plan) -> int:
    """Return how many integers that can become codes were compared with the packed model."""
    found = [decision_of(step) for step in plan.steps]
    checked = sum(d.checked for d in found if d is not None)
    return checked + sum(getattr(step, "checked", 0) for step in plan.steps)


def _check_pixels(plan: Plan) -> None:
    """Raise a SpecError if all pixels are the same to a net: then the transform is another one."""
    for step in plan.steps:
        for value in step.sources:
            if value.kind == "pixels" and value.table is not None and not np.ptp(value.table):
                raise SpecError(
                    "export_c: all 256 values of a pixel become the same code, "
                    f"{int(value.table[0])}: the transform is not that of training (mean and std "
                    "are of pixels divided by 255)"
                )


def _notes(plan: Plan, note: str) -> Iterator[str]:
    yield note
    if plan.outputs[0].cut:
        yield (
            f"{plan.outputs[0].cut} at the end is left out: it keeps the order of the scores, but "
            "for scores that it rounds to the same number"
        )
    for where, why in plan.floats:
        yield f"float: {where}: {why}"


def c_summary(graph: Graph, options: Options) -> CSummary:
    """Return what a packed graph costs as C on every target; nothing is written or run.

    Raises:
        ExportError: if it has no form in C.
    """
    # Which number each pixel is does not change what it costs.
    pixels = np.arange(256, dtype=np.float32) if options.input == "uint8" else None
    return cost(generated(graph, lower(graph, pixels=pixels, floats=options.float), options))


def _inputs(plan: Plan, samples: Any) -> Array:
    """Return inputs ``[n, elements]`` as the C takes them: those given, and some made here."""
    rng = np.random.default_rng(0)
    shape, size = plan.input.shape, plan.input.size
    if plan.input.kind == "pixels":
        kind: type[np.generic] = np.uint8
        made = rng.integers(0, 256, (OWN, size), dtype=np.uint8)
        made[: OWN // 3][rng.random((OWN // 3, size)) < 0.8] = 0
        made[-2], made[-1] = 0, 255
    else:
        kind = np.float32
        made = rng.standard_normal((OWN, size)).astype(np.float32)
    if samples is None:
        return made
    given = np.asarray(samples)
    if given.ndim < 2 or not len(given) or given[0].size != size:
        expected_shape = ", ".join(["n", *map(str, shape)])
        raise SpecError(f"export_c: samples [{expected_shape}] are needed, got shape {given.shape}")
    if given.dtype != kind:
        raise SpecError(
            f"export_c: samples must be {np.dtype(kind)}, as the C takes them, got {given.dtype}"
        )
    return np.concatenate([given.reshape(len(given), size), made])


def _compare(ran: Ran, wanted: Ran) -> None:
    """Raise an ExportError that names the first difference of the C to the packed model."""
    for what in ("sums", "logits", "classes"):
        ours, theirs = getattr(ran, what), getattr(wanted, what)
        if ours is None or theirs is None or np.array_equal(ours, theirs):
            continue
        wrong = np.argwhere(ours != theirs)
        at = tuple(int(i) for i in wrong[0])
        raise ExportError(
            f"export_c: the {what} of the C differ from the packed model's in {len(wrong)} of "
            f"{ours.size}; of input {at[0]} the C gives {ours[at]}, the packed model {theirs[at]}. "
            "Nothing was written. This is a fault of qnn-core: please report it"
        )
