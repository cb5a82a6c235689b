"""Sums of products by letters, as products of matrices."""

import math
from collections.abc import Iterable, Sequence

from ..autodiff import Tensor
from ..errors import ShapeError
from .linear import matmul
from .reduction import sum as sum_
from .shape import reshape, transpose
from .views import diagonal


def einsum(subscripts: str, operands: Sequence[Tensor]) -> Tensor:
    """Return Einstein's sum, as `numpy.einsum` with a string without an ellipsis.

    Two operands at a time are multiplied, from the left, as stacks of matrices.

    Raises:
        ShapeError: if the letters do not fit the shapes.
    """
    left, arrow, result = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if not arrow:
        result = "".join(sorted(c for c in set(left) - {","} if left.count(c) == 1))
    lengths: dict[str, int] = {}
    for term, x in zip(terms, operands, strict=False):
        lengths.update(zip(term, x.shape, strict=False))
    fits = len(terms) == len(operands) and all(
        tuple(lengths[c] for c in term) == x.shape for term, x in zip(terms, operands, strict=False)
    )
    if not fits or len(set(result)) != len(result) or not set(result) <= set(lengths):
        shapes = ", ".join(str(x.shape) for x in operands)
        raise ShapeError(f"einsum: {subscripts!r} does not fit operands of shapes {shapes}")
    pairs = [_without_repeats(x, term) for x, term in zip(operands, terms, strict=True)]
    x, letters = pairs[0]
    for n, (other, more) in enumerate(pairs[1:], start=2):
        needed = set(result).union(*(own for _, own in pairs[n:]))
        x, letters = _product(x, letters, other, more, needed)
    x, letters = _only(x, letters, result)
    return transpose(x, [letters.index(c) for c in result])


def _without_repeats(x: Tensor, letters: str) -> tuple[Tensor, str]:
    """Take the diagonal of axes that have one letter."""
    for c in dict.fromkeys(letters):
        while letters.count(c) > 1:
            first = letters.index(c)
            second = letters.index(c, first + 1)
            x = diagonal(x, 0, first, second)
            letters = "".join(d for n, d in enumerate(letters) if n not in (first, second)) + c
    return x, letters


def _only(x: Tensor, letters: str, needed: Iterable[str]) -> tuple[Tensor, str]:
    """Add up over letters that nobody needs."""
    wanted = set(needed)
    axes = tuple(n for n, c in enumerate(letters) if c not in wanted)
    left = "".join(c for c in letters if c in wanted)
    return (sum_(x, axis=axes) if axes else x), left


def _product(a: Tensor, ours: str, b: Tensor, theirs: str, needed: set[str]) -> tuple[Tensor, str]:
    a, ours = _only(a, ours, needed | set(theirs))
    b, theirs = _only(b, theirs, needed | set(ours))
    lengths = dict(zip(ours + theirs, a.shape + b.shape, strict=True))
    common = [c for c in ours if c in theirs]
    stacked = [c for c in common if c in needed]
    inner = [c for c in common if c not in needed]
    left, right = [c for c in ours if c not in theirs], [c for c in theirs if c not in ours]

    def matrices(x: Tensor, letters: str, rows: list[str], columns: list[str]) -> Tensor:
        x = transpose(x, [letters.index(c) for c in (*stacked, *rows, *columns)])
        sizes = [math.prod(lengths[c] for c in part) for part in (rows, columns)]
        return reshape(x, (*(lengths[c] for c in stacked), *sizes))

    y = matmul(matrices(a, ours, left, inner), matrices(b, theirs, inner, right))
    letters = [*stacked, *left, *right]
    return reshape(y, [lengths[c] for c in letters]), "".join(letters)
