"""Who can be timed, at what, and where its code is; nothing here imports any of them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from _training_nets import Net, Variant


def _all(net: Net, variant: Variant) -> bool:
    return True


def _quantized(net: Net, variant: Variant) -> bool:
    return variant.bits < 32


def _float(net: Net, variant: Variant) -> bool:
    return variant.bits == 32


def _dense_float(net: Net, variant: Variant) -> bool:
    return variant.bits == 32 and not net.channels


def _one_bit(net: Net, variant: Variant) -> bool:
    return variant.bits == 1


def _not_fixed(net: Net, variant: Variant) -> bool:
    return variant.bits < 32 and variant.first == "learned"


@dataclass(frozen=True)
class Way:
    """A way to train: `module` has its ``build``, `versions` are the distributions it stands on."""

    module: str
    supports: Callable[[Net, Variant], bool]
    versions: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


OURS = "qnn"

WAYS = {
    "qnn": Way("_training_qnn", _all, ("qnn-core", "numpy")),
    # Each step anew, without a program.
    "qnn-tape": Way("_training_qnn", _all, ("qnn-core", "numpy")),
    # Nothing to learn, like the sign of the others.
    "qnn-sign": Way("_training_qnn", _one_bit, ("qnn-core", "numpy")),
    "numpy": Way("_training_numpy", _dense_float, ("numpy",)),
    "torch": Way("_training_torch", _all, ("torch",)),
    # Compilation in the process itself: else its helpers stay and count as nobody's.
    "torch-compiled": Way(
        "_training_torch", _all, ("torch",), {"TORCHINDUCTOR_COMPILE_THREADS": "1"}
    ),
    "brevitas": Way("_training_brevitas", _quantized, ("brevitas", "torch")),
    "jax": Way("_training_jax", _all, ("jax",)),
    "keras": Way("_training_keras", _float, ("tensorflow", "keras")),
    "larq": Way("_training_larq", _not_fixed, ("larq", "tensorflow"), {"TF_USE_LEGACY_KERAS": "1"}),
}
