"""A batch: inputs, targets and weights of some samples."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..autodiff import Tensor
from ..errors import NonFiniteError, ShapeError
from .arrays import as_array, is_array

Array = NDArray[Any]


class Batch(NamedTuple):
    """Some samples.

    Attributes:
        inputs: an array ``[n, ...]``, or a tuple of them for a model of several arguments.
        targets: an array ``[n, ...]``, or a tuple or dictionary of them; None if there are none.
        weights: float64 ``[n]``: how much each sample counts; None if all count the same.
    """

    inputs: Any
    targets: Any
    weights: Array | None

    @classmethod
    def of(cls, given: Any, where: str) -> "Batch":
        """Return what was given as a batch: inputs, ``(x, y)`` or ``(x, y, weights)``.

        Raises:
            ShapeError: if it is none of these, empty, or parts differ in their number of samples.
            DtypeError: if a part does not hold numbers.
            NonFiniteError, ValueError: if a weight is not finite, or below 0.

        Example:
            >>> batch = Batch.of((np.zeros((2, 3)), [0, 1]), "batch 0")
            >>> batch.samples, batch.targets
            (2, array([0, 1]))
        """
        if _usual(given):
            return cls(given[0], given[1], None)
        if is_array(given):
            parts: Sequence[Any] = (given,)
        elif isinstance(given, tuple | list) and 1 <= len(given) <= 3:
            parts = given
        else:
            many = f" of {len(given)}" if isinstance(given, tuple | list) else ""
            raise ShapeError(
                f"{where} must be an array of inputs, inputs and targets, or inputs, targets and "
                f"weights; got a {type(given).__name__}{many}"
            )
        x, y, w = (*parts, None, None)[:3]
        targets = _structure(y, f"{where}: targets", None) if is_array(y) else None
        inputs = _structure(x, f"{where}: inputs", _count(targets))
        if not all(isinstance(a, np.ndarray) for a in _tuple(inputs)):
            raise ShapeError(
                f"{where}: inputs must be an array or a tuple of arrays, got {x!r:.80}"
            )
        if targets is None:
            targets = _structure(y, f"{where}: targets", _count(inputs))
        batch = cls(inputs, targets, _weights(w, where))
        batch._check(where)
        return batch

    @property
    def samples(self) -> int:
        """Number of samples."""
        return len(_tuple(self.inputs)[0])

    def take(self, rows: Any) -> "Batch":
        """Return the samples that a slice or an array of indices selects."""
        return Batch(*(mapped(part, lambda array: array[rows]) for part in self))

    def astype(self, dtype: np.dtype[Any]) -> "Batch":
        """Return the batch with inputs of a dtype."""
        return self._replace(inputs=mapped(self.inputs, lambda x: np.asarray(x, dtype)))

    def _check(self, where: str) -> None:
        shapes = [array.shape for part in self for array in leaves(part)]
        if any(not s or s[0] == 0 for s in shapes) or len({s[:1] for s in shapes}) > 1:
            parts = zip(("inputs", "targets", "weights"), self, strict=True)
            told = [
                f"{name} of shape {', '.join(str(a.shape) for a in leaves(part))}"
                for name, part in parts
                if part is not None
            ]
            raise ShapeError(
                f"{where} has {' and '.join(told)}: as many of "
                f"{'both' if self.weights is None else 'each'} are needed, and at least one"
                + (
                    ""
                    if all(shapes)
                    else "; is it a single sample? A batch has an axis for samples"
                )
            )


def _usual(given: Any) -> bool:
    """Return whether this is a sound pair of arrays, which needs no further look at every step."""
    if not isinstance(given, tuple | list) or len(given) != 2:
        return False
    x, y = given
    return (
        type(x) is np.ndarray
        and type(y) is np.ndarray
        and x.dtype.kind in "buif"
        and y.dtype.kind in "buif"
        and x.ndim > 0
        and y.ndim > 0
        and len(x) == len(y) > 0
    )


def _tuple(inputs: Any) -> tuple[Any, ...]:
    return inputs if isinstance(inputs, tuple) else (inputs,)


def _count(part: Any) -> int | None:
    """Return the number of samples that a part has, None if it says nothing."""
    first = next(iter(leaves(part)), None)
    return len(first) if first is not None and first.ndim else None


def _weights(given: Any, where: str) -> Array | None:
    if given is None:
        return None
    weights = as_array(given, f"{where}: weights").astype(np.float64)
    if weights.ndim != 1:
        raise ShapeError(
            f"{where}: weights have one axis, a number for each sample, not shape {weights.shape}"
        )
    if not np.all(np.isfinite(weights)):
        raise NonFiniteError(f"{where}: weights must be finite")
    if np.any(weights < 0):
        raise ValueError(f"{where}: weights must be 0 or more, the least is {weights.min()}")
    return weights


def _structure(given: Any, what: str, count: int | None) -> Any:
    """Return arrays in the tuples and dictionaries in which they were given."""
    if given is None or is_array(given):
        return None if given is None else as_array(given, what)
    if isinstance(given, Mapping) and given:
        return {key: _structure(value, f"{what}[{key!r}]", count) for key, value in given.items()}
    if isinstance(given, tuple | list) and given:
        parts = [_structure(part, what, count) for part in given]
        return _listed(given, parts, what, count)
    raise ShapeError(f"{what}: arrays are needed, got {given!r:.80}")


def _listed(given: Any, parts: list[Any], what: str, count: int | None) -> Any:
    """Return a tuple as several parts; of a list find out whether it is these, or samples.

    PyTorch's loaders make lists of what a data set gives as tuples.
    """
    if isinstance(given, tuple) or not all(isinstance(part, np.ndarray) for part in parts):
        return tuple(parts)
    if all(part.ndim == 0 for part in parts):
        return np.array(parts)
    several = count is None or all(part.ndim and len(part) == count for part in parts)
    samples = len(parts) == count and len({part.shape for part in parts}) == 1
    if several and samples:
        raise ShapeError(
            f"{what}: a list of {len(parts)} arrays for {count} samples may be one for each sample "
            "or several targets; give an array or a tuple"
        )
    return np.stack(parts) if samples else tuple(parts)


def mapped(part: Any, function: Callable[[Any], Any]) -> Any:
    """Return a part with a function applied to each of its arrays."""
    if part is None:
        return None
    if isinstance(part, dict):
        return {key: mapped(value, function) for key, value in part.items()}
    if isinstance(part, tuple):
        return tuple(mapped(value, function) for value in part)
    return function(part)


def leaves(part: Any) -> list[Any]:
    """Return the arrays of a part in order."""
    if part is None:
        return []
    if isinstance(part, dict | tuple):
        values = part.values() if isinstance(part, dict) else part
        return [leaf for value in values for leaf in leaves(value)]
    return [part]


def joined(parts: Sequence[Any]) -> Any:
    """Return parts of the same structure with their samples one after the other.

    Example:
        >>> joined([(np.zeros(2), np.ones(2)), (np.zeros(1), np.ones(1))])
        (array([0., 0., 0.]), array([1., 1., 1.]))
    """
    first = parts[0]
    if isinstance(first, dict):
        return {key: joined([part[key] for part in parts]) for key in first}
    if isinstance(first, tuple):
        return tuple(joined(column) for column in zip(*parts, strict=True))
    return first if len(parts) == 1 else np.concatenate(parts)


def run(model: Callable[..., Any], inputs: Any) -> Any:
    """Return what a model gives for the inputs of a batch, float arrays of its dtype."""
    outputs = model(*map(Tensor.of, inputs if isinstance(inputs, tuple) else (inputs,)))
    if outputs is None:
        raise TypeError(f"{type(model).__name__}: its forward returned None: is a return missing?")
    return outputs


def arrays_of(outputs: Any) -> Any:
    """Return what a model gave with arrays in place of tensors.

    Example:
        >>> arrays_of({"a": Tensor([1.0]), "b": [Tensor([2.0])]})
        {'a': array([1.], dtype=float32), 'b': (array([2.], dtype=float32),)}
    """
    if isinstance(outputs, Tensor):
        return outputs.array
    if isinstance(outputs, dict):
        return {key: arrays_of(value) for key, value in outputs.items()}
    if isinstance(outputs, tuple | list):
        return tuple(arrays_of(value) for value in outputs)
    return np.asarray(outputs)
