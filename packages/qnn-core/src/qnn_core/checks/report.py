"""What was found: each law's verdict, as text, as data, or as an error."""

import re
import textwrap
import traceback
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .law import Law, LawError, NotApplicable, Violation

# Where an error is raised, but not caused.
OURS = re.compile(r"\b(qnn_core|numpy)\b")

# Violations of one law that the text shows; the data have all of them.
SHOWN = 3


@dataclass(frozen=True)
class Finding:
    """A law's verdict on one subject.

    Attributes:
        subject: the quantizer or layer, as it was made.
        violations: none if it keeps the law.
        reason: why the law does not apply to it, else "".
    """

    subject: str
    violations: tuple[Violation, ...] = ()
    reason: str = ""

    @property
    def verdict(self) -> str:
        """``"pass"``, ``"fail"`` or ``"not applicable"``."""
        if self.violations:
            return "fail"
        return "not applicable" if self.reason else "pass"


@dataclass(frozen=True)
class Verdict:
    """A law's verdict on all subjects: fail if it is broken on one of them.

    Attributes:
        law: its name.
        meaning: what it wants, in a sentence.
        findings: one for each subject.
    """

    law: str
    meaning: str
    findings: tuple[Finding, ...]

    @property
    def verdict(self) -> str:
        """``"pass"``, ``"fail"`` or ``"not applicable"``."""
        found = {finding.verdict for finding in self.findings}
        return next(v for v in ("fail", "pass", "not applicable") if v in found)

    @property
    def violations(self) -> list[tuple[str, Violation]]:
        """Every violation with its subject."""
        return [(f.subject, violation) for f in self.findings for violation in f.violations]


@dataclass
class Report:
    """The verdicts of every law on a quantizer or layer at each width that was checked.

    ``print`` shows it; `as_dict` gives what JSON can hold.

    Attributes:
        name: what was checked.
        kind: ``"quantizer"`` or ``"layer"``.
        origin: where it comes from.
        verdicts: one for each law.
        subjects: what was made of it and checked, a quantizer or layer for each width.
        refused: the widths that it refuses, with its reason.
        seconds: that it took.

    Example:
        >>> from qnn_core.testing import examine
        >>> report = examine("symmetric:2")
        >>> report.ok, report.broken, report.kind
        (True, [], 'quantizer')
    """

    name: str
    kind: str
    origin: str = ""
    verdicts: list[Verdict] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    refused: dict[int | None, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether no law is broken."""
        return not self.broken

    @cached_property
    def broken(self) -> list[Verdict]:
        """The laws that are broken."""
        return [verdict for verdict in self.verdicts if verdict.verdict == "fail"]

    def check(self) -> None:
        """Raise a LawError if a law is broken."""
        sentences = [
            f"{verdict.law}: {subject}: {violation}"
            for verdict in self.broken
            for subject, violation in verdict.violations
        ]
        if sentences:
            raise LawError(self.name, sentences)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        laws = [
            {
                "law": verdict.law,
                "meaning": verdict.meaning,
                "verdict": verdict.verdict,
                "findings": [{**asdict(f), "verdict": f.verdict} for f in verdict.findings],
            }
            for verdict in self.verdicts
        ]
        return {
            "name": self.name,
            "kind": self.kind,
            "origin": self.origin,
            "ok": self.ok,
            "subjects": self.subjects,
            "refused": {str(bits): reason for bits, reason in self.refused.items()},
            "seconds": round(self.seconds, 3),
            "laws": laws,
        }

    def __str__(self) -> str:
        origin = f" ({self.origin})" if self.origin else ""
        lines = [f"{self.kind} {self.name}{origin}"]
        lines += [f"  checked: {_listed(self.subjects)}"] if self.subjects else []
        lines += [f"  refused: {line}" for line in _by_reason(self.refused)]
        lines += ["", *(line for verdict in self.verdicts for line in _told(verdict)), ""]
        return "\n".join([*lines, self._conclusion()])

    def _conclusion(self) -> str:
        verdicts = [verdict.verdict for verdict in self.verdicts]
        without = verdicts.count("not applicable")
        counts = f"{verdicts.count('pass')} laws kept"
        counts += f", {without} not applicable" if without else ""
        if self.ok:
            return f"{self.name} is sound: {counts} ({self.seconds:.1f} s)"
        broken = ", ".join(verdict.law for verdict in self.broken)
        told = f"{self.name} is NOT sound: {len(self.broken)} broken ({broken}), {counts}"
        return "\n".join(_wrapped(f"{told} ({self.seconds:.1f} s)", 2))


def judge(law: str, rule: Law, subjects: Mapping[str, Any]) -> Verdict:
    """Return a law's verdict on subjects by their names."""
    findings = [_finding(rule, name, subject) for name, subject in subjects.items()]
    return Verdict(law, _meaning(rule), tuple(findings))


def not_applicable(law: str, rule: Law, subjects: Sequence[str], reason: str) -> Verdict:
    """Return that a law was not looked at, and why."""
    return Verdict(law, _meaning(rule), tuple(Finding(name, reason=reason) for name in subjects))


def _meaning(rule: Law) -> str:
    """Return the first paragraph of a law's docstring."""
    return " ".join((rule.__doc__ or "").partition("\n\n")[0].split())


def _finding(rule: Law, name: str, subject: Any) -> Finding:
    violations: list[Violation] = []
    try:
        # What matters is what comes out; that the numbers are extreme is no fault.
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for violation in rule(subject):
                violations.append(violation)
    except NotApplicable as reason:
        return Finding(name, tuple(violations), "" if violations else str(reason))
    except Exception as error:
        violations.append(Violation(_place(error), "no error", f"{type(error).__name__}: {error}"))
    return Finding(name, tuple(violations))


def _place(error: Exception) -> str:
    """Return where an error was raised: in which line of whoever is checked, if it was there."""
    frames = traceback.extract_tb(error.__traceback__)
    strange = [f for f in frames if not OURS.search(f"{f.filename} {f.name}")]
    if not strange:
        return "trying it"
    return f"{Path(strange[-1].filename).name}, line {strange[-1].lineno}, in {strange[-1].name}"


def _told(verdict: Verdict) -> list[str]:
    """Return the lines of a law's verdict."""
    if verdict.verdict == "pass":
        return [f"pass  {verdict.law}"]
    if verdict.verdict == "not applicable":
        reasons = dict.fromkeys(finding.reason for finding in verdict.findings)
        return _wrapped(f"n/a   {verdict.law}: {'; '.join(reasons)}", 6)
    found = verdict.violations
    lines = _wrapped(f"FAIL  {verdict.law}: {verdict.meaning}", 6)
    for subject, violation in found[:SHOWN]:
        lines += _wrapped(f"      {subject}, {violation.given}", 8)
        lines += _wrapped(f"          expected: {violation.expected}", 20)
        lines += _wrapped(f"          found:    {violation.found}", 20)
    if len(found) > SHOWN:
        lines.append(f"      and {len(found) - SHOWN} more, all of them with --json")
    return lines


def _listed(names: list[str]) -> str:
    return ", ".join(names) if len(names) < 3 else f"{names[0]} to {names[-1]}, {len(names)} in all"


def _wrapped(text: str, indent: int) -> list[str]:
    return textwrap.wrap(
        text, 100, subsequent_indent=" " * indent, break_on_hyphens=False, drop_whitespace=True
    )


def _by_reason(refused: Mapping[int | None, str]) -> list[str]:
    """Return the refused widths, those with the same reason together."""
    widths: dict[str, list[str]] = {}
    for bits, reason in refused.items():
        # Numbers in the reason follow the width: without them it is often the same.
        widths.setdefault(re.sub(r"\d+", "#", reason), []).append(str(bits))
    return [f"bits {', '.join(bits)} ({refused[int(bits[0])]})" for bits in widths.values()]
