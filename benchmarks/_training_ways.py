"""Who can be timed, at what, and where its code is; nothing here imports any of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from _training_nets import Net, Variant


def _all(net: Net, variant: Variant) -> bool:
    return True


def _even(net: Net, variant: Variant) -> bool:
    return variant.bits < 32 and not variant.powers


def _float(net: Net, variant: Variant) -> bool:
    return variant.bits == 32


def _two_dense_float(net: Net, variant: Variant) -> bool:
    return variant.bits == 32 and net.name in ("mlp", "small")


def _one_bit(net: Net, variant: Variant) -> bool:
    return variant.bits == 1


def _all_alike(net: Net, variant: Variant) -> bool:
    return _even(net, variant) and variant.first == "learned"


def _some_bits(net: Net, variant: Variant) -> bool:
    return _all_alike(net, variant) and variant.bits > 1


def _some_bits_dense(net: Net, variant: Variant) -> bool:
    return _some_bits(net, variant) and len(net.inputs) == 1


@dataclass(frozen=True)
class Way:
    """A way to train: `module` has its ``build``, `versions` are the distributions it stands on."""

    module: str
    supports: Callable[[Net, Variant], bool]
    versions: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


OURS = "qnn"

# They want the Keras before 3.
LEGACY = {"TF_USE_LEGACY_KERAS": "1"}
# Compilation in the process itself: else its helpers stay and count as nobody's.
ALONE = {"TORCHINDUCTOR_COMPILE_THREADS": "1"}

WAYS = {
    "qnn": Way("_training_qnn", _all, ("qnn-core", "numpy")),
    # Each step anew, without a program.
    "qnn-tape": Way("_training_qnn", _all, ("qnn-core", "numpy")),
    # Nothing to learn, like the sign of the others.
    "qnn-sign": Way("_training_qnn", _one_bit, ("qnn-core", "numpy")),
    "numpy": Way("_training_numpy", _two_dense_float, ("numpy",)),
    "torch": Way("_training_torch", _all, ("torch",)),
    "torch-compiled": Way("_training_torch", _all, ("torch",), ALONE),
    "brevitas": Way("_training_brevitas", _even, ("brevitas", "torch")),
    "torchao": Way("_training_torchao", _some_bits_dense, ("torchao", "torch")),
    "jax": Way("_training_jax", _all, ("jax",)),
    "aqt": Way("_training_aqt", _some_bits_dense, ("aqtp", "jax")),
    "keras": Way("_training_keras", _float, ("tensorflow", "keras")),
    "hgq": Way("_training_hgq", _some_bits, ("hgq2", "keras")),
    "larq": Way("_training_larq", _all_alike, ("larq", "tensorflow"), LEGACY),
    "qkeras": Way("_training_qkeras", _all_alike, ("qkeras", "tensorflow"), LEGACY),
}
