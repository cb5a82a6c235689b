"""Data as users hold them, whatever the kind, as batches of arrays."""

from .arrays import as_array, is_array
from .batch import Batch, arrays_of, joined, leaves, mapped, run
from .checks import checked_batches, checked_inputs
from .items import by_indices
from .sources import (
    BATCH_SIZE,
    EVALUATION_BATCH,
    EXAMPLES,
    Batches,
    Given,
    Rows,
    Shuffled,
    Stream,
    batches_of,
    example_of,
    rows_of,
    training_batches,
)

__all__ = [
    "BATCH_SIZE",
    "EVALUATION_BATCH",
    "EXAMPLES",
    "Batch",
    "Batches",
    "Given",
    "Rows",
    "Shuffled",
    "Stream",
    "arrays_of",
    "as_array",
    "batches_of",
    "by_indices",
    "checked_batches",
    "checked_inputs",
    "example_of",
    "is_array",
    "joined",
    "leaves",
    "mapped",
    "rows_of",
    "run",
    "training_batches",
]
