"""Operators of ``ai.onnx.ml`` that scikit-learn's linear models and scalers become."""

import numpy as np

from ....nn import Elementwise, Linear, Sigmoid, Softmax
from ..builder import Unsupported
from ..call import Call
from ..values import Activation, as_in_file
from ..weights import finite, with_weights


def scaler(call: Call) -> Activation:
    """Scaler: ``(x - offset) * scale``."""
    x = call.builder.filed(call.activation())
    for operation, name in (("subtract", "offset"), ("multiply", "scale")):
        constant = finite(f"the {name}", call.required(name))
        if constant.size not in (1, x.shape[-1]):
            raise Unsupported(f"{name} of {constant.size} numbers for {x.shape[-1]} features")
        made = call.builder.add(Elementwise(operation, constant), [x], name)
        x = x.but(name=made)
    return x


def linear_regressor(call: Call) -> Activation:
    """LinearRegressor: a linear layer."""
    if call.attribute("post_transform", "NONE") != "NONE":
        raise Unsupported(f"post_transform {call.attribute('post_transform')!r}")
    return _linear(call, int(call.attribute("targets", 1)))


def linear_classifier(call: Call) -> tuple[None, Activation]:
    """LinearClassifier: its second output, the scores; of two classes both."""
    x, classes = call.activation(), len(call.required("intercepts"))
    labels = call.attribute("classlabels_ints", call.attribute("classlabels_strings", ()))
    way = call.attribute("post_transform", "NONE")
    if classes == 1 and len(labels) == 2:
        raise Unsupported("scores of two classes from one sum")
    y = _linear(call, classes)
    after = {"SOFTMAX": Softmax, "LOGISTIC": Sigmoid}
    if way != "NONE":
        if way not in after:
            raise Unsupported(f"post_transform {way!r}")
        y = y.but(name=call.builder.add(after[way](), [y], way.lower()))
    assert x.shape[0] == y.shape[0]
    return None, y


def zip_map(call: Call) -> Activation:
    """ZipMap: scores by the names of their classes; here they stay a matrix."""
    return call.activation()


def normalizer(call: Call) -> Activation:
    """Normalizer with the norm L1 behind a softmax, whose rows sum to 1 already."""
    x, norm = call.activation(), call.attribute("norm", "MAX")
    if norm != "L1" or call.builder.layer_before(x, Softmax) is None:
        raise Unsupported(f"norm {norm!r}; L1 behind a softmax only")
    return x


def _linear(call: Call, outputs: int) -> Activation:
    x = call.builder.filed(call.activation())
    weight = np.asarray(call.required("coefficients")).reshape(outputs, -1)
    if weight.shape[1] != x.shape[-1]:
        raise Unsupported(f"a weight of {weight.shape[1]} inputs for {x.shape[-1]} features")
    bias = np.asarray(call.attribute("intercepts", np.zeros(outputs)))
    made = with_weights(Linear(*reversed(weight.shape), seed=0), weight, bias)
    name = call.builder.add(made, [x], call.hint())
    return Activation(name, (x.shape[0], outputs), as_in_file(2))
