"""Names that a model has and that C would take for something else."""

from pathlib import Path

import pytest
import qnn_core as qnn
from c_nets import MEAN, STD, as_trained, pixels
from qnn_core.errors import SpecError

LAYER = {"weight": "symmetric:4", "input": "uniform:4"}


class Unlucky(qnn.Module):
    """Layers whose names are words of C, or those of functions and arguments of the file."""

    def __init__(self) -> None:
        super().__init__()
        self.input = qnn.QuantLinear(12, 8, seed=0, **LAYER)
        self.long = qnn.QuantLinear(8, 8, seed=1, **LAYER)
        self.net = qnn.QuantLinear(8, 8, seed=2, **LAYER)
        self.plain = qnn.QuantLinear(8, 3, seed=3, **LAYER)

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        for layer in (self.input, self.long, self.net):
            x = qnn.ops.relu(layer(x))
        return self.plain(x)


def test_layers_may_be_called_as_they_like(tmp_path: Path) -> None:
    images = as_trained(pixels(16, 12))
    model = Unlucky()
    model(images)
    made = qnn.pack(model.eval(), images).export_c(tmp_path, transform=(MEAN, STD))
    assert made.samples > 0
    assert [step.path for step in made.plan.steps] == ["input", "long", "net", "plain"]


@pytest.mark.parametrize("name", ["int", "constexpr", "and", "stdint", "string", "2d", "a-b", ""])
def test_net_has_no_name_that_c_or_a_header_of_it_has(name: str, tmp_path: Path) -> None:
    images = as_trained(pixels(16, 12))
    model = qnn.MLP([12, 3], first_weight="binary", last_weight="binary", last_input="binary")
    model(images)
    packed = qnn.pack(model.eval(), images)
    with pytest.raises(SpecError, match="name must be at most 61 letters, digits and underscores"):
        packed.export_c(tmp_path / "c", name=name, transform=(MEAN, STD))
    assert not (tmp_path / "c").exists()
