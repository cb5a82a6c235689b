"""from_torch.py, run as its users run it; without PyTorch, as most who try it first."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from apps_runner import Run, run


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run("from_torch", "--quick", "--out", "out", cwd=tmp_path_factory.mktemp("nets"))


def test_a_net_of_pytorch_becomes_c(quick: Run) -> None:
    assert quick.status == 0, quick.err
    assert "layer_0: Conv2d(1, 8, (3, 3), stride=(2, 2), padding=(1, 1), bias=True)" in quick.out
    assert quick.out.endswith("0 of them differ\n")


def test_every_width_is_compared(quick: Run) -> None:
    table = dict(re.findall(r"^(float|as it came|\d bits?) +\d+ .*?(\d\d\.\d\d) ", quick.out, re.M))
    assert table.keys() == {"float", "as it came", "8 bits", "4 bits", "3 bits", "2 bits", "1 bit"}
    assert float(table["as it came"]) == 97.1  # what PyTorch had said of it
    assert float(table["4 bits"]) > 90


@pytest.mark.skipif(find_spec("torch") is not None, reason="PyTorch is here")
def test_training_wants_pytorch(tmp_path: Path) -> None:
    done = run("from_torch", "--quick", "--train", "--out", "out", cwd=tmp_path)
    assert done.status == 1
    assert done.err == "from_torch.py: --train needs PyTorch: pip install torch\n"
