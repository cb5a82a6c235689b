"""Training data in two parts: what nets are trained on, and what choices are made by."""

from typing import Any

import numpy as np
from qnn_core.errors import CompareError

from .data import Data, Dataset
from .targets import Batch

LEAST_HELD = 10  # samples: a choice by fewer is chance
SEED = 10**6  # none that a number of seeds means


def divided(data: Data, share: float) -> tuple[Dataset, Dataset]:
    """Return training data in two parts: to train on, and to choose by; the same each time.

    Raises:
        CompareError: if they cannot be divided, or too few would be held back.
    """
    if callable(data.train):
        raise CompareError(
            "compare: training data that are a function of the seed cannot be divided; tune= "
            'takes validation data of its own: tune={..., "validation": (samples, labels)}'
        )
    count = len(data.train)
    held = round(share * count)
    if held < LEAST_HELD or held >= count:
        raise CompareError(
            f"compare: validation={share:g} holds back {held} of {count} samples: at least "
            f"{LEAST_HELD} are needed to choose by, and some to train on"
        )
    order = np.random.default_rng(SEED).permutation(count)
    parts = np.sort(order[held:]), np.sort(order[:held])
    train, validation = (Part(data.train, part) for part in parts)
    return train, validation


class Part:
    """Some samples of a dataset."""

    def __init__(self, whole: Dataset, indices: np.ndarray[Any, np.dtype[np.intp]]) -> None:
        self.whole, self.indices = whole, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: Any) -> Batch:
        return self.whole[self.indices[index]]
