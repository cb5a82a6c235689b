"""The forms of a model in ONNX."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from ...errors import SpecError, nearest
from . import qdq, qonnx
from .emission import Emit
from .pooling import mean_as_it_is, mean_in_order
from .products import exact_product, float_product
from .quantizing import exact_codes


@dataclass(frozen=True)
class Form:
    """A way to write a model.

    Attributes:
        name: as `export_onnx` takes it.
        purpose: whom it is for.
        exact: whether products of integers, and all that is done to them, give the bits of ours.
        opset: version of the operators unless another is asked for.
        quantize, product, mean: what writes quantizers, products, and means of windows.
    """

    name: str
    purpose: str
    exact: bool
    opset: int
    quantize: Emit
    product: Emit
    mean: Emit


FORMS: Mapping[str, Form] = {
    form.name: form
    for form in (
        Form(
            "integer",
            "running it with onnxruntime: integer products, and the bits of the packed model",
            True,
            17,
            exact_codes,
            exact_product,
            mean_in_order,
        ),
        Form(
            "qdq",
            "compilers that read QuantizeLinear and DequantizeLinear, such as TensorRT",
            False,
            20,
            qdq.quantize,
            partial(float_product, weight_of=qdq.weight_of),
            mean_as_it_is,
        ),
        Form(
            "qonnx",
            "FINN and hls4ml, which read Quant and BipolarQuant of QONNX",
            False,
            17,
            qonnx.quantize,
            partial(float_product, weight_of=qonnx.weight_of),
            mean_as_it_is,
        ),
        Form(
            "float",
            "anything else: weights as floats, quantizers as comparisons; float models",
            False,
            17,
            exact_codes,
            float_product,
            mean_as_it_is,
        ),
    )
}


def form_named(name: str) -> Form:
    """Return a form by its name.

    Raises:
        SpecError: if there is none; the message lists those that there are.
    """
    if name not in FORMS:
        raise SpecError(
            f"export_onnx: form must be one of {', '.join(FORMS)}, got {name!r}"
            f"{nearest(str(name), FORMS)}; other formats, such as TensorFlow Lite, are not written"
        )
    return FORMS[name]
