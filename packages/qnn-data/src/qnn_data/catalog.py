"""Data sets by name."""

import difflib
import os
from collections.abc import Callable
from functools import partial
from typing import Any

from ._images import TransformChoice
from .cifar import CIFAR10, CIFAR100
from .dataset import ArrayDataset
from .emnist import EMNIST, SPLITS
from .fashion_mnist import FashionMNIST
from .kmnist import KMNIST
from .mnist import MNIST
from .mnist_mini import MNISTMini
from .spiral import Spiral

_KINDS: dict[str, Callable[..., ArrayDataset]] = {
    "cifar-10": CIFAR10,
    "cifar-100": CIFAR100,
    **{f"emnist-{split}": partial(EMNIST, split=split) for split in SPLITS},
    "fashion-mnist": FashionMNIST,
    "kmnist": KMNIST,
    "mnist": MNIST,
    "mnist-mini": MNISTMini,
    "spiral": Spiral,
}
_BUILT_IN = ("mnist-mini", "spiral")  # they take no folder


def names() -> list[str]:
    """Return the names that `load` knows, sorted.

    Example:
        >>> names()
        ['cifar-10', 'cifar-100', 'emnist-balanced', 'emnist-byclass', 'emnist-bymerge', \
'emnist-digits', 'emnist-letters', 'emnist-mnist', 'fashion-mnist', 'kmnist', 'mnist', \
'mnist-mini', 'spiral']
    """
    return sorted(_KINDS)


def load(
    name: str,
    *,
    folder: str | os.PathLike[str] | None = None,
    transform: TransformChoice = "default",
) -> tuple[ArrayDataset, ArrayDataset]:
    """Return a data set's training and test part.

    Args:
        name: one of `names()`.
        folder: where the files are, but of "mnist-mini" and "spiral"; by default they are looked
            for where `MNIST`, `FashionMNIST`, `KMNIST`, `EMNIST` and `CIFAR10` say.
        transform: from a batch to what is given out. The default normalises images and gives them
            as float32 of shape (n, 784), photographs of shape (n, 32, 32, 3); None gives them as
            they are, uint8 of shape (n, 28, 28) or (n, 32, 32, 3).
            Points of "spiral" are float32 of shape (n, 2), without a default transform.

    Returns:
        (train, test).

    Raises:
        ValueError: an unknown name; or a folder for a data set that needs none.
        DataError: the data cannot be had.

    Example:
        >>> train, test = load("mnist-mini")
        >>> train, test
        (MNISTMini(6000 samples, x=uint8 (28, 28), 10 classes), \
MNISTMini(1000 samples, x=uint8 (28, 28), 10 classes))
        >>> load("minst")
        Traceback (most recent call last):
        ...
        ValueError: unknown data set 'minst'; did you mean 'mnist'? \
Known: cifar-10, cifar-100, emnist-balanced, emnist-byclass, emnist-bymerge, emnist-digits, \
emnist-letters, emnist-mnist, fashion-mnist, kmnist, mnist, mnist-mini, spiral
    """
    if name not in _KINDS:
        near = difflib.get_close_matches(str(name).lower(), _KINDS, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]!r}?" if near else "."
        raise ValueError(f"unknown data set {name!r}{hint} Known: {', '.join(names())}")
    options: dict[str, Any] = {}
    if name in _BUILT_IN:
        if folder is not None:
            raise ValueError(f"{name!r} comes with the package and takes no folder")
    else:
        options["folder"] = folder
    if name != "spiral" or transform != "default":
        options["transform"] = transform
    kind = _KINDS[name]
    return kind(train=True, **options), kind(train=False, **options)
