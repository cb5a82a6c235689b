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

from qnn_data.augment import Augment
from qnn_data.catalog import load, names
from qnn_data.dataset import ArrayDataset
from qnn_data.errors import ChecksumError, DataError, IdxError
from qnn_data.fashion_mnist import FashionMNIST
from qnn_data.idx import decode_idx, encode_idx, read_idx, write_idx
from qnn_data.loader import DataLoader
from qnn_data.mnist import MNIST
from qnn_data.mnist_mini import MNISTMini
from qnn_data.spiral import Spiral
from qnn_data.transforms import AsType, Compose, Flatten, Normalize, Reshape, ToFloat

__all__ = [
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
