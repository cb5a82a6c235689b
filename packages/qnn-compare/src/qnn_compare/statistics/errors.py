"""The error of this package, which knows no other one of the project."""


class StatisticsError(ValueError):
    """Values or options from which nothing can be said.

    Example:
        >>> from qnn_compare.statistics import against
        >>> against({"2 bits": {0: 0.9, 1: 0.91}}, "float")
        Traceback (most recent call last):
            ...
        qnn_compare.statistics.errors.StatisticsError: there is no config 'float' ...
    """
