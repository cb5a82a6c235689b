"""A small part of MNIST, which comes with the package."""

from importlib.resources import files
from typing import Any, ClassVar

from numpy.typing import NDArray

from ._images import TransformChoice, choose_transform
from ._sources.archive import IdxFile, decode_stored
from .dataset import ArrayDataset

# Made by tools/make_mnist_mini.py, which prints this table.
TRAIN = (
    IdxFile(
        "train-images-idx3-ubyte",
        4_704_016,
        sha256="0b69bb52a0a85ba92673e968ef97b1917f909fb1454b0eca2185c2410204777a",
    ),
    IdxFile(
        "train-labels-idx1-ubyte",
        6_008,
        sha256="81a9ed92acda22804cb8e09b067f155f22b6623ceada81dc20854141ea92928b",
    ),
)
TEST = (
    IdxFile(
        "t10k-images-idx3-ubyte",
        784_016,
        sha256="853073804ce21a979b8e3208eb9edf5ea90658d5b12766116723747e2088765c",
    ),
    IdxFile(
        "t10k-labels-idx1-ubyte",
        1_008,
        sha256="0c012bf37f975a357a88bef8b9e74dbbd559cc19502dd2ea722037f2f37e1944",
    ),
)


class MNISTMini(ArrayDataset):
    """6,000 of MNIST's training and 1,000 of its test images, as many of each digit.

    They are in the package: no folder, no download. Drawn at random by the package's
    ``tools/make_mnist_mini.py``; in MNIST's order; verified by SHA-256.

    Source: Y. LeCun, C. Cortes, C. J. C. Burges; CC BY-SA 3.0.

    Args:
        train: the training images, or the test images.
        transform: from a batch of images to what is given out. The default gives float32 of shape
            (n, 784), normalised by `mean` and `std`; None gives the images as they are.

    Attributes:
        x, images: pixels, 0 (paper) to 255 (ink), uint8, shape (n, 28, 28).
        y, labels: the digits, int64, shape (n,).
        mean, std: of the training pixels, on the scale from 0 to 1.

    Raises:
        DataError: the installed files are damaged.

    Example:
        >>> data = MNISTMini(train=False)
        >>> data
        MNISTMini(1000 samples, x=uint8 (28, 28), 10 classes)
        >>> x, y = data[:100]
        >>> x.shape, x.dtype, y.shape
        ((100, 784), dtype('float32'), (100,))
    """

    mean: ClassVar[float] = 0.13081064925970387
    std: ClassVar[float] = 0.30814759551157656

    def __init__(self, train: bool = True, *, transform: TransformChoice = "default") -> None:
        chosen = choose_transform(transform, self.mean, self.std)
        images, labels = (_read(file) for file in (TRAIN if train else TEST))
        super().__init__(images, labels, chosen)


def _read(file: IdxFile) -> NDArray[Any]:
    resource = files("qnn_data") / "bundled" / "mnist-mini" / f"{file.name}.gz"
    stored = file.verify(resource.read_bytes(), str(resource))
    return decode_stored(file, stored, str(resource))
