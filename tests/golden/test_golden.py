"""Files of earlier format versions can still be read, and hold what they held."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.training import Checkpoint

HERE = Path(__file__).parent
SHA256 = {
    "checkpoint-v1.qnn": "fdd726f141b663bffbb3893ecc09b0336de1386aa56b89957c1d6212b41e9097",
    "packed-images-v1.qnn": "26abff9ebacfd5f3446777dd1ae595eb9b621dac5880dbb8316057dfe5e895a9",
    "packed-images-v2.qnn": "e6184ce28432c5e74fa8f821d62f15c21ea5de9b9e987c3ec995c3f9051ae75c",
    "packed-images-v3.qnn": "65224255b14def7c51a535c56afb3269596f56a3295b7e0661f571ffb7214836",
    "packed-integers-v3.qnn": "b04d78651c894c483e33c3705947bcfb1e43c0c1a17f5ad52543383d5c0a73d6",
    "packed-v1.qnn": "4cb7813b7477362296469a472b236eb0eb4f437173696639a1d80894bdf7c506",
    "packed-v2.qnn": "450f3771af62d71c569d51319ba633a6a6215db04cbdb502ec10dab6efd97c9b",
    "packed-v3.qnn": "de8ceb8de8f51f477420962583eb26a5135155f3736c776672b487f4a5a43566",
}
CHECKPOINTS = [name for name in SHA256 if name.startswith("checkpoint")]
PACKED = [name for name in SHA256 if name.startswith("packed")]

WEIGHT = np.float32([0.38738614320755005, -0.6511415243148804, -1.2983229160308838])


def test_the_golden_files_are_the_ones_that_were_made() -> None:
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in HERE.glob("*.qnn")
    }
    assert found == SHA256


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_checkpoint_is_read_and_gone_on_from(name: str, tmp_path: Path) -> None:
    checkpoint = Checkpoint.load(HERE / name)
    assert checkpoint.recipe["optimizer"].startswith("Adam(")
    assert checkpoint.optimizer["steps"] == 2
    assert [epoch.epoch for epoch in checkpoint.history.epochs] == [1, 2]
    np.testing.assert_array_equal(checkpoint.model["layers.0.weight"][0], WEIGHT)

    path = tmp_path / name
    path.write_bytes((HERE / name).read_bytes())
    model = qnn.MLP([3, 4, 2], weight="symmetric:2", input="uniform:2", dropout=0.5, seed=0)
    optimizer = qnn.optim.Adam(model.parameters(), lr=0.01)
    batches = [(np.eye(3), np.array([0, 1, 0]))]
    history = qnn.fit(model, batches, epochs=2, optimizer=optimizer, checkpoint=path, resume=True)
    assert history.last.epoch == 2
    np.testing.assert_array_equal(model[0].weight.data[0], WEIGHT)


@pytest.mark.parametrize("name", PACKED)
def test_a_packed_model_gives_the_outputs_that_it_gave(name: str) -> None:
    with np.load((HERE / name).with_suffix(".npz")) as stored:
        x, y = stored["x"], stored["y"]
    np.testing.assert_array_equal(qnn.load(HERE / name)(x), y)
