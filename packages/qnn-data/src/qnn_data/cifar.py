"""CIFAR-10 and CIFAR-100, small photographs in colour."""

import os
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from ._images import TransformChoice
from ._sources.packed import obtain_packed
from ._sources.records import RecordArchive
from .dataset import ArrayDataset
from .transforms import Compose, NormalizeChannels, ToFloat

_SERVER = ("https://www.cs.toronto.edu/~kriz/",)

CIFAR10_ARCHIVE = RecordArchive(
    title="CIFAR-10",
    key="cifar-10",
    file="cifar-10-binary.tar.gz",
    size=170_052_171,
    checksum="md5:c32a1d4ab5d03f1284b67883e8d87530",
    mirrors=_SERVER,
    inside="cifar-10-batches-bin",
    train={f"data_batch_{number}.bin": 10_000 for number in range(1, 6)},
    test={"test_batch.bin": 10_000},
    labels=1,
    classes=10,
)
# Of the two labels of a record the first is one of 20 kinds of kinds.
CIFAR100_ARCHIVE = RecordArchive(
    title="CIFAR-100",
    key="cifar-100",
    file="cifar-100-binary.tar.gz",
    size=168_513_733,
    checksum="md5:03b5dce01913d631647c71ecec9e9cb8",
    mirrors=_SERVER,
    inside="cifar-100-binary",
    train={"train.bin": 50_000},
    test={"test.bin": 10_000},
    labels=2,
    classes=100,
)


class _Cifar(ArrayDataset):
    """What both have in common."""

    archive: ClassVar[RecordArchive]
    mean: ClassVar[tuple[float, float, float]]
    std: ClassVar[tuple[float, float, float]]
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
        if isinstance(transform, str):
            if transform != "default":
                told = repr(transform)
                raise ValueError(f'transform must be a function, None or "default", not {told}')
            transform = Compose([ToFloat(), NormalizeChannels(self.mean, self.std)])
        archive = self.archive
        records = archive.train if train else archive.test
        images, labels = obtain_packed(
            archive, records, folder=folder, cache=cache, mirrors=mirrors
        )
        names = self.names or tuple(str(number) for number in range(archive.classes))
        super().__init__(images, labels.astype(np.int64), transform, classes=names)


class CIFAR10(_Cifar):
    """50,000 training and 10,000 test photographs of ten kinds of things, 32 x 32, in colour.

    They come from the first of these that has them: `folder`, or else the folder that the
    environment variable QNN_DATA names (the published ``cifar-10-binary.tar.gz``, verified by MD5,
    or its unpacked folder ``cifar-10-batches-bin``, in it or in its subfolder ``cifar-10``); the
    cache; the publisher's server (verified by MD5).

    Source: A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009.

    Args:
        train: the training images, or the test images.
        transform: from a batch of images to what is given out. The default gives float32 of shape
            (n, 32, 32, 3), each channel normalised by `mean` and `std`; None gives the images as
            they are.
        folder: the only source, if given.
        cache: where downloads are kept, in place of the user's cache folder.
        mirrors: base URLs of the tar, in place of the publisher's.

    Attributes:
        x, images: pixels, 0 to 255, uint8, shape (n, 32, 32, 3): red, green, blue.
        y, labels: the kinds, int64, shape (n,).
        classes: the kinds' names.
        mean, std: of each channel of the training pixels, on the scale from 0 to 1, in four digits.

    Raises:
        DataError: no source has the files; the message names each, why not, and what to do. Or a
            file is not what it should be.

    Example:
        >>> from qnn_data import CIFAR10
        >>> CIFAR10(train=False)  # doctest: +SKIP
        CIFAR10(10000 samples, x=uint8 (32, 32, 3), 10 classes)
    """

    archive = CIFAR10_ARCHIVE
    mean = (0.4914, 0.4822, 0.4465)
    std = (0.2470, 0.2435, 0.2616)
    names = (
        *("airplane", "automobile", "bird", "cat", "deer"),
        *("dog", "frog", "horse", "ship", "truck"),
    )


class CIFAR100(_Cifar):
    """50,000 training and 10,000 test photographs of a hundred kinds of things; see `CIFAR10`.

    The tar is ``cifar-100-binary.tar.gz``, its folder ``cifar-100-binary``, the subfolder
    ``cifar-100``. Labels are the hundred fine ones; `classes` are their numbers.

    Example:
        >>> from qnn_data import CIFAR100
        >>> CIFAR100(train=False)  # doctest: +SKIP
        CIFAR100(10000 samples, x=uint8 (32, 32, 3), 100 classes)
    """

    archive = CIFAR100_ARCHIVE
    mean = (0.5071, 0.4865, 0.4409)
    std = (0.2673, 0.2564, 0.2762)
