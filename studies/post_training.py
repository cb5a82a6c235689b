"""784-1000-10 quantized after it was trained: what training with quantizers is worth."""

from typing import Any

from _study.plan import Arm, Study
from mlp import FLOAT, RECIPE, WEIGHTS, net

BITS = (8, 4, 3, 2, 1)


def _quantized(bits: int) -> Arm:
    weight = WEIGHTS.get(bits, f"symmetric:{bits}") if bits > 1 else "binary:scale=calibrated"
    inputs = f"uniform:{bits},calibration=mse"
    options: dict[str, Any] = {
        "weight": weight if bits == 1 else f"{weight},calibration=mse",
        "input": inputs,
        "first_input": "uniform:8",
        "last_weight": "symmetric:8",
        "last_input": inputs,
    }
    return Arm(f"W{bits} A{bits} after", {}, recipe={"post_training": options})


STUDY = Study(
    name="post_training",
    title="MNIST, 784-1000-10, quantized after training",
    about="""
    The float net of [784-1000-10](../mlp/README.md), trained as there, and quantized by
    `qnn.quantize` to the same widths: the scales are those of the least squared error, of weights
    on the weights and of inputs on 1,000 training images. Nothing is trained after that. What the
    nets there have more, at the same bits, is what training with quantizers is worth.
    """,
    notes="""
    Nothing was chosen by any images: specs and recipe are those of the other study. Scales per
    output channel (axis=0) were not tried.
    """,
    net=net,
    arms=(FLOAT, *(_quantized(bits) for bits in BITS)),
    recipe=RECIPE,
)
