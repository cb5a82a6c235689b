"""`export_c`: from a packed model to a folder of C that was proved equal to it."""

import hashlib
import re
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError, SpecError
from ..file.write import serialize_arrays
from ..graph import Graph
from .arena import arena
from .expected import expected
from .folder import write_folder
from .host import Ran, compiler, run_on_host
from .kernels import choose
from .lower import Floats, lower
from .pixels import Transform, pixel_values
from .plan import Plan, Product
from .text.decisions import written
from .text.header import cpp_header, header, sizes
from .text.packages import packages
from .text.scores import scores, tail_has_form
from .text.selftest import selftest
from .text.source import Generated, source

Array = NDArray[Any]

VECTORS = 8

TARGETS = ("any", "rv32ec", "rv32emc", "rv32imc", "m0", "m4", "avr")


@dataclass(frozen=True, eq=False)
class CExport:
    """What was exported; ``print`` tells it.

    Attributes:
        folder: where it is.
        files: that were written, relative to it.
        name: of the net.
        plan: its steps.
        samples: that the C was run on beside the packed model, with difference 0; 0 if there is no
            compiler here.
        checked: sums of all decisions that were put through the packed model's expressions.
        notes: what a user should know.
    """

    folder: Path
    files: tuple[str, ...]
    name: str
    plan: Plan
    samples: int
    checked: int
    notes: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"{self.folder}: {', '.join(self.files)}", *self.notes]
        return "\n".join(lines)


def export_c(
    graph: Graph,
    folder: str | Path,
    *,
    name: str = "net",
    input: Literal["uint8", "float32"] = "uint8",
    transform: Transform = None,
    float: Floats = "never",
    target: str = "any",
    optimize: Literal["size", "speed"] = "speed",
    samples: Any = None,
    vectors: int = VECTORS,
) -> CExport:
    """See `PackedModel.export_c`."""
    _check_options(name, input, float, target, optimize)
    pixels = pixel_values(graph, transform) if input == "uint8" else None
    plan = lower(graph, pixels=pixels, floats=float)
    g = _generated(graph, plan, name, target, optimize, float)
    given = _samples(plan, samples)
    texts = {f"{name}.h": header(g), f"{name}.c": source(g)}
    command, notes = compiler(), []
    wanted = expected(graph, plan, given, pixels)
    if command is None:
        notes.append(
            "there is no C compiler here, so the C was not run beside the packed model: run "
            f"{name}_test.c where there is one"
        )
    else:
        _compare(run_on_host(name, texts, given, sizes(g), command), wanted, given)
        notes.append(f"{len(given)} inputs on this machine: difference 0 to the packed model")
    some = slice(0, max(1, vectors))
    texts[f"{name}_test.c"] = selftest(
        g,
        given[some],
        None if wanted.sums is None else wanted.sums[some],
        wanted.logits[some] if g.logits and wanted.logits is not None else None,
        None if wanted.classes is None else wanted.classes[some],
    )
    texts[f"{name}.hpp"] = cpp_header(g)
    texts |= packages(g)
    files = write_folder(folder, texts)
    checked = sum(
        step.decision.checked
        for step in plan.steps
        if getattr(step, "decision", None) is not None  # type: ignore[attr-defined]
    )
    return CExport(
        Path(folder), files, name, plan, len(given) if command else 0, checked, tuple(notes)
    )


def _check_options(name: str, input: str, float: str, target: str, optimize: str) -> None:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        raise SpecError(f"export_c: name must be letters, digits and underscores, got {name!r}")
    known = {
        "input": (input, ("uint8", "float32")),
        "float": (float, ("never", "tail", "all")),
        "target": (target, TARGETS),
        "optimize": (optimize, ("size", "speed")),
    }
    for what, (given, allowed) in known.items():
        if given not in allowed:
            raise SpecError(f"export_c: {what} must be one of {', '.join(allowed)}, got {given!r}")


def _generated(
    graph: Graph, plan: Plan, name: str, target: str, optimize: Any, float: Floats
) -> Generated:
    multiplies = target not in ("rv32ec", "avr")
    decisions, kernels, work = [], {}, []
    for number, step in enumerate(plan.steps):
        decision = getattr(step, "decision", None)
        made = written(decision, step.identifier, multiplies=multiplies)
        decisions.append(made)
        needed = 0
        if isinstance(step, Product):
            kernel = choose(step, "m0" if target == "any" else target, optimize)
            kernels[number] = kernel.prepare(step, step.identifier, made)
            needed = kernels[number].work
        work.append(needed)
    logits = float != "never"
    if logits or any(o.value.kind == "floats" for o in plan.outputs):
        for output in plan.outputs:
            if not tail_has_form(output):
                raise ExportError(
                    "export_c: what stands behind the last sums has no form in C with the same bits"
                )
    elif scores(plan.outputs[0], name, logits=False) is None and plan.outputs[0].links:
        raise ExportError(
            "export_c: float='never', and what stands behind the last sums is float: allow "
            "float='tail'"
        )
    digest = hashlib.sha256(serialize_arrays(graph)).hexdigest()
    about = (
        f"{name}: made by qnn-core {version('qnn-core')} from a packed model; do not edit.",
        f"SHA-256 of its file: {digest}",
        f"input: {plan.input.kind}, {' x '.join(map(str, plan.input.shape))}",
        *(f"float: {where}: {why}" for where, why in plan.floats),
    )
    return Generated(
        name, plan, tuple(decisions), kernels, arena(plan, work), optimize, about, logits
    )


def _samples(plan: Plan, samples: Any) -> Array:
    """Return inputs ``[n, elements]`` as the C takes them: those given, and some made here."""
    rng = np.random.default_rng(0)
    shape = plan.input.shape
    if plan.input.kind == "pixels":
        made = rng.integers(0, 256, (24, *shape), dtype=np.uint8)
        made[:8] = np.where(rng.random((8, *shape)) < 0.8, 0, made[:8])
        made[8], made[9] = 0, 255
        kind: Any = np.uint8
    else:
        made = rng.standard_normal((24, *shape)).astype(np.float32)
        kind = np.float32
    if samples is None:
        return made.reshape(len(made), -1)
    given = np.asarray(samples)
    if given.shape[1:] != shape and given[:1].size != plan.input.size:
        raise SpecError(
            f"export_c: samples of shape [n, {', '.join(map(str, shape))}] are needed, got "
            f"{given.shape}"
        )
    if given.dtype != kind:
        raise SpecError(
            f"export_c: samples must be {np.dtype(kind)}, as the C takes them, got {given.dtype}"
        )
    rows = given.reshape(len(given), -1)
    return np.concatenate([rows, made.reshape(len(made), -1)])


def _compare(ran: Ran, wanted: Ran, inputs: Array) -> None:
    """Raise an ExportError that names the first difference of the C to the packed model."""
    for what in ("sums", "logits", "classes"):
        ours, theirs = getattr(ran, what), getattr(wanted, what)
        if ours is None or theirs is None or np.array_equal(ours, theirs, equal_nan=True):
            continue
        wrong = np.argwhere(ours != theirs)
        at = tuple(int(i) for i in wrong[0])
        raise ExportError(
            f"export_c: the {what} of the C differ from the packed model's in {len(wrong)} of "
            f"{ours.size}; of input {at[0]} the C gives {ours[at]}, the packed model {theirs[at]}. "
            "Nothing was written. This is a fault of qnn-core: please report it"
        )
    _ = inputs
