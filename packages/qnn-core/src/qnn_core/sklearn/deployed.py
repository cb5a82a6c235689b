"""What an estimator gives when it is to be deployed: a packed model, a table, files."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted, validate_data

from ..analysis import summary
from ..analysis.model_summary import Summary
from ..data import EXAMPLES
from ..deploy import PackedModel, pack
from .scaling import Moments


class Deployable:
    """Adds `pack`, `summary` and `export` to an estimator that has ``model_`` when it is fitted."""

    model_: Any
    n_features_in_: int
    _moments: Moments

    def pack(self, X: Any = None) -> PackedModel:
        """Return the net as it is deployed: integers that answer as `predict` does, to the bit.

        It takes what `predict` takes, as an array, and standardizes it itself; its classes are
        numbers, of which ``classes_`` has the labels.

        Args:
            X: inputs to verify it on, ``[n, features]``; None for some that are drawn in the range
                of the training data, of which an estimator keeps none.

        Raises:
            NotFittedError: before `fit`.
            PackError, GraphError: see `qnn_core.pack`.
        """
        check_is_fitted(self, "model_")
        if X is None:
            return pack(self.model_, self._example())
        given = validate_data(self, X, dtype=np.float32, reset=False)
        return pack(self.model_, given)

    def summary(self) -> Summary:
        """Return layers, parameters, bits and bytes of the net; ``print`` shows them."""
        check_is_fitted(self, "model_")
        return summary(self.model_, self._example()[:1])

    def export(self, path: str | Path, **options: Any) -> Any:
        """Write the packed net to a file, or a folder with C.

        Args:
            path: ``name.qnn`` for a packed file, which `qnn_core.load` reads; ``name.onnx`` for
                `PackedModel.export_onnx`; ``folder/name.c``, or a folder, for
                `PackedModel.export_c`.
            options: of the two. Unless told otherwise C takes features as ``input="float32"``, and
                ``float="all"`` allows floats wherever something is not quantized, as what
                standardizes is not.

        Returns:
            What these return; None of a packed file.

        Raises:
            ValueError: for another suffix.
        """
        where = Path(path)
        suffix = where.suffix.lower()
        if suffix not in (".qnn", ".onnx", ".c", ""):
            raise ValueError(
                f"{type(self).__name__}.export: the path must end in .qnn, .onnx or .c, or be a "
                f"folder for C, got {str(path)!r}"
            )
        packed = self.pack()
        if suffix == ".qnn":
            if options:
                raise TypeError(
                    f"{type(self).__name__}.export: a packed file has no options, got "
                    f"{', '.join(options)}"
                )
            packed.save(where)
            return None
        if suffix == ".onnx":
            return packed.export_onnx(where, **options)
        options = {"input": "float32", "float": "all", **options}
        if suffix == ".c":
            return packed.export_c(where.parent, **{"name": where.stem, **options})
        return packed.export_c(where, **options)

    def _example(self) -> NDArray[np.float32]:
        """Return inputs in the range of the training data: those themselves are not kept."""
        drawn = np.random.default_rng(0).normal(size=(EXAMPLES, self.n_features_in_))
        example = self._moments.mean + drawn * self._moments.deviation
        return np.asarray(example, np.float32)
