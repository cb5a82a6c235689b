"""From a plan to all that its C text is made of: decisions, kernels, places in memory."""

import hashlib
from collections.abc import Iterator
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from ...errors import ExportError
from ..file.write import serialize_arrays
from ..graph import Graph
from .arena import arena
from .kernels import choose
from .options import Options
from .plan import Plan, Product, decision_of
from .prepared import Prepared
from .text.decisions import INSIDE, written
from .text.scores import scores
from .text.source import Generated


def generated(
    graph: Graph, plan: Plan, options: Options, pixels: NDArray[np.float32] | None = None
) -> Generated:
    """Return a plan with what was chosen for it.

    Raises:
        ExportError: if a product has no kernel, or the class cannot be told without floats.
    """
    decisions, work = [], []
    kernels: dict[int, Prepared] = {}
    products = {n: step for n, step in enumerate(plan.steps) if isinstance(step, Product)}
    chosen = choose(products, options.modelled, options.optimize)
    for number, step in enumerate(plan.steps):
        made = written(decision_of(step), step.identifier, multiplies=options.multiplies)
        decisions.append(made)
        if number in chosen:
            assert isinstance(step, Product)
            kernels[number] = chosen[number].prepare(step, step.identifier, made)
            if kernels[number].decides:
                decisions[-1] = INSIDE
        work.append(kernels[number].work if number in kernels else 0)
    logits = options.float != "never"
    first = plan.outputs[0]
    if not logits and len(first.value.shape) == 1 and scores(first, logits=False) is None:
        raise ExportError(
            "export_c: float='never', and the class cannot be told from the sums by integers: "
            "their scales are too far apart. Allow float='tail'"
        )
    digest = hashlib.sha256(serialize_arrays(graph)).hexdigest()
    kind = {"pixels": "uint8", "floats": "float"}[plan.input.kind]
    about = (
        f"{options.name}: made by qnn-core {version('qnn-core')} from a packed model; do not edit.",
        f"SHA-256 of its file: {digest}",
        f"Input: {kind}, {' x '.join(map(str, plan.input.shape))}, the last axis fastest.",
        *_pixels(pixels),
        f"Kernels chosen for: {options.target}, {options.optimize}.",
        *(f"Float: {where}: {why}." for where, why in plan.floats),
    )
    return Generated(
        options.name,
        plan,
        tuple(decisions),
        kernels,
        arena(plan, work),
        options.optimize,
        about,
        logits,
    )


def _pixels(pixels: NDArray[np.float32] | None) -> Iterator[str]:
    """Yield what the ends of the pixels are in the model, by which a wrong transform shows."""
    if pixels is not None:
        ends = (", ".join(f"{number:.9g}" for number in np.ravel(pixels[i])) for i in (0, -1))
        yield "Pixels: 0 is {} in the model, 255 is {}.".format(*ends)
