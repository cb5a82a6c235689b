"""Kuzushiji-MNIST, characters of old Japanese in the format of MNIST."""

from ._idx_images import IdxImages
from ._sources.archive import Archive, IdxFile
from .mnist import ARCHIVE as MNIST_ARCHIVE

_CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")

# The MD5 of the gzipped files is known, and nothing for their content.
ARCHIVE = Archive(
    title="Kuzushiji-MNIST",
    key="kmnist",
    train=(
        IdxFile("train-images-idx3-ubyte", 47_040_016, gz_md5="bdb82020997e1d708af4cf47b453dcf7"),
        IdxFile("train-labels-idx1-ubyte", 60_008, gz_md5="e144d726b3acfaa3e44228e80efcd344"),
    ),
    test=(
        IdxFile("t10k-images-idx3-ubyte", 7_840_016, gz_md5="5c965bf0a639b31b8f53240b1b52f4d7"),
        IdxFile("t10k-labels-idx1-ubyte", 10_008, gz_md5="7320c461ea6c1c855c0b718fb2a4b134"),
    ),
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    foreign=frozenset(
        str(labels.sha256) for _, labels in (MNIST_ARCHIVE.train, MNIST_ARCHIVE.test)
    ),
)


class KMNIST(IdxImages):
    """60,000 training and 10,000 test images of ten characters of old Japanese.

    They come from the first of these that has them: `folder`, or else the folder that the
    environment variable QNN_DATA names (the four files, plain or gzipped, in its subfolder
    ``kmnist`` or in it; they must be images and as many labels from 0 to 9); the cache; the
    publisher's server (verified by MD5).

    Source: T. Clanuwat et al., 2018, arXiv:1812.01718; CC BY-SA 4.0.

    Args:
        train: the training images, or the test images.
        transform: from a batch of images to what is given out. The default gives float32 of shape
            (n, 784), normalised by `mean` and `std`; None gives the images as they are.
        folder: the only source, if given.
        cache: where downloads are kept, in place of the user's cache folder.
        mirrors: base URLs of the gzipped files, in place of the publisher's.

    Attributes:
        x, images: pixels, 0 (paper) to 255 (ink), uint8, shape (n, 28, 28).
        y, labels: the characters, int64, shape (n,).
        classes: how they are read.
        mean, std: of the training pixels, on the scale from 0 to 1, in four digits.

    Raises:
        DataError: no source has the files; the message names each, why not, and what to do. Or a
            file in the folder is not what it should be.

    Example:
        >>> from qnn_data import KMNIST
        >>> KMNIST(train=True)  # doctest: +SKIP
        KMNIST(60000 samples, x=uint8 (28, 28), 10 classes)
    """

    archive = ARCHIVE
    mean = 0.1918
    std = 0.3483
    names = _CLASSES
