"""Powers of two for the weights and the inputs of the original work's net."""

from _study.plan import Study
from mlp import DATA, RECIPE, net
from qnn_compare import Config, Target

SIGNED = "logarithmic:4"
POSITIVE = "logarithmic:bits=4,signed=False"

STUDY = Study(
    name="logarithmic",
    title="MNIST, 784-1000-10, logarithmic weights and inputs of 4 bits",
    about="""
    Both layers' weights and the pixels are zero or one of seven powers of two, times a scale and
    with a sign; the input of the output layer, which is the output of ReLU, is zero or one of
    fifteen. The rounding is done in the exponent (Miyashita et al. 2016, arXiv:1603.01025). All
    scales are learned, one for a tensor. Biases and batch normalization are float in training. The
    float net, and how both are trained, are those of `nox -s study -- mlp`.

    The mark: at most 0.3 points below the float net.
    """,
    notes="""
    Bytes are those of files of version 1; files of version 2 are smaller
    (docs/adr/0026-packed-files-are-two-tensors.md).
    """,
    build=net,
    configs=(
        Config("float"),
        Config(
            "logarithmic W4 A4",
            weight=SIGNED,
            first_input=SIGNED,
            last_weight=SIGNED,
            last_input=POSITIVE,
            target=Target(within=0.003),
        ),
    ),
    data=DATA,
    recipe=RECIPE,
)
