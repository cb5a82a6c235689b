"""``qnn check`` on installed plugins, sound and broken, and on classes that nobody registered."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from qnn_core.checks.quantizer import LAWS
from qnn_core.cli import main
from test_plugins import BROKEN, BUILT_IN

QNN = Path(sysconfig.get_path("scripts")) / "qnn"
Install = Callable[..., dict[str, str]]


def check(
    *arguments: object, env: dict[str, str], status: int = 0, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [str(part) for part in (QNN, "check", *arguments)]
    done = subprocess.run(command, env=env, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


def as_json(*arguments: object, env: dict[str, str], status: int = 0) -> list[dict[str, Any]]:
    done = json.loads(check(*arguments, "--json", env=env, status=status).stdout)
    assert done["ok"] == (status == 0)
    return done["reports"]


def test_a_sound_plugin_has_a_line_for_each_law(install_plugins: Install) -> None:
    output = check("ternary", env=install_plugins("stranger")).stdout
    lines = output.splitlines()
    assert lines[0] == "quantizer ternary (strangers-ternary 1.2, strangers_ternary:Ternary)"
    passed = {law for law in LAWS if f"pass  {law}" in lines}
    # It trains no field of its own and draws nothing.
    assert {law for law in LAWS if "train" in law and law not in passed} == {*LAWS} - passed
    assert f"ternary is sound: {len(passed) + 1} laws kept, 3 not applicable" in lines[-2]


# The registry looks at a plugin as it is by default, the kit at each width.
AS_THE_KIT_SAYS_IT = {
    "descending": ("falling", "levels must ascend strictly"),
    "no_default": ("bare", "missing 1 required keyword-only argument: 'bits'"),
}


def test_all_that_is_registered_is_checked_where_nothing_is_named(install_plugins: Install) -> None:
    env = install_plugins(*BROKEN, "stranger", "some_widths")
    reports = {report["name"]: report for report in as_json(env=env, status=1)}
    sound = {name for name, report in reports.items() if report["ok"]}
    assert sound == {*BUILT_IN, "ternary"}
    assert reports.keys() - sound == {"some-widths", *(name for name, _ in BROKEN.values())}
    for name, message in (BROKEN | AS_THE_KIT_SAYS_IT).values():
        (violation,) = made(reports[name])
        assert re.search(message, violation["found"])
    (violation,) = made(reports["some-widths"])
    assert violation["given"] == "bits=1"
    assert "ZeroDivisionError" in violation["found"]
    assert len(reports["some-widths"]["subjects"]) == 7


def test_a_width_that_fails_is_reported_where_it_is_named(install_plugins: Install) -> None:
    (report,) = as_json("some-widths:1", env=install_plugins("some_widths"), status=1)
    (violation,) = made(report)
    assert violation["found"] == "ZeroDivisionError: division by zero"


def made(report: dict[str, Any]) -> list[dict[str, str]]:
    """Return the violations of the law that it can be made, the only one that is broken."""
    (law,) = [law for law in report["laws"] if law["verdict"] == "fail"]
    assert law["law"] == "it can be made"
    violations: list[dict[str, str]] = law["findings"][0]["violations"]
    return violations


def test_a_name_claimed_twice(install_plugins: Install) -> None:
    (report,) = as_json("symmetric:2", env=install_plugins("second_symmetric"), status=1)
    (violation,) = made(report)
    assert "registered twice: by second-symmetric 1.2" in violation["found"]


def test_one_width_or_all() -> None:
    spec, all_of_it = as_json("symmetric:2", "symmetric:grid=even", env=dict(os.environ))
    assert spec["subjects"] == ["Symmetric(bits=2)"]
    assert len(all_of_it["subjects"]) == 8
    assert all_of_it["subjects"][0] == "Symmetric(bits=1, grid=even)"


MODULE = """
from dataclasses import dataclass

import qnn_core as qnn
from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class Ternary(Quantizer):
    bits: int = 2

    @property
    def levels(self):
        return [-1, 0, 1]


@dataclass(frozen=True)
class Wrong(Ternary):
    def encode(self, u):
        return 2 - super().encode(-u * (abs(u) < 1e6))


class Layer(qnn.QuantLinear):
    def __init__(self, in_features, out_features, bits=2):
        super().__init__(in_features, out_features, weight=f"symmetric:bits={bits},axis=0")


class Model(qnn.nn.Module):
    def __init__(self, sizes):
        pass
"""


def test_a_class_in_this_folder_that_nobody_registered(tmp_path: Path) -> None:
    env = dict(os.environ)
    (tmp_path / "mine.py").write_text(MODULE)
    output = check("mine:Ternary", env=env, cwd=tmp_path).stdout
    assert "n/a   spec string says all: Ternary is not registered" in output
    output = check("mine:Layer:bits=3", env=env, cwd=tmp_path).stdout
    assert output.startswith("layer mine:Layer:bits=3\n  checked: bits=3\n")
    output = check(
        "mine:Wrong:bits=2", "--json", "mine.json", env=env, cwd=tmp_path, status=1
    ).stdout
    assert "FAIL  encode is monotone: A greater u never has a smaller code." in output
    assert "expected: at least" in output
    assert json.loads((tmp_path / "mine.json").read_text())["reports"][0]["name"] == (
        "mine:Wrong:bits=2"
    )
    # Of the module: its quantizers and layers, not its models, nor what it imports.
    output = check("mine", env=env, cwd=tmp_path, status=1).stdout
    assert output.splitlines()[-1] == "2 sound, 1 not: mine:Wrong"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["symetric"], 1, "no scheme 'symetric'; did you mean 'symmetric'?"),
        (["symetric:4"], 1, "what is not registered is named as PACKAGE:CLASS"),
        (["qnn_quantizers:Binary:bits=2"], 1, "there is one bit, got bits=2"),
        (["symmetric:9"], 1, "bits must be a whole number from 1 to 8, got 9"),
        (["symmetric:axsi=0"], 1, "no option 'axsi'; did you mean 'axis'"),
        (["nobody_has:This"], 1, "no module 'nobody_has'"),
        (["qnn_core:Quantiser"], 1, "has no 'Quantiser'; did you mean 'Quantizer'?"),
        (["qnn_core:QuantLinear:wieght=binary"], 1, "takes no 'wieght'; did you mean 'weight'?"),
        (["qnn_quantizers:Binary:axsi=0"], 1, "no option 'axsi'; did you mean 'axis'"),
        (["json"], 1, "there is no quantizer and no layer in the module"),
        (["binary", "--json", "report"], 2, "a file whose name ends in .json is needed"),
        (["binary", "--json", "no/such/folder.json"], 1, "there is no folder"),
    ],
)
def test_what_cannot_be_checked(
    arguments: list[str],
    status: int,
    message: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    try:
        ended = main(["check", *arguments])
    except SystemExit as wrong_arguments:
        ended = wrong_arguments.code
    assert ended == status
    assert message in capsys.readouterr().err
