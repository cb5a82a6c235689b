"""`fit` on augmented batches from a thread: the run is still a function of its seeds."""

from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
from qnn_data import Augment, DataLoader, MNISTMini


def trained(epochs: int, checkpoint: Path, size: int = 40, **loading: object) -> np.ndarray:
    model = qnn.MLP([784, 8, 10], weight="symmetric:4", seed=0)
    loader = DataLoader(MNISTMini().subset(slice(0, 100)), size, shuffle=True, **loading)
    optimizer = qnn.optim.SGD(model.parameters(), lr=0.1)
    qnn.fit(model, loader, epochs=epochs, optimizer=optimizer, checkpoint=checkpoint, resume=True)
    return np.concatenate([parameter.data.ravel() for parameter in model.parameters()])


@pytest.mark.parametrize("prefetch", [0, 2])
def test_interrupted_and_resumed_equals_uninterrupted(prefetch: int, tmp_path: Path) -> None:
    augment = Augment(2, 10, 0.1, seed=1)
    whole = trained(4, tmp_path / "whole.qnn", augment=augment)
    trained(2, tmp_path / "cut.qnn", augment=augment, prefetch=prefetch)
    resumed = trained(4, tmp_path / "cut.qnn", augment=augment, prefetch=prefetch)
    assert resumed.tobytes() == whole.tobytes()
    plain = trained(4, tmp_path / "plain.qnn", prefetch=prefetch)
    assert plain.tobytes() != whole.tobytes()
