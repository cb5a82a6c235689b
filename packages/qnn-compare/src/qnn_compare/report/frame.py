"""Records of a comparison as a data frame."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from qnn_core.errors import CompareError, SpecError

from .records import records

if TYPE_CHECKING:
    from ..comparison import Comparison

BACKENDS = ("pandas", "polars")


def to_frame(comparison: "Comparison", backend: str | None, of: str) -> Any:
    """Return the data frame; see `Comparison.to_frame`."""
    if backend not in (None, *BACKENDS):
        raise SpecError(f"to_frame: backend must be 'pandas' or 'polars', got {backend!r}")
    content = records(comparison, of)
    for name in BACKENDS if backend is None else (backend,):
        try:
            library = import_module(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise
            continue
        return library.DataFrame(content)
    wanted = backend or " or ".join(BACKENDS)
    raise CompareError(
        f"to_frame: {wanted} is not installed: pip install {backend or BACKENDS[0]}; "
        "records() needs neither"
    )
