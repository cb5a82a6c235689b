"""A packed model that was loaded from its file is the same in C as the one that was saved."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
from c_nets import MEAN, STD, image_net, linear_net, pixels

BINARY = dict.fromkeys(("weight", "input", "last_weight", "last_input"), "binary")
NETS: dict[str, Callable[[], qnn.PackedModel]] = {
    "linear": linear_net,
    "binary, with sums that fall": partial(linear_net, **BINARY, activation="hardtanh"),
    "convolutions": image_net,
}


@pytest.mark.parametrize("net", NETS)
def test_file_gives_the_same_c_as_the_model(net: str, tmp_path: Path) -> None:
    made = NETS[net]()
    made.save(tmp_path / "net.qnn")
    loaded = qnn.load(tmp_path / "net.qnn")
    assert any(node.op.startswith("requantize") for node in loaded.graph.nodes)
    assert all(not node.chain for node in loaded.graph.nodes)  # what made the thresholds is gone
    one = made.export_c(tmp_path / "a", transform=(MEAN, STD))
    two = loaded.export_c(tmp_path / "b", transform=(MEAN, STD))
    assert one.samples == two.samples > 0
    assert one.checked == two.checked > 0
    for name in one.files:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_thresholds_of_a_file_count_whatever_they_were_made_of(tmp_path: Path) -> None:
    linear_net().save(tmp_path / "net.qnn")
    loaded = qnn.load(tmp_path / "net.qnn")
    fused = next(node for node in loaded.graph.nodes if node.op == "requantize")
    fused.tables["thresholds"] += np.int32(3)
    images = pixels(50, 20, seed=2)
    made = loaded.export_c(tmp_path / "c", transform=(MEAN, STD), samples=images)
    assert made.samples > 50
