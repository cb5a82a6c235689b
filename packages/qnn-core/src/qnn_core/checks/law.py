"""What a law is, and what it looks like broken."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Violation:
    """One broken law.

    Attributes:
        given: what it was broken on.
        expected: what the law wants.
        found: what there was instead.

    Example:
        >>> print(Violation("u = 0.5", "code 1", "code 2"))
        u = 0.5: expected code 1, found code 2
    """

    given: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.given}: expected {self.expected}, found {self.found}"


# Yields the violations of one subject. The first line of its docstring says what it wants.
Law = Callable[[Any], Iterator[Violation]]


class NotApplicable(Exception):
    """A law says by it that it has no meaning for its subject, and why."""


class LawError(AssertionError):
    """One law or several that something does not keep.

    Attributes:
        violations: a sentence for each, with the law, the input and what was expected.

    Example:
        >>> raise LawError("Mine(bits=2)", ["monotone: u = 0.5: expected code 1, found code 2"])
        Traceback (most recent call last):
            ...
        qnn_core.checks.law.LawError: Mine(bits=2) breaks a law:
          monotone: u = 0.5: expected code 1, found code 2
    """

    def __init__(self, subject: str, violations: list[str]) -> None:
        self.violations = violations
        listed = "\n  ".join(violations)
        count = "a law" if len(violations) == 1 else f"{len(violations)} laws"
        super().__init__(f"{subject} breaks {count}:\n  {listed}")
