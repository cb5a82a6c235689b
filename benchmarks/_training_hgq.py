"""The nets in HGQ2, whose scales are powers of two that are learned: W4A4 and W2A2.

It learns widths, too; here they are bounded to what is wanted, and the count of operations that it
would hold them down by is off.
"""

from math import log2
from typing import Any

from _training_keras_step import conv_options, float_product, training
from _training_layers import Conv, Dense
from _training_nets import Net, Variant
from hgq.config import QuantizerConfig
from hgq.constraints import MinMax
from hgq.layers import QConv2D, QDense


def build(way: str, net: Net, variant: Variant, threads: int) -> tuple[Any, Any, str]:
    def product(layer: Dense | Conv) -> Any:
        if not layer.quantized:
            return float_product(layer)
        options = _quantizers(layer, variant.bits)
        if isinstance(layer, Dense):
            return QDense(layer.outputs, **options)
        return QConv2D(layer.outputs, layer.size, **options, **conv_options(layer))

    return training(net, threads, product)


def _quantizers(layer: Dense | Conv, bits: int) -> dict[str, Any]:
    """Return those of weight, input and bias; a weight's range begins near its greatest number."""
    size = layer.size**2 if isinstance(layer, Conv) else 1
    most = log2(6 / (size * (layer.inputs + layer.outputs))) / 2
    one = {"heterogeneous_axis": (), "homogeneous_axis": None, "br": None}
    weight = {"k0": True, "b0": bits - 1, "i0": round(most), "bc": MinMax(bits - 1, bits - 1)}
    input = {"k0": False, "b0": bits, "i0": 0, "bc": MinMax(bits, bits)}
    return {
        "kq_conf": QuantizerConfig("kbi", "weight", overflow_mode="SAT_SYM", **weight, **one),
        "iq_conf": QuantizerConfig("kbi", "datalane", overflow_mode="SAT", **input, **one),
        "bq_conf": QuantizerConfig("dummy", "bias"),
        "enable_ebops": False,
    }
