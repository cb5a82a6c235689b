"""A net by hand, in the form of exported ones, on every target."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from qnn_core.boards import TARGETS, CNet, find_target, measure, missing_tools, run_many, selftest
from qnn_core.errors import BoardError, MissingToolError, ShapeError, SpecError

HERE = Path(__file__).parent / "c"
WEIGHTS = (7 * np.arange(10)[:, None] + 3 * np.arange(16)) % 11 - 5

on_boards = pytest.mark.boards
everywhere = pytest.mark.parametrize("target", TARGETS)


def images(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (count, 16), np.uint8)


def sums_of(inputs: NDArray[np.uint8]) -> NDArray[np.int64]:
    return inputs.astype(np.int64) @ WEIGHTS.T


@on_boards
@everywhere
@pytest.mark.parametrize("optimize", ["-O2", "-Os"])
def test_measure(target: str, optimize: str) -> None:
    inputs = images(3)
    found = measure(HERE, target, inputs, optimize=optimize)
    assert np.array_equal(found.sums, sums_of(inputs))
    assert np.array_equal(found.classes, sums_of(inputs).argmax(axis=1))
    assert 100 < found.flash < 800
    assert found.static == 0
    assert found.ram == 64 + found.stack
    assert 40 <= found.stack <= 120
    assert (found.cycles > 160).all()  # the products alone
    if found.instructions is not None:
        assert (found.cycles > found.instructions).all()


@on_boards
@everywhere
def test_many_answers(dots: CNet, target: str) -> None:
    inputs = images(200 if target == "avr" else 10_000)
    classes, sums = run_many(dots, find_target(target), inputs)
    assert np.array_equal(sums, sums_of(inputs))
    assert np.array_equal(classes, sums_of(inputs).argmax(axis=1))


@on_boards
@everywhere
def test_no_inputs(dots: CNet, target: str) -> None:
    classes, sums = run_many(dots, find_target(target), images(0))
    assert classes.shape == (0,)
    assert sums.shape == (0, 10)
    assert measure(HERE, target, images(0)).stack == 0


@on_boards
@everywhere
def test_selftest(tmp_path: Path, target: str) -> None:
    assert selftest(HERE, target) == 0
    folder = tmp_path / "wrong"
    shutil.copytree(HERE, folder)
    replace(folder / "dots_test.c", "!= DOTS_EXPECTED", "!= DOTS_EXPECTED + (vector == 2)")
    assert selftest(folder, target) == 2


@on_boards
@pytest.mark.parametrize("target", [name for name in TARGETS if name != "avr"])
def test_a_net_that_leaves_its_scratch(tmp_path: Path, target: str) -> None:
    folder = tmp_path / "wrong"
    shutil.copytree(HERE, folder)
    replace(folder / "dots.h", "DOTS_SCRATCH 64", "DOTS_SCRATCH 60")
    # A Cortex-M4's memory is compared afterwards, byte by byte: the first that differs is named.
    size = 1 if target == "m4" else 4
    with pytest.raises(BoardError, match=rf"dots_\w+ writes {size} bytes at .* not its own"):
        selftest(folder, target)


@on_boards
def test_a_net_that_is_too_large_for_an_avr(tmp_path: Path) -> None:
    folder = tmp_path / "large"
    shutil.copytree(HERE, folder)
    replace(folder / "dots.c", "int32_t *copy = scratch;", LARGE)
    with pytest.raises(BoardError, match=r"is not within region .data"):
        measure(folder, "avr", images(1))


LARGE = "static volatile uint8_t large[20000]; int32_t *copy = scratch; large[input[0]] = 1;"


@on_boards
def test_a_net_that_needs_too_much_stack_for_an_avr(tmp_path: Path) -> None:
    folder = tmp_path / "large"
    shutil.copytree(HERE, folder)
    large = LARGE.replace("static ", "").replace("20000", "17000")
    replace(folder / "dots.c", "int32_t *copy = scratch;", large)
    with pytest.raises(BoardError, match="more than the 16,384 bytes of RAM"):
        measure(folder, "avr", images(1))


@on_boards
def test_warnings_may_be_errors(tmp_path: Path) -> None:
    folder = tmp_path / "warned"
    shutil.copytree(HERE, folder)
    replace(folder / "dots.c", "int best = 0;", "int best = 0, unused;")
    assert measure(folder, "m4", images(1)).flash
    with pytest.raises(BoardError, match="unused variable"):
        measure(folder, "m4", images(1), flags=["-Werror"])


def replace(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def test_what_a_header_states() -> None:
    net = CNet.find(HERE)
    assert (net.name, net.inputs, net.outputs, net.scratch) == ("dots", 16, 10, 64)
    assert net.input_type == "uint8_t"


def test_more_outputs_than_classes(tmp_path: Path) -> None:
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    two = "#define DOTS_OUTPUTS 14\n#define DOTS_CLASSES 10"
    replace(tmp_path / "dots.h", "#define DOTS_CLASSES 10", two)
    assert CNet.find(tmp_path).outputs == 14


def test_a_header_of_floats(tmp_path: Path) -> None:
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    replace(tmp_path / "dots.h", "predict(const uint8_t", "predict(const float")
    assert CNet.find(tmp_path).dtype == np.float32
    replace(tmp_path / "dots.h", "predict(const float", "predict(const double")
    with pytest.raises(BoardError, match="dots_predict takes const double; known are uint8_t"):
        CNet.find(tmp_path)


@pytest.mark.parametrize("size", ["INPUTS", "CLASSES", "SCRATCH"])
def test_a_header_without_a_size(tmp_path: Path, size: str) -> None:
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    replace(tmp_path / "dots.h", f"define DOTS_{size}", f"define DOTS_OF_{size}")
    with pytest.raises(BoardError, match=f"does not define DOTS_{size} as a number"):
        CNet.find(tmp_path)


def test_a_folder_of_no_net_and_of_two(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"a net is NAME.h, .* has none"):
        CNet.find(tmp_path)
    shutil.copytree(HERE, tmp_path, dirs_exist_ok=True)
    shutil.copy(HERE / "dots_test.c", tmp_path / "other_test.c")
    with pytest.raises(BoardError, match="has those of dots, other; say which"):
        CNet.find(tmp_path)
    assert CNet.find(tmp_path, "dots").inputs == 16
    with pytest.raises(BoardError, match="there is no"):
        CNet.find(tmp_path, "other")


@pytest.mark.parametrize(
    "inputs", [np.zeros((2, 15), np.uint8), np.zeros((2, 16)), np.zeros(16, np.uint8)]
)
def test_inputs_that_are_not_the_nets(inputs: NDArray[Any]) -> None:
    with pytest.raises(ShapeError, match=r"dots takes \[samples, 16\] of uint8, got \["):
        measure(HERE, "m4", inputs)


def test_images_are_rows() -> None:
    assert CNet.find(HERE).check_inputs(np.zeros((5, 4, 4), np.uint8)).shape == (5, 16)


def test_an_unknown_target() -> None:
    with pytest.raises(SpecError, match="no target 'm3'; known: rv32ec"):
        measure(HERE, "m3", images(1))


@everywhere
def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    monkeypatch.setenv("PATH", "")
    found = find_target(target)
    assert (
        f"there is no {found.compiler} (Debian: apt-get install {found.package})"
        in missing_tools(found)
    )
    with pytest.raises(MissingToolError, match=rf"there is no .*{found.compiler}|pip install"):
        measure(HERE, target, images(1))
