"""Any net as an estimator."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..autodiff import trace
from ..nn import Module
from .classifier import Classifier
from .estimator import QuantEstimator
from .quantizers import at_width
from .regressor import Regressor


@dataclass(eq=False, repr=False, kw_only=True)
class _AnyNet(QuantEstimator):
    """The parameters of the net."""

    builder: Any = field(kw_only=False)
    weight: Any = None
    input: Any = None
    bits: int | None = None
    options: Any = None
    shape: Any = None

    def _net(self, inputs: Any, outputs: int, seed: int) -> Module:
        where = type(self).__name__
        if not callable(self.builder):
            raise TypeError(
                f"{where}: builder must be a function builder(inputs, outputs, ...) that returns a "
                f"net, got {self.builder!r}"
            )
        weight, input = at_width(where, self.weight, self.input, self.bits)
        quantizers = {"weight": weight, "input": input}
        options = {name: spec for name, spec in quantizers.items() if spec is not None}
        options |= self._own_options()
        if _takes(self.builder, "seed"):
            options.setdefault("seed", seed)
        net = self.builder(inputs, outputs, **options)
        if not isinstance(net, Module):
            raise TypeError(f"{where}: builder must return a qnn_core.Module, got {net!r:.80}")
        lengths = inputs if isinstance(inputs, tuple) else (inputs,)
        made = [y.shape for y in trace(net, np.zeros((1, *lengths), np.float32)).outputs]
        if made != [(1, outputs)]:
            # Of more outputs than classes, one without a label could be the greatest.
            raise ValueError(
                f"{where}: builder must return a net that makes [n, {outputs}] of "
                f"[n, {', '.join(map(str, lengths))}]; of one sample its makes "
                f"{' and '.join(map(str, made))}"
            )
        return net

    def _own_options(self) -> dict[str, Any]:
        if self.options is None:
            return {}
        if not isinstance(self.options, Mapping):
            raise TypeError(
                f"{type(self).__name__}: options must be a dictionary, got {self.options!r:.80}"
            )
        return dict(self.options)


def _takes(builder: Any, name: str) -> bool:
    try:
        parameters = inspect.signature(builder).parameters.values()
    except ValueError:  # of what is built in, some have no signature
        return False
    return any(p.name == name or p.kind == p.VAR_KEYWORD for p in parameters)


@dataclass(eq=False, repr=False, kw_only=True)
class QuantClassifier(Classifier, _AnyNet):
    """Any net with a score for each class, as a classifier of scikit-learn.

    Parameters of training and attributes are those of `QuantMLPClassifier`.

    Args:
        builder: ``builder(inputs, outputs, ...)``, which returns a new `qnn_core.Module`: `inputs`
            is the number of features, or `shape`, `outputs` the number of classes. It is given
            ``seed``, if it takes that, `weight` and `input`, if they are not None, and `options`.
            To be pickled, it must be a function of a module.
        weight: quantizer of weights, as the builder takes it.
        input: quantizer of inputs, as the builder takes it.
        bits: width of both, 1 to 8, in place of that in their specs; 32 for None; None for the
            specs as they are.
        options: a dictionary of other arguments of the builder.
        shape: of a sample, such as ``(height, width, channels)``, into which the features are
            brought; None to leave them flat.

    Example:
        >>> import qnn_core as qnn
        >>> from sklearn.datasets import load_digits
        >>> X, y = load_digits(return_X_y=True)
        >>> def net(shape, classes, **options):
        ...     return qnn.VGGSmall(shape, classes=classes, **options)
        >>> small = QuantClassifier(
        ...     net, shape=(8, 8, 1), weight="binary", options={"width": 4}, max_iter=3
        ... )
        >>> small.fit(X[:500], y[:500]).predict(X[500:]).shape
        (1297,)
    """


@dataclass(eq=False, repr=False, kw_only=True)
class QuantRegressor(Regressor, _AnyNet):
    """Any net with an output for each number, as a regressor of scikit-learn.

    Parameters of the net are those of `QuantClassifier`, with the number of columns of `y` as
    `outputs`; those of training are those of `QuantMLPRegressor`.

    Example:
        >>> import qnn_core as qnn
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> def net(inputs, outputs, **options):
        ...     return qnn.MLP([inputs, 20, outputs], **options)
        >>> found = QuantRegressor(net, weight="symmetric", bits=4, max_iter=20, random_state=0)
        >>> found.fit(X, y).score(X, y) > 0.4
        True
    """
