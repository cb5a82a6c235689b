"""EMNIST, handwritten digits and letters in the format of MNIST."""

import os
import string
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal, get_args

import numpy as np

from ._images import TransformChoice, choose_transform
from ._sources.packed import obtain_packed
from ._sources.zip_of_idx import ZipOfIdx
from .dataset import ArrayDataset
from .mnist import MNIST

Split = Literal["balanced", "byclass", "bymerge", "digits", "letters", "mnist"]
SPLITS: tuple[Split, ...] = get_args(Split)

# Size and SHA-256 as TensorFlow Datasets has them; torchvision has the MD5,
# 58c8d27c78d21e728a6bc7b3cc06412e. Nobody publishes checksums of the files in it.
ARCHIVE = ZipOfIdx(
    title="EMNIST",
    key="emnist",
    file="gzip.zip",
    size=561_753_746,
    checksum="sha256:fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    mirrors=(
        "https://biometrics.nist.gov/cs_links/EMNIST/",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/",
    ),
    inside="gzip",
    labels=range(62),  # of the largest split
)

# Of 15 letters, small ones look as capital ones do, and are one class with them.
_MERGED = (*string.digits, *string.ascii_uppercase, *"abdefghnqrt")
_CLASSES: dict[Split, tuple[str, ...]] = {
    "balanced": _MERGED,
    "byclass": (*string.digits, *string.ascii_uppercase, *string.ascii_lowercase),
    "bymerge": _MERGED,
    "digits": tuple(string.digits),
    "letters": tuple(string.ascii_lowercase),
    "mnist": tuple(string.digits),
}


class EMNIST(ArrayDataset):
    """Handwritten digits and letters: what MNIST was made of, NIST's Special Database 19.

    ::

        balanced   131,600 images of 47 classes, as many of each
        byclass    814,255 of 62: digits, capital and small letters
        bymerge    the same, 15 small letters in one class with their capital ones: 47 classes
        digits     280,000 of 10, as many of each
        letters    of 26, a capital and a small letter in one class
        mnist      70,000 of 10: digits as MNIST has them, made anew

    They come from the first of these that has them: `folder`, or else the folder that the
    environment variable QNN_DATA names (the split's files, such as
    ``emnist-letters-train-images-idx3-ubyte.gz``, plain or gzipped, in its subfolder ``emnist`` or
    in it, or there in ``gzip``; they must be images and as many labels of the split. Or the
    published ``gzip.zip``, verified by SHA-256); the cache; the publisher's servers (562 MB, all
    splits in one, verified by SHA-256).

    Their files have each image transposed, and the letters numbered from 1. Here images stand
    upright, as MNIST's do, and classes count from 0.

    Source: G. Cohen, S. Afshar, J. Tapson, A. van Schaik, 2017, arXiv:1702.05373.

    Args:
        train: the training images, or the test images.
        split: which images, see above.
        transform: from a batch of images to what is given out. The default gives float32 of shape
            (n, 784), normalised by `mean` and `std`; None gives the images as they are.
        folder: the only source, if given.
        cache: where the download is kept, in place of the user's cache folder.
        mirrors: base URLs of ``gzip.zip``, in place of the publisher's.

    Attributes:
        x, images: pixels, 0 (paper) to 255 (ink), uint8, shape (n, 28, 28).
        y, labels: the classes, int64, shape (n,).
        classes: the characters; of a class of two, the capital one, but in ``letters`` the small.
        mean, std: those of MNIST, for all splits; this has a little more ink.

    Raises:
        ValueError: an unknown split.
        DataError: no source has the files; the message names each, why not, and what to do. Or a
            file is not what it should be.

    Example:
        >>> from qnn_data import EMNIST
        >>> EMNIST(train=False, split="balanced")  # doctest: +SKIP
        EMNIST(18800 samples, x=uint8 (28, 28), 47 classes)
        >>> EMNIST(split="words")
        Traceback (most recent call last):
        ...
        ValueError: EMNIST: split must be one of balanced, byclass, bymerge, digits, letters, \
mnist, got 'words'
    """

    archive: ClassVar[ZipOfIdx] = ARCHIVE
    mean: ClassVar[float] = MNIST.mean
    std: ClassVar[float] = MNIST.std

    def __init__(
        self,
        train: bool = True,
        *,
        split: Split = "balanced",
        transform: TransformChoice = "default",
        folder: str | os.PathLike[str] | None = None,
        cache: str | os.PathLike[str] | None = None,
        mirrors: Sequence[str] | None = None,
    ) -> None:
        if split not in SPLITS:
            raise ValueError(f"EMNIST: split must be one of {', '.join(SPLITS)}, got {split!r}")
        chosen = choose_transform(transform, self.mean, self.std)
        part = f"emnist-{split}-{'train' if train else 'test'}"
        names = (f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte")
        classes = _CLASSES[split]
        first = 1 if split == "letters" else 0
        archive = replace(self.archive, labels=range(first, first + len(classes)))
        images, labels = obtain_packed(archive, names, folder=folder, cache=cache, mirrors=mirrors)
        upright = images.transpose(0, 2, 1)
        super().__init__(upright, labels.astype(np.int64) - first, chosen, classes=classes)
