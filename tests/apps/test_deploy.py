"""deploy.py, run as its users run it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import qnn_core as qnn
import qnn_data
from apps_runner import APPS, Run, refusals, run

MODEL, CHECKPOINT = "model.qnn", "checkpoint.qnn"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run("deploy", "--quick", "--out", "out", cwd=tmp_path_factory.mktemp("deploy"))


def after_training(run: Run) -> str:
    """Return what does not depend on where the weights are from, nor on time."""
    text = run.out[run.out.index("\nlayer ") : run.out.index("images/s")]
    assert text
    return text


def test_packed_and_model_give_the_same_bits(deployed: Run) -> None:
    assert deployed.status == 0, deployed.err
    assert deployed.err == ""
    assert "all 1,000 test images" in deployed.out
    for where in ("this process  ", "fresh process "):
        assert f"  {where} greatest difference 0, 0 other predictions\n" in deployed.out
    model, packed = re.findall(r"test accuracy (\d+\.\d\d)%", deployed.out)
    assert model == packed
    assert float(model) > 40  # chance is 10


def test_the_fresh_process_needs_no_quantizers(deployed: Run) -> None:
    assert "of QNN it imported qnn_core\n" in deployed.out


def test_every_layer_is_of_two_bits(deployed: Run) -> None:
    assert deployed.out.count("  2 x 2  ") == 3


def test_it_says_how_small_and_how_fast(deployed: Run) -> None:
    size = (deployed.cwd / "out" / MODEL).stat().st_size
    table = re.findall(
        r"^(packed|float32) +([\d,]+) +([\d,]+) +([\d,]+)$", deployed.out, re.MULTILINE
    )
    rows = {name: [int(n.replace(",", "")) for n in numbers] for name, *numbers in table}
    assert rows["packed"][0] == size
    floats = 784 * 256 + 256 * 256 + 256 * 10 + 2 * 256 + 10 + 2 * 4 * 256
    assert rows["float32"][0] == 4 * floats
    assert rows["float32"][0] > 10 * size
    assert min(rows["packed"] + rows["float32"]) > 0


def test_it_leaves_its_files_and_no_other(deployed: Run) -> None:
    assert {path.name for path in (deployed.cwd / "out").iterdir()} == {MODEL, CHECKPOINT}
    images, labels = qnn_data.load("mnist-mini")[1][:]
    accuracy = (qnn.load(deployed.cwd / "out" / MODEL).predict(images) == labels).mean()
    assert f"packed         test accuracy {accuracy:.2%}" in deployed.out


def test_a_checkpoint_takes_the_place_of_training(deployed: Run, tmp_path: Path) -> None:
    (hint,) = re.findall("again, without training: (.*)", deployed.out)
    again = run("deploy", *hint.split(), "--out", tmp_path, cwd=deployed.cwd)
    assert again.status == 0, again.err
    assert again.out.startswith("not trained: the weights are those of out/checkpoint.qnn\n")
    assert after_training(again) == after_training(deployed)
    assert [path.name for path in tmp_path.iterdir()] == [MODEL]


def test_a_checkpoint_survives_an_overwrite_of_its_own_folder(tmp_path: Path) -> None:
    assert run("deploy", "--quick", "--out", tmp_path, cwd=tmp_path).status == 0
    before = (tmp_path / CHECKPOINT).read_bytes()
    options = ("--load", tmp_path / CHECKPOINT, "--out", tmp_path)
    refused = run("deploy", *options, cwd=tmp_path)
    assert refused.status == 2
    assert "it holds model.qnn of an earlier run" in refused.err
    assert run("deploy", *options, "--overwrite", cwd=tmp_path).status == 0
    assert (tmp_path / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize(
    "specs",
    [("binary", "binary"), ("symmetric:2,axis=0", "uniform:4"), ("logarithmic:3", "symmetric:3")],
)
def test_it_deploys_other_quantizers(specs: tuple[str, str], tmp_path: Path) -> None:
    weight, input = specs
    done = run("deploy", "--quick", "--weight", weight, "--input", input, cwd=tmp_path)
    assert done.status == 0, done.err
    assert "fresh process  greatest difference 0, 0 other predictions" in done.out
    assert (tmp_path / "results/deploy-1" / MODEL).exists()


BAD = {
    "--load no-such-file": "No such file or directory: 'no-such-file'",
    "--load text": "text is not a whole file of this kind",
    "--load {out}/model.qnn": "model.qnn holds 'qnn packed model' version ",
    "--load {out}/checkpoint.qnn --weight binary": "is of another net: give the --weight and ",
    "--load {out}/checkpoint.qnn --epochs 3": "--epochs: with --load nothing is trained",
    "--weight symetric:2": "no quantizer 'symetric'; did you mean 'symmetric'?",
    "--input uniform:99": "bits",
    "--out text": "--out text: no folder that can be written to: ",
}


@pytest.fixture(scope="module")
def refused(deployed: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Runs with bad input, each in a folder of its own with a text in it."""

    def prepared(arguments: str, folder: Path) -> list[str]:
        (folder / "text").write_text("no model", encoding="utf-8")
        return arguments.format(out=deployed.cwd / "out").split()

    return refusals("deploy", BAD, tmp_path_factory, prepared)


@pytest.mark.parametrize("arguments", BAD)
def test_bad_input_is_explained_in_a_line(arguments: str, refused: dict[str, Run]) -> None:
    done = refused[arguments]
    assert done.status == 2
    usage, line = done.err.splitlines()
    assert usage.startswith("usage: ")
    assert BAD[arguments] in line
    assert [path.name for path in done.cwd.iterdir()] == ["text"]


def test_a_difference_fails(deployed: Run, tmp_path: Path) -> None:
    # A packed model that answers wrongly in this process.
    script = f"""
import sys
sys.path.insert(0, {str(APPS)!r})
import deploy, qnn_core
right = qnn_core.PackedModel.__call__
qnn_core.PackedModel.__call__ = lambda self, x: right(self, x) + 0.5
sys.argv[1:] = ["--load", {str(deployed.cwd / "out" / CHECKPOINT)!r}]
sys.exit(deploy.main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "this process   greatest difference 0.5, 0 other predictions" in done.stdout
    assert done.stderr == "deploy.py: packed, it gives other answers: a bug, report it\n"


def test_it_is_short() -> None:
    assert len((APPS / "deploy.py").read_text(encoding="utf-8").splitlines()) <= 130
