"""What a broken law looks like."""


class LawError(AssertionError):
    """One law or several that something does not keep.

    Attributes:
        violations: a sentence for each, with the law, the input and what was expected.
    """

    def __init__(self, subject: str, violations: list[str]) -> None:
        self.violations = violations
        listed = "\n  ".join(violations)
        count = "a law" if len(violations) == 1 else f"{len(violations)} laws"
        super().__init__(f"{subject} breaks {count}:\n  {listed}")
