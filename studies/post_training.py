"""784-1000-10 quantized after it was trained: what training with quantizers is worth."""

from _study.plan import Study
from mlp import DATA, RECIPE, WEIGHTS, net
from qnn_compare import Config

BITS = (8, 4, 3, 2, 1)


# Training images that `qnn.quantize` sees.
CALIBRATION = 1000


def _quantized(bits: int) -> Config:
    weight = WEIGHTS.get(bits, f"symmetric:{bits}") if bits > 1 else "binary:scale=calibrated"
    inputs = f"uniform:{bits},calibration=mse"
    return Config(
        f"W{bits} A{bits} after",
        weight=weight if bits == 1 else f"{weight},calibration=mse",
        input=inputs,
        first_input="uniform:8",
        last_weight="symmetric:8",
        last_input=inputs,
        recipe={"post_training": CALIBRATION},
    )


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
    build=net,
    configs=(Config("float"), *(_quantized(bits) for bits in BITS)),
    data=DATA,
    recipe=RECIPE,
)
