"""Multilayer perceptrons as estimators."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import whole
from ..nn import MLP, Module
from ..nn.models.specs import SAME
from .classifier import Classifier
from .estimator import QuantEstimator
from .quantizers import of_layers
from .regressor import Regressor


@dataclass(eq=False, repr=False, kw_only=True)
class _Perceptron(QuantEstimator):
    """The parameters of the net."""

    hidden_layer_sizes: Any = (100,)
    weight: Any = None
    input: Any = None
    bits: int | None = None
    first_weight: Any = SAME
    first_input: Any = SAME
    last_weight: Any = None
    last_input: Any = None
    activation: str = "relu"
    batch_norm: bool = True
    dropout: float = 0.0

    def _net(self, inputs: Any, outputs: int, seed: int) -> Module:
        where, given = type(self).__name__, self.hidden_layer_sizes
        hidden = given if isinstance(given, list | tuple | np.ndarray) else [given]
        sizes = [whole(where, "a size in hidden_layer_sizes", n, least=1) for n in hidden]
        return MLP(
            [inputs, *sizes, outputs],
            **of_layers(where, self),
            activation=self.activation,
            batch_norm=self.batch_norm,
            dropout=self.dropout,
            seed=seed,
        )


@dataclass(eq=False, repr=False, kw_only=True)
class QuantMLPClassifier(Classifier, _Perceptron):
    """A multilayer perceptron with quantized weights and inputs that classifies.

    It is a classifier of scikit-learn like any other: in pipelines, searches and cross-validation.
    Names are those of `sklearn.neural_network.MLPClassifier` where the meaning is the same. With
    ``weight=None`` and ``input=None`` it is float. Quantizers are specs, such as ``"binary"`` or
    ``"symmetric:4"``, or objects; see `qnn_core.MLP`.

    Args:
        hidden_layer_sizes: number of units in each hidden layer; a number is one layer.
        weight: quantizer of the weights, None for float.
        input: quantizer of the layers' inputs, None for float.
        bits: width of both, 1 to 8, in place of that in their specs; 32 for float; None for the
            specs as they are.
        first_weight, first_input: those of the first layer; ``"same"`` is `weight` and `input`.
        last_weight, last_input: those of the last layer; None for float, ``"same"`` for `weight`
            and `input`.
        activation: ``"relu"``, ``"hardtanh"``, ``"tanh"`` or ``"sigmoid"``.
        batch_norm: whether to normalize before each activation.
        dropout: rate after each activation.
        standardize: whether the net begins with bringing each feature to mean 0 and variance 1, by
            numbers of the training data. It is part of what is packed and exported. Without it
            features should be brought to about -1 to 1 before.
        class_weight: what classes count: a dictionary by label, ``"balanced"`` for all the same, or
            None.
        max_iter: number of epochs: passes over the data; where all distinct samples fit into one
            batch, 8 steps on all of them.
        batch_size: samples in a step; ``"auto"`` is 16 to 256, by the number of samples. It is one
            more where a batch of a single sample would be left.
        optimizer: ``"adam"``, ``"adamw"``, ``"sgd"`` (with momentum 0.9), or a function of the
            named parameters, ``lr`` and ``schedule`` (and ``weight_decay`` if it is not 0), such as
            ``functools.partial(qnn_core.optim.SGD, momentum=0.5)``.
        learning_rate_init: learning rate at the start.
        learning_rate: its course: ``"cosine"`` down to 0 over all epochs, ``"constant"``, or a
            function that gives the factor at a step.
        weight_decay: L2 penalty, that of the optimizer.
        early_stopping: whether to hold out samples, to end when they are not classified better for
            some epochs, and to keep the best epoch's weights.
        validation_fraction: share of samples that is held out for it.
        n_iter_no_change: number of these epochs.
        warm_start: whether `fit` goes on from the weights of the last one.
        random_state: of weights, order and held-out samples: the same number gives the same bits.
        verbose: whether to show a bar.

    Attributes:
        classes_: the labels, sorted.
        model_: the net, a `qnn_core.Module`.
        history_: measurements of each epoch, see `qnn_core.History`.
        loss_curve_: loss of each epoch.
        validation_scores_: accuracy on the samples held out after each epoch.
        n_iter_: number of epochs.
        n_features_in_: number of features.
        feature_names_in_: their names, if `X` was a frame.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> X, y = load_iris(return_X_y=True)
        >>> net = QuantMLPClassifier(weight="symmetric:4", input="uniform:4", random_state=0)
        >>> net.fit(X, y).score(X, y) > 0.9
        True
        >>> bool((net.pack().predict(X) == net.predict(X)).all())
        True
    """


@dataclass(eq=False, repr=False, kw_only=True)
class QuantMLPRegressor(Regressor, _Perceptron):
    """A multilayer perceptron with quantized weights and inputs that predicts numbers.

    One or several: `y` may have columns. Parameters and attributes are those of
    `QuantMLPClassifier`, without ``class_weight`` and ``classes_``. Targets are standardized
    inside; the last layer of the net brings answers back into their units.

    Args:
        loss: ``"squared_error"``, ``"absolute_error"`` or ``"huber"``, of the standardized targets.
            Early stopping goes by the mean squared error of the first, by the absolute of others.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> X, y = load_diabetes(return_X_y=True)
        >>> net = QuantMLPRegressor(weight="symmetric:4", max_iter=20, random_state=0)
        >>> net.fit(X, y).score(X, y) > 0.4
        True
    """
