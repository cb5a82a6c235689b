"""Studies that a TOML file describes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import qnn_core as qnn
from qnn_compare import compare
from qnn_compare.experiment.study_file import read_study_file
from qnn_core.errors import CompareError

SOUND = """\
# A study
[compare]
weights = ["symmetric", "binary"]
bits = [
    1,
    2, 32
]
seeds = 2

[net]
build = "qnn_core:MLP"
sizes = [6, 12, 3]
batch_norm = true

[data]
load = "my_data:load"
samples = 90

[training]
epochs = 2
lr = 1e-2
"""
MY_DATA = """
import numpy as np

from parts_beside import NOISE

def load(samples):
    rng = np.random.default_rng(0)
    y = rng.integers(3, size=samples)
    x = (np.eye(3)[y].repeat(2, axis=1) + rng.normal(scale=NOISE, size=(samples, 6))).astype("f")
    return (x[:60], y[:60]), (x[60:], y[60:])
"""


def written(folder: Path, text: str = SOUND) -> Path:
    (folder / "my_data.py").write_text(MY_DATA, "utf-8")
    (folder / "parts_beside.py").write_text("NOISE = 0.5", "utf-8")
    (folder / "exits.py").write_text("import sys\nsys.exit(3)", "utf-8")
    (folder / "recurses.py").write_text("def f():\n    f()\nf()", "utf-8")
    path = folder / "study.toml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture(autouse=True)
def forgotten() -> None:
    """Forget the module beside the file of another test."""
    for name in ("my_data", "parts_beside", "exits", "recurses"):
        sys.modules.pop(name, None)


def test_a_sound_file_gives_the_arguments(tmp_path: Path) -> None:
    config = read_study_file(written(tmp_path))
    assert config.options == {
        "weights": ["symmetric", "binary"], "bits": [1, 2, 32], "seeds": 2, "epochs": 2, "lr": 0.01,
    }  # fmt: skip
    assert isinstance(config.build(weight=None, input=None, seed=0), qnn.MLP)
    (x, _), _ = config.data()
    assert x.shape == (60, 6)


def test_a_byte_order_mark_is_no_matter(tmp_path: Path) -> None:
    path = written(tmp_path)
    plain = read_study_file(path).options
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert read_study_file(path).options == plain


READS = """
from pathlib import Path
import numpy as np

def load(samples, folder: Path, other="x", *, text):
    lines = (Path(folder) / "values.txt").read_text("utf-8").split()
    return [lines, str(folder), other, text]
"""


def test_relative_paths_are_from_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = 'folder = "values"\nother = "../beside"\ntext = "values"\nsamples = 90'
    path = written(tmp_path, SOUND.replace("samples = 90", arguments))
    (tmp_path / "my_data.py").write_text(READS, "utf-8")
    (tmp_path / "values").mkdir()
    (tmp_path / "values" / "values.txt").write_text("3 4", "utf-8")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    found = read_study_file(Path("..", path.name)).data()
    assert found == [["3", "4"], str(tmp_path / "values"), str(tmp_path / "../beside"), "values"]


def test_what_a_function_of_the_file_raises_has_its_line(tmp_path: Path) -> None:
    written(tmp_path, SOUND.replace("samples = 90", 'folder = "none"\ntext = "a"\nsamples = 90'))
    (tmp_path / "my_data.py").write_text(READS, "utf-8")
    found = qnn_command(tmp_path, "compare", "study.toml")
    assert (found.returncode, found.stderr.count("\n")) == (1, 1)
    assert "FileNotFoundError" in found.stderr
    assert "study.toml:16: data.load: my_data:load raised it" in found.stderr
    written(tmp_path, SOUND.replace("sizes = [6, 12, 3]", "sizes = [-6, 12, 3]"))
    found = qnn_command(tmp_path, "compare", "study.toml")
    assert (found.returncode, found.stderr.count("\n")) == (1, 1)
    assert "study.toml:11: net.build: qnn_core:MLP raised it" in found.stderr


def test_the_question_of_a_study(tmp_path: Path) -> None:
    lines = 'reference = "binary:1"\nmargin = 0.01\nmax_seeds = 12\nmax_seconds = 60\nbits'
    text = SOUND.replace("bits", lines, 1)
    seeds = text.replace("seeds = 2", 'seeds = "auto"')
    assert seeds != text
    found = read_study_file(written(tmp_path, seeds)).options
    assert (found["seeds"], found["max_seeds"], found["max_seconds"]) == ("auto", 12, 60)
    assert (found["reference"], found["margin"]) == ("binary:1", 0.01)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("margin = 0", ":3: compare.margin: margin must be a number above 0"),
        ("max_seeds = 1", ":3: compare.max_seeds: max_seeds must be a whole number >= 2"),
        ('seeds = "all"', ':3: compare.seeds: a number of seeds, a list of them, or "auto" is'),
        ("reference = 3", ":3: compare.reference: a name is needed, got 3"),
    ],
)
def test_a_question_that_is_none_is_refused_with_its_line(
    tmp_path: Path, line: str, message: str
) -> None:
    text = SOUND.replace("seeds = 2\n", "").replace("[compare]", f"[compare]\n{line}")
    with pytest.raises(CompareError) as raised:
        read_study_file(written(tmp_path, text))
    assert message in str(raised.value)


def test_what_is_tuned(tmp_path: Path) -> None:
    text = SOUND + "\n[tune]\nlr = [1e-3, 1e-2]\nseeds = 2\n"
    assert read_study_file(written(tmp_path, text)).options["tune"] == {
        "lr": [1e-3, 1e-2],
        "seeds": 2,
    }
    line = text[: text.index("[tune]")].count("\n") + 1
    for before, after, message in [
        ("[1e-3, 1e-2]", "3", f":{line}: tune: tune: lr must be a list"),
        ("lr = [", "rate = [", f":{line}: tune: tune: 'rate' is no field"),
        ("[tune]", "[[tune]]", f":{line}: tune: the table [tune] is needed"),
    ]:
        place = text.rindex(before)
        with pytest.raises(CompareError) as raised:
            read_study_file(written(tmp_path, text[:place] + after + text[place + len(before) :]))
        assert message in str(raised.value)


def test_pairs_of_widths(tmp_path: Path) -> None:
    text = SOUND.replace("1,\n    2, 32", "[2, 4], [1, 32]").replace(
        "bits", 'activations = ["uniform"]\nbits'
    )
    found = read_study_file(written(tmp_path, text)).options
    assert (found["bits"], found["activations"]) == ([(2, 4), (1, 32)], ["uniform"])


BAD = [
    (
        '["symmetric", "binary"]',
        '["symetric"]',
        ":3: compare.weights: no quantizer",
    ),
    ('["symmetric", "binary"]', '"symmetric"', ":3: compare.weights: a list of specs is needed"),
    ('["symmetric", "binary"]', "[]", ":3: compare.weights: a list of specs is needed, got []"),
    ("bits = [", "activations = ['unifrom']\nbits = [", ":4: compare.activations: no quantizer"),
    ("1,\n    2, 32", "1, 2, 9", ":4: compare.bits: bits are 1 to 8, or 32 for float, got 9"),
    ("1,\n    2, 32", "1, true", ":4: compare.bits: a list of widths"),
    ("1,\n    2, 32", "[1, 2, 3]", ":4: compare.bits: a list of widths"),
    ("seeds = 2", "seeds = '2'", ":8: compare.seeds: a number of seeds"),
    ("seeds = 2", "seed = 2", ":8: compare.seed: there is no such key; did you mean 'seeds'?"),
    ("seeds = 2", "seeds = 0", ":8: compare.seeds: seeds must be a number of seeds >= 1"),
    ("batch_norm = true", "seed = 7", ":13: net.seed: it is given by the comparison: leave it out"),
    ("batch_norm = true", "batchnorm = true", ":10: net: qnn_core:MLP: got an unexpected keyword"),
    ("epochs = 2", "epochs = 0", ":20: training.epochs: epochs must be a whole number >= 1, got 0"),
    ("epochs = 2", "epochs = 2.0", ":20: training.epochs: a whole number is needed, got 2.0"),
    ("epochs = 2\n", "", ":19: training: the key 'epochs' is missing"),
    ("lr = 1e-2", "lr = -1", ":21: training.lr: lr must be a number > 0, got -1"),
    ("lr = 1e-2", "optimizer = 'adma'", ":21: training.optimizer: optimizer must be one of"),
    ("[training]", "[trainings]", ":19: trainings: there is no table 'trainings'; did you mean"),
    (
        '[net]\nbuild = "qnn_core:MLP"',
        "[net]",
        ":10: net.build: MODULE:FUNCTION is needed",
    ),
    ("qnn_core:MLP", "qnn_core.MLP", ":11: net.build: MODULE:FUNCTION is needed"),
    ("qnn_core:MLP", "qnn_core:MPL", ":11: net.build: qnn_core:MPL: AttributeError"),
    ("qnn_core:MLP", "qnn_cor:MLP", ":11: net.build: qnn_cor:MLP: ModuleNotFoundError"),
    ("qnn_core:MLP", "qnn_core:__version__", ":11: net.build: qnn_core:__version__ is no function"),
    ('[data]\nload = "my_data:load"\nsamples = 90', "", ": data: the table [data] is missing"),
    ("[compare]", "[compare", " is no TOML: Expected ']'"),
    ("seeds = 2", "seeds = " + "9" * 5000, " is no TOML: "),
    ("seeds = 2", "seeds = 0x" + "9" * 5000, ":8: compare.seeds: seeds must be a number of seeds"),
    ("epochs = 2", "epochs = 0x" + "9" * 5000, ":20: training.epochs: epochs must be a whole"),
    ("lr = 1e-2", "lr = 1e999", ":21: training.lr: lr must be a number > 0, got inf"),
    ("lr = 1e-2", "lr = 0x1" + "0" * 400, ":21: training.lr: lr must be a number > 0, got a num"),
    ("    1,", "    0x1" + "0" * 400 + ",", ":4: compare.bits: bits are 1 to 8, or 32 for float"),
    ("seeds = 2", "seeds = " + "[" * 3000 + "]" * 3000, ":8: brackets are nested too deep"),
    ("my_data:load", "exits:load", ":16: data.load: exits:load: SystemExit: 3"),
    ("my_data:load", "recurses:load", ":16: data.load: recurses:load: RecursionError"),
]


@pytest.mark.parametrize(("before", "after", "told"), BAD)
def test_errors_name_file_line_and_key(tmp_path: Path, before: str, after: str, told: str) -> None:
    path = written(tmp_path, SOUND.replace(before, after))
    assert before in SOUND
    with pytest.raises(CompareError) as caught:
        read_study_file(path)
    assert f"{path}{told}" in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(CompareError, match="cannot be read"):
            read_study_file(path)
    (tmp_path / "latin.toml").write_bytes(b"\xe9 = 1")
    with pytest.raises(CompareError, match="is no TOML"):
        read_study_file(tmp_path / "latin.toml")


# The command


def qnn_command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys; from qnn_core.cli import main; sys.exit(main({list(arguments)!r}))"
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_a_study_by_one_command(tmp_path: Path) -> None:
    written(tmp_path)
    found = qnn_command(tmp_path, "compare", "study.toml", "--jobs", "2")
    assert found.returncode == 0, found.stderr
    assert "6/6" in found.stderr
    assert "symmetric" in found.stdout
    store = tmp_path / "results" / "study"
    assert (store / "report.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert qnn.Comparison.load(store).complete
    again = qnn_command(tmp_path, "compare", "study.toml")
    assert again.stdout == found.stdout
    report = qnn_command(tmp_path, "report", str(store), "--style", "csv", "--out", "r.md")
    assert report.returncode == 0, report.stderr
    assert report.stdout.count("\n") >= 4
    assert (tmp_path / "r.md").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="it is a device of Linux")
def test_files_are_written_before_the_screen(tmp_path: Path) -> None:
    written(tmp_path)
    code = "import sys; from qnn_core.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, "compare", "study.toml", "--jobs", "1"]
    for screen, told in (
        ("/dev/full", "standard output: No space left on device"),
        (os.devnull, ""),
    ):
        with Path(screen).open("w") as out:
            found = subprocess.run(
                command, cwd=tmp_path, stdout=out, stderr=subprocess.PIPE, text=True, check=False,
                env=os.environ | {"PYTHONIOENCODING": "ascii"},
            )  # fmt: skip # one call
        assert "Traceback" not in found.stderr
        assert told in found.stderr
        for name in ("results.csv", "report.html"):
            (tmp_path / "results" / "study" / name).unlink()


def test_parts_are_merged_by_a_command(tmp_path: Path) -> None:
    written(tmp_path)
    for n in (0, 1):
        text = SOUND.replace("seeds = 2", f"seeds = [{n}]")
        (tmp_path / f"part{n}.toml").write_text(text, "utf-8")
        assert qnn_command(tmp_path, "compare", f"part{n}.toml", "--jobs", "1").returncode == 0
    parts = ["results/part0", "results/part1"]
    found = qnn_command(tmp_path, "report", *parts, "--save", "whole")
    assert found.returncode == 0, found.stderr
    assert (tmp_path / "whole" / "report.html").exists()
    assert qnn.Comparison.load(tmp_path / "whole").seeds == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("compare", "none.toml"), "qnn: none.toml cannot be read"),
        (("report", "nowhere"), "qnn: nowhere holds no comparison"),
        (("compare", "study.toml", "--dask", "tcp://127.0.0.1:1"), "no Dask scheduler answers"),
    ],
)
def test_errors_are_one_line(tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    written(tmp_path)
    found = qnn_command(tmp_path, *arguments)
    assert found.returncode == 1
    assert told in found.stderr
    assert found.stderr.count("\n") == 1


OWN = """
from dataclasses import dataclass
from qnn_core.quantizer import Quantizer

@dataclass(frozen=True)
class Steep(Quantizer):
    bits: int = 2

    @property
    def levels(self):
        return [-2, 0, 2] if self.bits == 2 else [-4, -2, -1, 0, 1, 2, 4]
"""


def test_a_file_names_quantizers_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "own_schemes.py").write_text(OWN, "utf-8")

    def config(weight: str) -> str:
        return SOUND + f"\n[[config]]\nweight = {weight}\n"

    study = read_study_file(written(tmp_path, config('{ class = "own_schemes:Steep", bits = 3 }')))
    options = {**study.options}
    assert [config.name for config in options["configs"]] == ["Steep:3 x float"]
    found = compare(study.build, study.data, executor=1, progress=False, **options)
    assert not found.failures
    for weight, told in (
        ('{ class = "own_schemes" }', r'weight must be a spec, or \{ class = "MODULE:CLASS"'),
        ('{ class = "own_schemes:Flat" }', "own_schemes:Flat: AttributeError"),
        ('{ class = "own_schemes:Steep", steps = 2 }', "Steep: TypeError"),
        ('{ class = "own_schemes:Steep", bits = 9 }', "bits must be a whole number from 1 to 8"),
    ):
        with pytest.raises(CompareError, match=told):
            read_study_file(written(tmp_path, config(weight)))


def test_a_file_says_all_that_a_config_may_be(tmp_path: Path) -> None:
    qnn.save_state(qnn.MLP([6, 12, 3], batch_norm=True, seed=1), tmp_path / "net.safetensors")
    text = SOUND.replace("seeds = 2", 'seeds = 2\nmetric = "accuracy"')
    text += """\
schedule = "constant"
clip_norm = 1.0
loss = "squared_hinge"

[[config]]
name = "from a file"
weight = "symmetric:2"
start = { file = "net.safetensors" }
teacher = "float"
rules = { "layers.3" = "symmetric:8" }
recipe = { epochs = 0 }

[[config]]
name = "stages"
weight = "symmetric:2"
start = "float"
stages = [{ weight = "symmetric:8", recipe = { epochs = 1, loss = "squared_hinge" } }]
"""
    study = read_study_file(written(tmp_path, text))
    options = {**study.options}
    assert options["recipe"] == {"schedule": "constant", "clip_norm": 1.0}
    assert (options["metric"], options["loss"]) == ("accuracy", "squared_hinge")
    first, second = options["configs"]
    assert repr(first.start) == repr(tmp_path.resolve() / "net.safetensors")
    assert (first.needs, second.needs) == (("float",), ("float",))
    assert second.stages[0].weight == "symmetric:8"
    found = compare(study.build, study.data, executor=1, progress=False, **options)
    assert not found.failures
    for wrong, told in (
        ('start = { path = "a" }', r'start must be a name, or \{ file = "\.\.\." \}'),
        ('start = { file = "gone" }', "gone cannot be read"),
        ("recipe = { epochs = 0 }", "epochs must be a whole number >= 1"),
        ('recipe = { loss = "hinge" }', "loss must be loss.*squared_hinge.*got 'hinge'"),
    ):
        text = SOUND + f'\n[[config]]\nname = "a"\nweight = "symmetric:2"\n{wrong}\n'
        with pytest.raises(CompareError, match=told):
            read_study_file(written(tmp_path, text))
