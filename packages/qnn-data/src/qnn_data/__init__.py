"""Verified data sets, and batches of them, as NumPy arrays.

Example:
    >>> import qnn_data
    >>> train, test = qnn_data.load("mnist-mini")
    >>> loader = qnn_data.DataLoader(train, batch_size=100, shuffle=True)
    >>> for x, y in loader:
    ...     pass
    >>> x.shape, x.dtype, y.shape, y.dtype
    ((100, 784), dtype('float32'), (100,), dtype('int64'))
"""

from .augment import Augment
from .catalog import load, names
from .cifar import CIFAR10, CIFAR100
from .dataset import ArrayDataset
from .emnist import EMNIST
from .errors import ChecksumError, DataError, IdxError
from .fashion_mnist import FashionMNIST
from .idx import decode_idx, encode_idx, read_idx, write_idx
from .kmnist import KMNIST
from .loader import DataLoader
from .mnist import MNIST
from .mnist_mini import MNISTMini
from .spiral import Spiral
from .transforms import AsType, Compose, Flatten, Normalize, NormalizeChannels, Reshape, ToFloat

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "EMNIST",
    "KMNIST",
    "MNIST",
    "ArrayDataset",
    "AsType",
    "Augment",
    "ChecksumError",
    "Compose",
    "DataError",
    "DataLoader",
    "FashionMNIST",
    "Flatten",
    "IdxError",
    "MNISTMini",
    "Normalize",
    "NormalizeChannels",
    "Reshape",
    "Spiral",
    "ToFloat",
    "decode_idx",
    "encode_idx",
    "load",
    "names",
    "read_idx",
    "write_idx",
]
