"""The files: readable, the same each time, clean under strict compilers, and whole or not there."""

import re
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
import qnn_core as qnn
from exported_c import (
    MEAN,
    STD,
    Images,
    Linears,
    Residual,
    compiled,
    export,
    packed,
    pixels,
    run,
    transform,
)
from qnn_core import ops
from qnn_core.errors import ExportError, SpecError

SANITIZED = ("-O0", "-g1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")


def net() -> Linears:
    return Linears("symmetric:4", "uniform:4", (20, 12, 5), ops.relu)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
@pytest.mark.parametrize("optimize", ["size", "speed"])
def test_no_compiler_warns(compiler: str, optimize: str, tmp_path: Path) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"there is no {compiler} (Debian: apt-get install {compiler})")
    models = [(Images("symmetric:4", "uniform:8", padding=1), pixels(4, 9, 8, 2))]
    models += [(Residual(), pixels(4, 42)), (net(), pixels(4, 20))]
    for number, (model, images) in enumerate(models):
        for float_ in ("never", "tail"):
            folder = tmp_path / f"{number}{float_}"
            made = export(model, images, folder, optimize=optimize, float=float_)
            for level in ("-O0", "-O3"):
                assert run(compiled(made.folder, level, compiler=compiler))[0] == 0


@pytest.mark.parametrize("weight", ["binary", "symmetric:2", "symmetric:4", "symmetric:8"])
def test_no_sanitizer_complains(weight: str, tmp_path: Path) -> None:
    images = pixels(8, 9, 8, 2)
    made = export(Images(weight, "uniform:8", padding=1), images, tmp_path, float="tail")
    assert run(compiled(made.folder, *SANITIZED)) == (0, "net: PASS, 8 inputs\n")


def test_the_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    images = pixels(8, 20)
    first = export(net(), images, tmp_path / "a")
    second = export(net(), images, tmp_path / "b")
    assert first.files == second.files
    for file in first.files:
        assert (first.folder / file).read_bytes() == (second.folder / file).read_bytes()


def test_the_self_test_finds_a_changed_number_and_says_where(tmp_path: Path) -> None:
    made = export(net(), pixels(8, 20), tmp_path)
    source = made.folder / "net.c"
    head, at, tail = source.read_text().partition("_offset[12] = {\n    ")
    number, comma, rest = tail.partition(",")
    source.write_text(f"{head}{at}{int(number) + 2**20}{comma}{rest}")
    status, said = run(compiled(made.folder))
    assert status == 1
    assert said.startswith("net: input 0, sums[")
    assert ", expected " in said


def test_a_function_is_as_good_as_mean_and_deviation(tmp_path: Path) -> None:
    images = pixels(8, 20)
    one = export(net(), images, tmp_path / "a", transform=transform)
    other = export(net(), images, tmp_path / "b", transform=(MEAN, STD))
    assert (one.folder / "net.c").read_bytes() == (other.folder / "net.c").read_bytes()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "say what was done to the pixels"),
        ((0.1, 0.0), "std > 0"),
        ((0.1, (1.0, 2.0)), "one for each of the input's channels"),
        ((0.1,), "a function or"),
        (lambda x: x[:, :3], "as many finite numbers"),
        (lambda x: x - x.mean(axis=1, keepdims=True), "does not act on each pixel alone"),
        (lambda x: 1 / 0, "ZeroDivisionError"),
    ],
)
def test_what_is_no_transform_is_refused(given: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=message):
        export(net(), pixels(8, 20), tmp_path, transform=given)
    assert not (tmp_path / "net").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "3d"}, "no word or function of C or C.. and no kernel, got '3d'"),
        ({"name": "int"}, "no word or function of C or C.. and no kernel, got 'int'"),
        ({"input": "int8"}, "input must be one of uint8, float32, got 'int8'"),
        ({"float": "some"}, "float must be one of never, tail, all"),
        ({"target": "z80"}, "target must be one of any, rv32ec"),
        ({"optimize": "both"}, "optimize must be one of size, speed"),
        ({"samples": np.zeros((2, 20))}, "samples must be uint8"),
        ({"samples": np.zeros((2, 7), np.uint8)}, r"samples \[n, 20\] are needed"),
        ({"input": "float32"}, "transform= is for input='uint8'"),
    ],
)
def test_wrong_options_are_refused(
    options: dict[str, object], message: str, tmp_path: Path
) -> None:
    model = packed(net(), pixels(8, 20))
    with pytest.raises(SpecError, match=message):
        model.export_c(tmp_path / "net", **{"transform": (MEAN, STD)} | options)  # type: ignore[arg-type] # what is refused
    assert not (tmp_path / "net").exists()


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    def both(a: qnn.Tensor, b: qnn.Tensor) -> qnn.Tensor:
        return a + b

    x = np.zeros((1, 3), np.float32)
    model = qnn.pack(both, (x, x))
    with pytest.raises(ExportError, match="one input is needed, the model has 2"):
        model.export_c(tmp_path / "net", input="float32", float="all")


def test_without_a_compiler_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CC", raising=False)
    made = export(net(), pixels(8, 20), tmp_path)
    assert made.samples == 0
    assert any("there is no C compiler here" in note for note in made.notes)
    assert (made.folder / "net_test.c").is_file()


def test_files_beside_stay_and_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    (folder / "net.c").write_text("old")
    made = export(net(), pixels(8, 20), tmp_path)
    assert (folder / "mine.txt").read_text() == "mine"
    assert (folder / "net.c").read_text() != "old"
    assert {path.name for path in folder.iterdir() if path.is_file()} >= {"mine.txt", "net.h"}
    assert made.folder == folder
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        packed(net(), pixels(8, 20)).export_c(tmp_path / "file" / "x", transform=(MEAN, STD))
    assert not list(tmp_path.glob(".*"))
    assert stat.S_ISDIR(folder.stat().st_mode)


def test_names_of_layers_bits_and_origin_stand_in_the_text(tmp_path: Path) -> None:
    made = export(net(), pixels(8, 20), tmp_path)
    text = (made.folder / "net.c").read_text()
    assert "layers.0" in text
    assert "linear, 20 -> 12, weights of 4 bits, inputs of 4" in text
    assert "malloc" not in text
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert not re.search(r"\b(float|double)\b", code)
    assert [line for line in text.splitlines() if line.startswith("#include")] == [
        '#include "net.h"'
    ]
