"""Fashion-MNIST, pictures of clothes in the format of MNIST."""

from ._idx_images import IdxImages
from ._sources.archive import Archive, IdxFile
from .mnist import ARCHIVE as MNIST_ARCHIVE

_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

# The publisher gives the MD5 of the gzipped files, and nothing for their content.
ARCHIVE = Archive(
    title="Fashion-MNIST",
    key="fashion-mnist",
    train=(
        IdxFile("train-images-idx3-ubyte", 47_040_016, gz_md5="8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        IdxFile("train-labels-idx1-ubyte", 60_008, gz_md5="25c81989df183df01b3e8a0aad5dffbe"),
    ),
    test=(
        IdxFile("t10k-images-idx3-ubyte", 7_840_016, gz_md5="bef4ecab320f06d8554ea6380940ec79"),
        IdxFile("t10k-labels-idx1-ubyte", 10_008, gz_md5="bb300cfdad3c16e7a12a480ee83cd310"),
    ),
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    foreign=frozenset(
        str(labels.sha256) for _, labels in (MNIST_ARCHIVE.train, MNIST_ARCHIVE.test)
    ),
)


class FashionMNIST(IdxImages):
    """60,000 training and 10,000 test pictures of clothes, of 10 kinds.

    They come from the first of these that has them: `folder`, or else the folder that the
    environment variable QNN_DATA names (the four files, plain or gzipped, in its subfolder
    ``fashion-mnist`` or in it; they must be images and as many labels from 0 to 9); the cache; the
    publisher's server (verified by MD5).

    Source: H. Xiao, K. Rasul, R. Vollgraf, 2017, arXiv:1708.07747; MIT licence.

    Args:
        train: the training images, or the test images.
        transform: from a batch of images to what is given out. The default gives float32 of shape
            (n, 784), normalised by `mean` and `std`; None gives the images as they are.
        folder: the only source, if given.
        cache: where downloads are kept, in place of the user's cache folder.
        mirrors: base URLs of the gzipped files, in place of the publisher's.

    Attributes:
        x, images: pixels, 0 (background) to 255, uint8, shape (n, 28, 28).
        y, labels: the kinds, int64, shape (n,).
        classes: the kinds' names.
        mean, std: of the training pixels, on the scale from 0 to 1.

    Raises:
        DataError: no source has the files; the message names each, why not, and what to do. Or a
            file in the folder is not what it should be.

    Example:
        >>> from qnn_data import FashionMNIST
        >>> FashionMNIST(train=True)  # doctest: +SKIP
        FashionMNIST(60000 samples, x=uint8 (28, 28), 10 classes)
    """

    archive = ARCHIVE
    mean = 0.2860405969887955
    std = 0.3530242445149226
    names = _CLASSES
