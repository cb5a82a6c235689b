"""Spec strings and the registry."""

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from hypothesis import example, given
from hypothesis import strategies as st
from qnn_core.errors import QnnError, SpecError
from qnn_core.quantizer import Quantizer, codebook
from qnn_core.registry import get_quantizer, parse, registered, schemes

BUILT_IN = ["apot", "binary", "codebook", "dsq", "ewgs", "logarithmic", "lsq-plus", "nf4"]
BUILT_IN += ["stochastic", "symmetric", "uniform"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("uniform", ("uniform", {})),
        ("uniform:4", ("uniform", {"bits": 4})),
        ("uniform:bits=4", ("uniform", {"bits": 4})),
        (" uniform : 4 , axis = 0 ", ("uniform", {"bits": 4, "axis": 0})),
        (
            "s:4,axis=-1,scale=0.5,x=None,y=True,z=two-words",
            ("s", {"bits": 4, "axis": -1, "scale": 0.5, "x": None, "y": True, "z": "two-words"}),
        ),
    ],
)
def test_parse(spec: str, expected: Any) -> None:
    assert parse(spec) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "symetric:4",
            "did you mean 'symmetric'.*installed: .*binary, codebook, .*nf4, stochastic, symmetric",
        ),
        ("", "no quantizer ''"),
        (":4", "no quantizer ''"),
        ("nf4,calibration=mse", "a colon parts the name .*: 'nf4:calibration=mse'"),
        ("symmetric=4", "a colon parts the name .*: 'symmetric:4'"),
        ("symmetric:", "not of the form option=value"),
        ("symmetric:4,", "not of the form option=value"),
        ("symmetric:4,,axis=0", "not of the form option=value"),
        ("symmetric:axis=", "'axis=' is not of the form"),
        ("symmetric:=4", "'=4' is not of the form"),
        ("symmetric:4,3", "'3' is not of the form"),
        ("symmetric:4,bits=4", "option 'bits' is given twice"),
        ("symmetric:axis=0,axis=0", "option 'axis' is given twice"),
        ("symmetric:4,axsi=0", "no option 'axsi'; did you mean 'axis'.*options: bits, axis, scale"),
        ("symmetric:9", "whole number from 1 to 8, got 9"),
        ("symmetric:4.0", "whole number from 1 to 8, got 4.0"),
        ("symmetric:four", "whole number from 1 to 8, got 'four'"),
        ("symmetric:4,axis=x", "axis must be a whole number or None, got 'x'"),
        ("symmetric:4,axis=True", "axis must be a whole number or None"),
        ("symmetric:4,scale=0", "scale must be .* or a number > 0.*, got 0"),
        ("symmetric:4,scale=-1", "number > 0.*, got -1"),
        ("symmetric:4,scale=1e999", "number > 0.*, got inf"),
        ("symmetric:4,scale=learnt", "did you mean 'learned'"),
        ("symmetric:4,scale=None", "number > 0.*, got None"),
        ("symmetric:4,ste=clp", "ste must be one of clip, identity, .*did you mean 'clip'"),
        ("symmetric:4,ste=[1]", "ste must be one of"),
        ("symmetric:4,calibration={1:2}", "calibration must be one of"),
        ("symmetric:4,calibration=max", "calibration must be one of absmax"),
        ("symmetric:{[]:1}", "symmetric"),
        ("symmetric:4,percentile=0", "percentile must be above 0 and at most 100, got 0"),
        ("symmetric:4,percentile=101", "percentile must be above 0 and at most 100, got 101"),
        ("symmetric:4,percentile=most", "percentile must be above 0 and at most 100, got 'most'"),
    ],
)
def test_errors_say_what_is_wrong_and_what_there_is(spec: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        get_quantizer(spec)


def test_numpy_scalars_are_numbers() -> None:
    given = {"bits": np.int64(4), "axis": np.int32(0), "scale": np.float32(0.5)}
    quantizer = get_quantizer("symmetric", **given)
    plain = get_quantizer("symmetric:4,axis=0,scale=0.5")
    assert (quantizer, hash(quantizer)) == (plain, hash(plain))
    assert repr(quantizer) == repr(plain)
    with pytest.raises(SpecError, match="whole number from 1 to 8, got 9"):
        get_quantizer("symmetric", bits=np.uint8(9))


@pytest.mark.parametrize("spec", [None, 4, b"symmetric", ["symmetric"], np.zeros(2)])
def test_other_types_are_refused(spec: Any) -> None:
    with pytest.raises(SpecError, match="spec string or an object"):
        get_quantizer(spec)


WORDS = [
    *BUILT_IN,
    "bits",
    "axis",
    "scale",
    "ste",
    ":",
    "=",
    ",",
    "4",
    "-1",
    "[",
    "{",
    "(",
    "]",
    "}",
    ")",
    "'",
    "None",
    " ",
]


@given(st.one_of(st.text(max_size=30), st.lists(st.sampled_from(WORDS), max_size=10).map("".join)))
@example("symmetric:" + "(" * 500)
@example("symmetric:bits=" + "9" * 5000)
@example("symmetric:bits=\x00")
@example("symmetric:4bits")
def test_any_text_is_a_quantizer_or_a_spec_error(text: str) -> None:
    try:
        quantizer = get_quantizer(text)
    except SpecError:
        return
    assert isinstance(quantizer, Quantizer)


def test_a_quantizer_is_taken_as_it_is() -> None:
    quantizer = get_quantizer("symmetric:4")
    assert get_quantizer(quantizer) is quantizer
    assert get_quantizer(quantizer, bits=3) == get_quantizer("symmetric:3")


def test_options_go_before_those_in_the_string() -> None:
    assert get_quantizer("symmetric:4,axis=0", bits=3) == get_quantizer("symmetric:3,axis=0")


@pytest.mark.parametrize("option", [{"bits": 9}, {"axsi": 0}])
def test_options_are_checked(option: dict[str, Any]) -> None:
    with pytest.raises(QnnError, match=r"bits must be|no option 'axsi'"):
        get_quantizer("symmetric:4", **option)


def test_an_unknown_option_of_an_object_is_a_spec_error() -> None:
    with pytest.raises(SpecError, match="axsi"):
        get_quantizer(get_quantizer("symmetric:4"), axsi=0)


def test_a_codebook_is_made_once() -> None:
    assert codebook(get_quantizer("uniform:3")) is codebook(get_quantizer("uniform:bits=3"))


def test_a_codebook_cannot_be_changed() -> None:
    book = codebook(get_quantizer("uniform:3"))
    for table in (book.levels, book.thresholds):
        with pytest.raises(ValueError, match="read-only"):
            table[0] = 7


def test_a_quantizer_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        get_quantizer("uniform:3").bits = 4


def test_the_built_in_schemes_come_from_their_distribution() -> None:
    assert set(BUILT_IN) <= set(schemes()) == set(qnn.schemes())
    origin = {entry.name: entry.distribution for entry in registered()}
    assert {origin[name] for name in BUILT_IN} == {"qnn-quantizers"}


def test_listing_imports_no_scheme() -> None:
    program = (
        "import sys, qnn_core;"
        "print('binary' in qnn_core.schemes(), 'qnn_quantizers' in sys.modules)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "True False\n"


def test_the_command_lists_them() -> None:
    command = Path(sysconfig.get_path("scripts")) / "qnn"
    done = subprocess.run([command, "schemes"], capture_output=True, text=True, check=True)
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert set(BUILT_IN) <= rows.keys()
    assert all("qnn-quantizers" in rows[name] for name in BUILT_IN)
    assert rows["binary"][1:3] == ["1", "2"]
    assert "1 to 8" in " ".join(rows["uniform"])
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "status"), [([], 2), (["nothing"], 2), (["--version"], 0), (["--help"], 0)]
)
def test_the_commands_exit_status(arguments: list[str], status: int) -> None:
    command = Path(sysconfig.get_path("scripts")) / "qnn"
    done = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert "Traceback" not in done.stderr


def test_a_scheme_that_is_installed_while_we_run_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    about = tmp_path / "late-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: late\nVersion: 1.0\n")
    assert "late" not in qnn.schemes()
    with pytest.raises(SpecError, match="no quantizer 'late'"):
        qnn.get_quantizer("late")
    # Inside of a folder that was there: the folder above it does not change.
    entry = "[qnn.quantizers]\nlate = qnn_quantizers.symmetric:Symmetric\n"
    (about / "entry_points.txt").write_text(entry)
    assert qnn.get_quantizer("late:2") == qnn.get_quantizer("symmetric:2")
    assert "late" in qnn.schemes()
