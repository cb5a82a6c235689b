"""Which side of a product a tensor is."""

from ..qtensor import QuantizedTensor
from .operand import VALUES, GemmOperand, quantized_operand


def operand_of(quantized: QuantizedTensor | None, rows: int | None) -> GemmOperand:
    """Return what a tensor is in a product that sums over its last axis.

    Args:
        quantized: the tensor's codes, None for float values.
        rows: the axis that is not summed over and may have a scale for each entry; None for none,
            as in the input of a layer, where it is the batch.

    Returns:
        `VALUES` where the tensor enters with its values: it is float, or its qparams cannot be
        taken out of the sum. Else an operand with levels: it enters with its codes.
    """
    if quantized is None:
        return VALUES
    levels, scale, shift = quantized.levels, quantized.scale, quantized.shift
    if scale.size == shift.size == 1:
        return quantized_operand(
            levels, scale.reshape(()), shift.reshape(()), along_reduction=False
        )
    assert quantized.axis is not None
    along_reduction = rows is None or quantized.axis % quantized.codes.ndim != rows
    return quantized_operand(levels, scale, shift, along_reduction=along_reduction)
