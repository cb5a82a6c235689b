"""Quantizers as parameters of an estimator: specs, and one width for all of them."""

from typing import Any

from ..errors import SpecError
from ..registry import get_quantizer

FLOAT_BITS = 32


def at_width(where: str, weight: Any, input: Any, bits: int | None) -> tuple[Any, Any]:
    """Return the quantizers of weights and inputs at a width.

    Args:
        where: the estimator, for messages.
        weight: spec or quantizer, None for float.
        input: the same of the inputs.
        bits: None for the widths that the specs have; 32 for float; else 1 to 8.

    Raises:
        SpecError: if there is no such width, or no quantizer to have it, or its scheme has it not.

    Example:
        >>> [str(found) for found in at_width("X", "symmetric", None, 2)]
        ['Symmetric(bits=2)', 'None']
        >>> at_width("X", "symmetric", "uniform", 32)
        (None, None)
    """
    if bits is None:
        return weight, input
    if bits == FLOAT_BITS:
        return None, None
    if bits not in range(1, 9):
        raise SpecError(f"{where}: bits are 1 to 8, or 32 for float, got {bits!r}")
    if weight is None and input is None:
        raise SpecError(
            f"{where}: bits={bits!r} is a width, which needs a scheme: weight=, input= or both, "
            "such as weight='symmetric'"
        )
    both = (None if spec is None else get_quantizer(spec, bits=bits) for spec in (weight, input))
    return next(both), next(both)


def of_layers(where: str, estimator: Any) -> dict[str, Any]:
    """Return the quantizers that `MLP` takes, by the parameters of an estimator."""
    weight, input = at_width(where, estimator.weight, estimator.input, estimator.bits)
    ends = ("first_weight", "first_input", "last_weight", "last_input")
    return {"weight": weight, "input": input} | {name: getattr(estimator, name) for name in ends}
