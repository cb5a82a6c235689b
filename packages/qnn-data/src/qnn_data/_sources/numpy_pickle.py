"""Reading NumPy arrays out of a pickle that may do nothing else."""

import pickle
from typing import Any, BinaryIO

import numpy as np

# What makes an empty array, by a public road: its module's name changes with NumPy's version.
_RECONSTRUCT = np.empty(0).__reduce__()[0]

_ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str, /) -> Any:
        """Return one of four objects; nothing is ever imported."""
        try:
            return _ADMITTED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"the pickle asks for {module}.{name}; only NumPy arrays are admitted"
            ) from None


def load_arrays(file: BinaryIO) -> Any:
    """Read a pickle of NumPy arrays in tuples, lists and dictionaries.

    Raises:
        pickle.UnpicklingError: it holds anything else, or is no pickle.
    """
    try:
        # latin1: how the bytes of Python 2's strings, thus of its arrays, are kept.
        return _ArraysOnly(file, encoding="latin1").load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise pickle.UnpicklingError(f"damaged: {error!r}") from error
