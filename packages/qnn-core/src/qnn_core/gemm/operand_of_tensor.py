"""Which side of a product a tensor is."""

from ..qtensor import Quantized
from .operand import VALUES, Factor, factor


def operand(quantized: Quantized | None, rows: int | None) -> Factor:
    """Return what a tensor is in a product that sums over its last axis.

    Args:
        quantized: the tensor's codes, None for float values.
        rows: the axis that is not summed over and may have a scale for each entry; None for none,
            as in the input of a layer, where it is the batch.

    Returns:
        `VALUES` where the tensor enters with its values: it is float, or its frame cannot be taken
        out of the sum. Else a factor with levels: it enters with its codes.
    """
    if quantized is None:
        return VALUES
    levels, scale, shift = quantized.levels, quantized.scale, quantized.shift
    if scale.size == shift.size == 1:
        return factor(levels, scale.reshape(()), shift.reshape(()), along_sum=False)
    assert quantized.axis is not None
    along_sum = rows is None or quantized.axis % quantized.codes.ndim != rows
    return factor(levels, scale, shift, along_sum=along_sum)
