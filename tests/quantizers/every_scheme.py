"""Spec strings of every registered scheme, at every width at which it has a meaning."""

from itertools import product

from qnn_core.errors import SpecError
from qnn_core.registry import get_quantizer, registered

# Options of single schemes that change the codebook.
VARIANTS = {
    "symmetric": ["grid=odd", "grid=even", "grid=twos-complement"],
    "logarithmic": ["signed=True", "signed=False"],
}


def specs_of(name: str) -> list[str]:
    """Spec strings of a scheme at every width at which it has a meaning, in every variant."""
    found = []
    for bits, variant in product(range(1, 9), VARIANTS.get(name, [""])):
        spec = ",".join(filter(None, [f"{name}:bits={bits}", variant]))
        try:
            get_quantizer(spec)
        except SpecError:
            continue
        found.append(spec)
    return found


SPECS = [spec for entry in registered() for spec in specs_of(entry.name)]
