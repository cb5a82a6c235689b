"""The three tutorials, run as their readers run them."""

import re
from pathlib import Path

import pytest
from apps_runner import APPS, png_size, run

SHOWN = {
    "mnist": ["loss before training", "gradient of layers.0.weight: shape (128, 784)"],
    "qmnist": ["QuantLinear(784, 128", "levels          [-1.  0.  1.]", "bit for bit: True"],
    "bmnist": ["0 is -1, 1 is +1", "12,560 bytes", "equal for all 128 outputs: True"],
}


@pytest.mark.parametrize("app", SHOWN)
def test_a_tutorial_runs_and_leaves_its_curves(app: str, tmp_path: Path) -> None:
    done = run(app, "--quick", cwd=tmp_path)
    assert done.status == 0, done.err
    for text in (*SHOWN[app], "numbers mean nothing", f"curves: results/{app}-1/curves.png"):
        assert text in done.out
    assert "Warning" not in done.err
    accuracy = max(float(a) for a in re.findall(r"test accuracy:? (\d+\.\d+)%", done.out))
    assert accuracy > 40  # chance is 10
    assert png_size(tmp_path / f"results/{app}-1/curves.png") == (1500, 630)


@pytest.mark.parametrize("app", SHOWN)
def test_a_tutorial_is_short(app: str) -> None:
    lines = (APPS / f"{app}.py").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 110


def test_a_tutorial_overwrites_nothing(tmp_path: Path) -> None:
    kept = tmp_path / "curves.png"
    kept.write_bytes(b"dear to someone")
    done = run("mnist", "--quick", "--out", tmp_path, cwd=tmp_path)
    assert done.status == 2
    assert "it holds curves.png of an earlier run" in done.err
    assert kept.read_bytes() == b"dear to someone"


def test_a_tutorial_explains_bad_input(tmp_path: Path) -> None:
    done = run("bmnist", "--epochs", "0", cwd=tmp_path)
    assert done.status == 2
    assert "--epochs: expected a whole number >= 1, got '0'" in done.err
    assert "Traceback" not in done.err
