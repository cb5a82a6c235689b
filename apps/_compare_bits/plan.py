"""Which arms a study has, and which combinations of scheme and bits have no meaning."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import qnn_core as qnn
from qnn_core import registry
from qnn_core.errors import PluginError, SpecError

FLOAT = 32
WIDTHS = (*range(1, 9), FLOAT)

# What is compared unless schemes are named; more of ours would only take longer.
FAMILIAR = ("binary", "logarithmic", "symmetric", "uniform")
OURS = "qnn-quantizers"

Status = Literal["trains", "no meaning", "unusable"]


@dataclass(frozen=True)
class Arm:
    """One combination that is compared.

    Attributes:
        scheme: a spec string without bits, such as "symmetric" or "symmetric:grid=even"; "float"
            for the one arm without quantizers, which all schemes share.
        bits: 1 to 8, or 32 for float.
        status: "trains"; "no meaning" if the scheme refuses these bits; "unusable" if its plugin is
            broken.
        reason: why it does not train, in the scheme's own words.
    """

    scheme: str
    bits: int
    status: Status = "trains"
    reason: str = ""

    def __str__(self) -> str:
        if self.bits == FLOAT:
            return "float"
        return f"{self.scheme}, {self.bits} bit{'s'[: self.bits - 1]}"


def usual_schemes() -> list[str]:
    """Return the familiar schemes that are installed, and every scheme of another distribution."""
    entries = registry.registered()
    usual = (s.name for s in entries if s.name in FAMILIAR or s.distribution != OURS)
    return sorted(set(usual))


def plan_arms(schemes: Sequence[str], bits: Sequence[int]) -> list[Arm]:
    """Return every arm: float first, then each scheme at each width."""
    arms = [Arm("float", FLOAT)] if FLOAT in bits else []
    return arms + [judged(s, b) for s in schemes for b in bits if b != FLOAT]


def judged(scheme: str, bits: int) -> Arm:
    """Return the arm, with what becomes of the attempt to build a layer of its kind."""
    try:
        quantizer = qnn.get_quantizer(scheme, bits=bits)
        qnn.QuantLinear(2, 2, weight=quantizer, input=quantizer, seed=0)
    except SpecError as error:
        return Arm(scheme, bits, "no meaning", _own_words(error))
    except PluginError as error:
        return Arm(scheme, bits, "unusable", one_line(str(error)))
    except Exception as error:  # a stranger's code, which may raise anything
        return Arm(scheme, bits, "unusable", one_line(f"{type(error).__name__}: {error}"))
    return Arm(scheme, bits)


def check_scheme(spec: str) -> None:
    """Check a scheme that the user named.

    Raises:
        SpecError: if it is unknown, brings bits of its own, or has no meaning at any width. A
            broken plugin is no error here: it becomes an arm that says so.
    """
    name, options = registry.parse(spec)
    if "bits" in options:
        raise SpecError(f"{spec!r} sets the bits; leave them out: they come from --bits")
    try:
        registry.scheme(name)
    except PluginError:
        return
    arms = [judged(spec, bits) for bits in WIDTHS if bits != FLOAT]
    if all(arm.status == "no meaning" for arm in arms):
        raise SpecError(arms[-1].reason)


def origins(schemes: Sequence[str]) -> dict[str, str]:
    """Return the distribution and version that each scheme comes from."""
    names = {spec: registry.parse(spec)[0] for spec in schemes}
    return {
        spec: " and ".join(
            f"{s.distribution} {s.version}" for s in registry.registered() if s.name == name
        )
        for spec, name in names.items()
    }


def one_line(text: str) -> str:
    """Return `text` with its line breaks and runs of spaces as one space."""
    return " ".join(text.split())


def _own_words(error: SpecError) -> str:
    """Return the scheme's own message, without the spec string that get_quantizer adds."""
    cause = error.__cause__
    return one_line(str(cause if isinstance(cause, SpecError) else error))
