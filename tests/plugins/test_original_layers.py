"""The layers of the work that this one goes on from: rejected for each of their faults by name.

And each reason goes away when that one fault is mended in the source, which shows that the check
looks at this fault and nothing else.
"""

import json
import subprocess
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from install import PACKAGES

QNN = Path(sysconfig.get_path("scripts")) / "qnn"
SOURCE = (PACKAGES / "original_layers" / "original_layers.py").read_text(encoding="utf-8")
Install = Callable[..., dict[str, str]]
# Of each broken law, the first violation as (given, expected, found).
Broken = dict[str, tuple[str, str, str]]

FROZEN, REACH = "evaluation is frozen", "levels reach the data"
ZERO, NUMBERS = "zero is a value like others", "zeros give numbers"
CLIMB, DERIVATIVES = "gradients climb with the values", "other derivatives are right"


def check(subject: str, folder: Path, env: dict[str, str] | None = None) -> Broken:
    """Run the command; return the laws that it says are broken."""
    command = [str(QNN), "check", subject, "--json"]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    (report,) = json.loads(done.stdout)["reports"]
    assert done.returncode == (0 if report["ok"] else 1)
    broken = {}
    for law in report["laws"]:
        violations = [v for finding in law["findings"] for v in finding["violations"]]
        assert bool(violations) == (law["verdict"] == "fail")
        if violations:
            broken[law["law"]] = tuple(violations[0][k] for k in ("given", "expected", "found"))
    return broken


def test_they_are_rejected_by_name(install_plugins: Install) -> None:
    env = install_plugins("original_layers")
    done = subprocess.run(
        [str(QNN), "check", "original_layers"], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    for reason in (
        "a scale depends on the batch, at evaluation too",
        "zero is a value of its own, as sign(0) = 0 makes it",
        "only -1, 0",
        "it multiplies by the size of the data where the values are divided by it",
    ):
        assert reason in " ".join(done.stdout.split())
    last = done.stdout.splitlines()[-1]
    assert last == "0 sound, 2 not: original_layers:QLinear, original_layers:BLinear"


def test_the_faults_of_the_layer_of_several_bits(install_plugins: Install, tmp_path: Path) -> None:
    env = install_plugins("original_layers")
    broken = check("original_layers:QLinear", tmp_path, env)
    assert broken.keys() == {FROZEN, REACH, NUMBERS, CLIMB, DERIVATIVES}
    assert broken[REACH][0].startswith("operation original_round, data from -")
    assert broken[REACH][2] == "only -1, 0"
    assert broken[NUMBERS][2] == "NaN or infinity"
    assert "operation original_product, input 0" in broken[DERIVATIVES][0]
    # At two bits, what one bit does wrong is not there.
    two = check("original_layers:QLinear:bits=2", tmp_path, env)
    assert two.keys() == {FROZEN, NUMBERS, CLIMB, DERIVATIVES}


def test_the_faults_of_the_layer_of_signs(install_plugins: Install, tmp_path: Path) -> None:
    broken = check("original_layers:BLinear", tmp_path, install_plugins("original_layers"))
    assert broken.keys() == {ZERO, DERIVATIVES}
    assert broken[ZERO][2].startswith("-1, 0, 1: zero is a value of its own")


# What is replaced in the source by what. A scale that is kept needs a few lines.
MENDS: dict[str, list[tuple[str, str]]] = {
    FROZEN: [
        ("x, *, bits):", "x, *, bits, greatest=None):"),
        ("def codes(x, bits):", "def codes(x, bits, greatest):"),
        ("codes(x, bits)\n", "codes(x, bits, greatest)\n"),
        ("codes(x.data, bits)\n", "codes(x.data, bits, greatest)\n"),
        ("greatest = greatest_of(x)", "greatest = greatest or greatest_of(x)"),
        (
            "return quantize(y, bits=self.bits)",
            "if self.training:\n"
            "            self.greatest.data[...] = greatest_of(y.data)\n"
            "        return quantize(y, bits=self.bits, greatest=float(self.greatest.data))",
        ),
        ("self.bits = bits", "self.bits = bits\n        self.greatest = Buffer(np.zeros(()))"),
        ("import Parameter", "import Buffer, Parameter"),
    ],
    REACH: [
        (
            "np.clip(code, -half, half - 1)",
            "np.clip(code, -half, half - 1) if bits > 1 else np.where(x < 0, -1, 1)",
        )
    ],
    NUMBERS: [("return np.max(np.abs(x))", "return np.max(np.abs(x)) or 1.0")],
    CLIMB: [("g * inside * greatest", "g * inside * half / greatest")],
    DERIVATIVES: [("ops.matmul(g, weight)", "ops.matmul(g, quantized)")],
}


def mended(*laws: str) -> str:
    source = SOURCE
    for law in laws:
        for old, new in MENDS[law]:
            assert old in source, f"{old!r} is not there to be mended"
            source = source.replace(old, new)
    return source


@pytest.mark.parametrize("law", MENDS)
def test_a_fault_that_is_mended_is_not_found(law: str, tmp_path: Path) -> None:
    (tmp_path / "mended.py").write_text(mended(law), encoding="utf-8")
    # One bit has all of the faults; but where it is a sign, the size of the batch is none of them.
    subject = "mended:QLinear" if law == REACH else "mended:QLinear:bits=1"
    assert check(subject, tmp_path).keys() == MENDS.keys() - {law}


def test_the_sign_of_zero_that_is_mended_is_not_found(tmp_path: Path) -> None:
    old = 'op("original_sign", np.sign,'
    new = 'op("original_sign", lambda x: np.where(x < 0, -1, 1).astype(x.dtype),'
    assert old in SOURCE
    (tmp_path / "mended.py").write_text(SOURCE.replace(old, new), encoding="utf-8")
    assert check("mended:BLinear", tmp_path).keys() == {DERIVATIVES}


def test_all_faults_mended_leave_a_sound_layer(tmp_path: Path) -> None:
    (tmp_path / "mended.py").write_text(mended(*MENDS), encoding="utf-8")
    assert check("mended:QLinear", tmp_path) == {}
