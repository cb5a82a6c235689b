"""A batch of one sample, which batch normalization cannot be trained on."""

import copy

from ..autodiff import no_grad
from ..data import Batch, run
from ..errors import ShapeError
from ..nn import BatchNorm, Module


def check_single_samples(model: Module, batch: Batch | None, where: str) -> None:
    """Refuse a training batch of one sample if the model has no use for it; before it is trained.

    Found out by running a copy of the model on it, so that a normalization of images, which have
    many values for a channel, or one that is not in training, is none to refuse.

    Args:
        model: as it will be trained.
        batch: of one sample, such as the last of an epoch; None if there is none.
        where: for the message.

    Raises:
        ShapeError: that says how to give other batches.

    Example:
        >>> import numpy as np
        >>> import qnn_core as qnn
        >>> one = Batch.of(np.zeros((1, 3)), "a batch")
        >>> check_single_samples(qnn.MLP([3, 4, 2], batch_norm=True, seed=0), one, "fit")
        Traceback (most recent call last):
        qnn_core.errors.ShapeError: fit: a batch has one sample, ...
    """
    if batch is None or not any(isinstance(m, BatchNorm) for _, m in model.named_modules()):
        return
    copied = copy.deepcopy(model).train()
    try:
        with no_grad():
            run(copied, batch.astype(model.dtype).inputs)
    except ShapeError as error:
        if not str(error).startswith("BatchNorm"):
            raise
        raise ShapeError(
            f"{where}: a batch has one sample, of which batch normalization has no variance: give "
            "another batch_size, or drop_last=True to the DataLoader"
        ) from error
