"""What nets cost as C on a microcontroller: the argument ``c=`` of `compare`, and its numbers."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from qnn_core.deploy import PackedModel
from qnn_core.errors import CompareError, ExportError, QnnError

from .arguments import short
from .configs import one_line

if TYPE_CHECKING:
    from qnn_core.deploy.c import Options

C = str | Mapping[str, Any]

# Of `PackedModel.summary("c")`.
KNOWN = ("target", "input", "float", "optimize")

# What is measured: bytes of flash and RAM, and modelled cycles of an inference.
COSTS = ("c_flash", "c_ram", "c_cycles")


def c_options(c: C | None) -> dict[str, Any] | None:
    """Return the options of ``summary("c")`` that a target, or a dictionary of them, stands for.

    Raises:
        CompareError: if they are none.

    Example:
        >>> c_options("m0")
        {'target': 'm0'}
    """
    if c is None:
        return None
    options = {"target": c} if isinstance(c, str) else c
    if not isinstance(options, Mapping) or not {*options} <= {*KNOWN}:
        raise CompareError(
            f"compare: c must be a target, such as 'm0', or a dictionary of {', '.join(KNOWN)}, "
            f"got {short(c)}"
        )
    try:
        _checked(options)
    except (QnnError, TypeError) as error:
        raise CompareError(f"compare: c: {str(error).removeprefix('export_c: ')}") from error
    return dict(options)


def c_costs(packed: PackedModel, options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the fields of a `Result` that are of a packed model as C, or why it has no form."""
    if options is None:
        return {}
    try:
        summary = packed.summary("c", **options)
    except ExportError as error:
        # What to do about it is for who exports: here it is one net of many.
        told, _, _ = str(error).removeprefix("export_c: ").partition(". docs/")
        return {"no_c": one_line(told)}
    target = _checked(options).modelled
    found = (summary.flash[target], summary.ram(target), summary.cycles[target])
    return {"c": dict(zip(COSTS, found, strict=True))}


def _checked(options: Mapping[str, Any]) -> "Options":
    from qnn_core.deploy.c import Options  # noqa: PLC0415 - slow to import, and few ask for it

    return Options(**options)
