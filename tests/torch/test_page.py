"""The program of the page on nets from elsewhere that needs PyTorch."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytestmark = pytest.mark.torch
PAGE = Path(__file__).parents[2] / "docs" / "importing.md"


def test_the_whole_way(tmp_path: Path) -> None:
    programs = re.findall(r"^```py\n(import .*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    (program,) = [text for text in programs if "import torch" in text]
    assert len([line for line in program.splitlines() if line]) <= 30
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    command = [sys.executable, "program.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "run by cc here: difference 0" in done.stdout
    assert (tmp_path / "digits" / "digits.c").exists()
