"""The error of this package, which knows no other one of the project."""


class StatisticsError(ValueError):
    """Values or options from which nothing can be said."""
