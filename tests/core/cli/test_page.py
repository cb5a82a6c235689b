"""``qnn page``: files side by side in one page."""

import json
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
from live_nets import data, packed
from qnn_core.cli import main


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.chdir(tmp_path)
    names = []
    for bits in (2, 4):
        model = qnn.MLP([784, 8, 10], weight=f"symmetric:{bits}", input="uniform:4", seed=0)
        packed(model, data(4, 784)).save(f"{bits}-bit.qnn")
        names.append(f"{bits}-bit.qnn")
    return names


def test_it_writes_a_page_and_says_what_is_in_it(
    files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("some.npy", np.zeros((3, 28, 28), np.uint8))
    assert main(["page", *files, "-o", "page.html", "--samples", "some.npy"]) == 0
    told = capsys.readouterr().out
    size = Path("page.html").stat().st_size
    assert told.startswith(f"page.html: 2 nets, {size:,} bytes\n")
    assert "MNIST's usual normalization" in told


def test_it_answers_in_json(files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    names = ["--names", "two", "four", "--mean", "0.5", "--std", "0.5", "--json"]
    assert main(["page", *files, "-o", "page.html", *names]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["nets"] == ["two", "four"]
    assert told["bytes"] == Path(told["file"]).stat().st_size
    assert told["notes"] == ["the nets are given (pixel / 255 - 0.5) * (1 / 0.5), in float32"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--names", "a"], "--names: 2 files have 1 names"),
        (["--names", "a", "a"], "several nets are called a"),
        (["--mean", "1"], "in one way"),
        (["--raw", "--transform", "a:b"], "in one way"),
        (["--transform", "no_such:thing"], "MODULE:FUNCTION is needed"),
        (["--classes", "a", "b"], "10 names of classes are needed"),
        (["--samples", "2-bit.qnn"], "no .npy file"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    files: list[str], words: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["page", *files, "-o", "page.html", *words]) == 1
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not Path("page.html").exists()
