"""Spec strings of every registered scheme, at every width, in every variant of its codebook."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from itertools import product
from typing import Any, Literal, get_args, get_origin, get_type_hints

from qnn_core.errors import SpecError
from qnn_core.quantizer import Quantizer
from qnn_core.registry import get_quantizer, registered


def variants(scheme: type[Quantizer]) -> Iterator[str]:
    """Yield options in every combination: those of a scheme's own that are bool or a Literal."""
    own = {f.name for f in fields(scheme)} - {f.name for f in fields(Quantizer)}
    hints = get_type_hints(scheme)
    values = {name: list(_values(hints[name])) for name in sorted(own)}
    named = {name: choice for name, choice in values.items() if choice}
    for combination in product(*named.values()):
        yield ",".join(f"{n}={v}" for n, v in zip(named, combination, strict=True))


def _values(hint: Any) -> Iterable[Any]:
    if hint is bool:
        return (True, False)
    return get_args(hint) if get_origin(hint) is Literal else ()


def specs_of(name: str, scheme: type[Quantizer], widths: Iterable[int] = range(1, 9)) -> list[str]:
    """Spec strings of a scheme at those widths at which it has a meaning, in every variant."""
    found = []
    for bits, variant in product(widths, variants(scheme)):
        spec = ",".join(filter(None, [f"{name}:bits={bits}", variant]))
        try:
            get_quantizer(spec)
        except SpecError:
            continue
        found.append(spec)
    return found


SPECS = [spec for entry in registered() for spec in specs_of(entry.name, entry.load())]

# Looking a name up takes as long as most of the laws.
QUANTIZERS = {spec: get_quantizer(spec) for spec in SPECS}
