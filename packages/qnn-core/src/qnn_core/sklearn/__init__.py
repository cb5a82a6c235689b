"""Estimators of scikit-learn around low-bit nets; it needs the extra ``qnn-core[sklearn]``."""

try:
    from sklearn.utils.validation import validate_data as _  # noqa: F401 # of scikit-learn 1.6
except ImportError as error:
    raise ImportError(
        'qnn_core.sklearn needs scikit-learn 1.6 or later: pip install "qnn-core[sklearn]"',
        name="sklearn",
    ) from error

from .any_net import QuantClassifier, QuantRegressor
from .mlp import QuantMLPClassifier, QuantMLPRegressor

__all__ = ["QuantClassifier", "QuantMLPClassifier", "QuantMLPRegressor", "QuantRegressor"]
