"""The layers of a net as lines of text: what is computed how."""

from collections.abc import Mapping, Sequence

from tabulate import tabulate

from ..plan import Plan, Product
from ..prepared import Prepared
from .decisions import Written


def layer_table(
    plan: Plan, decisions: Sequence[Written], kernels: Mapping[int, Prepared]
) -> list[str]:
    """Return a line for each step, under a head."""
    rows = []
    for number, step in enumerate(plan.steps):
        how = kernels[number].kernel if number in kernels else type(step).__name__.lower()
        bits = f"{step.weight_bits} x {step.input_bits}" if isinstance(step, Product) else ""
        rows.append(
            [
                step.path or "(model)",
                how,
                bits,
                " x ".join(map(str, step.sources[0].shape)),
                " x ".join(map(str, step.target.shape)),
                f"{step.macs:,}" if isinstance(step, Product) else "",
                decisions[number].way,
            ]
        )
    heads = ["layer", "kernel", "bits", "from", "to", "MACs", "codes by"]
    return tabulate(rows, heads, tablefmt="simple", disable_numparse=True).splitlines()
