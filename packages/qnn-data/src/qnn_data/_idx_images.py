"""Data sets of images that are published as four IDX files."""

import os
from collections.abc import Sequence
from typing import ClassVar

from ._images import TransformChoice, choose_transform
from ._sources.archive import Archive
from ._sources.obtain import obtain
from .dataset import ArrayDataset


class IdxImages(ArrayDataset):
    """What MNIST and the sets in its format have in common; see `MNIST` for the arguments."""

    archive: ClassVar[Archive]
    mean: ClassVar[float]
    std: ClassVar[float]
    names: ClassVar[tuple[str, ...] | None] = None

    def __init__(
        self,
        train: bool = True,
        *,
        transform: TransformChoice = "default",
        folder: str | os.PathLike[str] | None = None,
        cache: str | os.PathLike[str] | None = None,
        mirrors: Sequence[str] | None = None,
    ) -> None:
        chosen = choose_transform(transform, self.mean, self.std)
        pair = self.archive.train if train else self.archive.test
        images, labels = obtain(self.archive, pair, folder=folder, cache=cache, mirrors=mirrors)
        super().__init__(images, labels, chosen, classes=self.names)
