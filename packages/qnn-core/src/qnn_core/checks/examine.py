"""The kit: every law on a quantizer or a layer, and a report."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..errors import SpecError, nearest
from ..quantizer import Quantizer
from . import layer, quantizer
from .law import Law, Violation
from .named import find
from .report import Finding, Report, Verdict, judge, not_applicable
from .target import Subject

MADE = "it can be made"
MEANING = (
    "It can be imported, takes bits, and at each width gives something or a SpecError that says "
    "why not."
)

LAWS: dict[str, dict[str, Law]] = {"quantizer": quantizer.LAWS, "layer": layer.LAWS}
# The others need the first law of their kind.
INDEPENDENT = {"quantizer": quantizer.WITHOUT_CODEBOOK, "layer": []}


def examine(subject: Any, *, laws: Iterable[str] | None = None) -> Report:
    """Look at a quantizer or a layer under every law and report.

    Args:
        subject: a registered name or spec string, ``"package.module:Class"``, a quantizer, a
            subclass of `Quantizer`, or a class or function that makes a layer. What has widths is
            looked at in each of 1 to 8, unless one is named: ``"symmetric:4"``.
        laws: names of those to look at, besides the first, which is the basis; all if None.

    Raises:
        SpecError: if there is no such thing, or no such law.

    Example:
        >>> report = examine("binary", laws=["encode is total", "encode is monotone"])
        >>> report.ok, report.subjects
        (True, ['Binary(bits=1)'])
    """
    began = time.perf_counter()
    found = find(subject)
    report = Report(found.name, found.kind, found.origin, refused=found.refused)
    report.subjects = list(found.made)
    report.verdicts = [_made(found), *_verdicts(found, _chosen(found.kind, laws))]
    report.seconds = time.perf_counter() - began
    return report


def check_quantizer(
    quantizer: str | Quantizer | type[Quantizer], *, laws: Iterable[str] | None = None
) -> None:
    """Check a quantizer against the laws that layers, files and kernels rely on.

    Args:
        quantizer: spec string, object or class. A class, or a name without ``bits``, is checked at
            every width at which it has a meaning.
        laws: see `examine`.

    Raises:
        LawError: that names each broken law, the input it was broken on, what was expected and what
            was found.
        SpecError: if a spec string does not lead to a quantizer.

    Example:
        >>> check_quantizer("symmetric:bits=3,ste=triangle")
    """
    examine(quantizer, laws=laws).check()


def check_layer(make: Callable[..., Any] | str, *, laws: Iterable[str] | None = None) -> None:
    """Check a layer that quantizes in a way of its own, with operations that you declared.

    The layer is a sum of products: it maps ``[batch, in_features]`` to ``[batch, out_features]``.

    Args:
        make: the layer's class, or a function, called as ``make(in_features, out_features)``, with
            ``bits=`` and ``seed=`` if it takes them; or ``"package.module:Class"``.
        laws: see `examine`.

    Raises:
        LawError: that names each broken law, where, what was expected and what was found.
        SpecError: if there is no such layer.

    Example:
        >>> import qnn_core as qnn
        >>> def make(n, m, bits):
        ...     return qnn.QuantLinear(n, m, weight=f"symmetric:bits={bits}", seed=0)
        >>> check_layer(make, laws=["levels fit the bits", "evaluation is frozen"])
    """
    examine(make, laws=laws).check()


def _chosen(kind: str, names: Iterable[str] | None) -> dict[str, Law]:
    known = LAWS[kind]
    chosen = list(known if names is None else names)
    for name in chosen:
        if name not in known:
            listed = ", ".join(known)
            raise SpecError(f"no law {name!r} of a {kind}{nearest(name, known)} (laws: {listed})")
    first = next(iter(known))
    return {name: known[name] for name in known if name == first or name in chosen}


def _made(found: Subject) -> Verdict:
    violations = list(found.violations)
    if not found.made and not violations:
        refusals = "; ".join(found.refused.values())
        violations.append(Violation("bits 1 to 8", "a meaning at one of them", refusals))
    return Verdict(MADE, MEANING, (Finding(found.name, tuple(violations)),))


def _verdicts(found: Subject, laws: dict[str, Law]) -> Iterator[Verdict]:
    """Yield the verdict of each law; where the first is broken, most have no meaning."""
    first = next(iter(laws))
    sound = found.made
    for name, law in laws.items():
        tried = found.made if name in INDEPENDENT[found.kind] else sound
        if tried:
            verdict = judge(name, law, tried)
        else:
            reason = f"{(first if found.made else MADE)!r} does not hold"
            verdict = not_applicable(name, law, list(found.made) or [found.name], reason)
        if name == first:
            kept = {f.subject for f in verdict.findings if f.verdict == "pass"}
            sound = {subject: made for subject, made in sound.items() if subject in kept}
        yield verdict
