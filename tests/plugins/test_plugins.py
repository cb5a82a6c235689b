"""Strangers' packages, installed by pip: the sound work everywhere, the broken harm nobody."""

import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
from install import distribution
from install_fixtures import NAMES

QNN = Path(sysconfig.get_path("scripts")) / "qnn"
TRAIN = Path(__file__).with_name("train_tiny.py")
BUILT_IN = ["apot", "binary", "codebook", "dsq", "ewgs", "logarithmic", "lsq-plus", "nf4"]
BUILT_IN += ["stochastic", "symmetric", "uniform"]

# folder: (name of the scheme, what the error says)
BROKEN = {
    "broken_import": ("needs-more", "cannot be imported: ModuleNotFoundError: .*nobody_has"),
    "broken_exit": ("quits", "cannot be imported: SystemExit"),
    "missing_name": ("absent", "cannot be imported: AttributeError: .*Absent"),
    "wrong_object": ("number", "is 7, not a subclass of qnn_core.quantizer.Quantizer"),
    "wrong_class": ("plain", "is the class Plain, not a subclass"),
    "not_frozen": ("thawed", r"must be decorated with @dataclass\(frozen=True\)"),
    "abstract_one": ("unfinished", "does not define levels"),
    "descending": ("falling", "is not a sound quantizer: .*ascend"),
    "no_default": ("bare", "cannot be made with its defaults"),
    "one_width": ("one-width", "does not take bits as an argument"),
}

Install = Callable[..., dict[str, str]]


def run(*command: object, env: dict[str, str], status: int = 0) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [str(c) for c in command], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr or status == 1, done.stderr
    return done


def listed(output: str) -> dict[str, str]:
    return {line.split()[0]: line for line in output.splitlines()[2:] if line}


def test_every_package_is_tested() -> None:
    sound = {"stranger", "some_widths", "second_symmetric", "original_layers"}
    assert set(NAMES) == {*BROKEN, *sound}


def test_a_sound_plugin_works_everywhere(install_plugins: Install) -> None:
    env = install_plugins("stranger")
    rows = listed(run(QNN, "schemes", env=env).stdout)
    assert rows["ternary"].split() == ["ternary", "2", "3", "strangers-ternary", "1.2"]
    assert {*BUILT_IN, "ternary"} == rows.keys()
    check = "from qnn_core.testing import check_quantizer; check_quantizer('ternary')"
    run(sys.executable, "-c", check, env=env)
    assert "TRAINED" in run(sys.executable, TRAIN, "ternary", env=env).stdout


def test_a_plugin_that_fails_at_some_widths_works_at_the_others(install_plugins: Install) -> None:
    env = install_plugins("some_widths")
    check = "from qnn_core.testing import check_quantizer; check_quantizer('some-widths:3')"
    run(sys.executable, "-c", check, env=env)
    done = run(QNN, "schemes", env=env, status=1)
    assert "some-widths 1.2" in done.stderr
    assert "ZeroDivisionError" in done.stderr
    rows = listed(done.stdout)
    assert not [name for name in BUILT_IN if "unusable" in rows[name]]


def test_a_plugin_takes_every_option_of_quantizers(install_plugins: Install) -> None:
    env = install_plugins("stranger")
    options = ["axis=0", "ste=triangle", "scale=0.5", "scale=calibrated,calibration=mse"]
    checks = ";".join(f"check_quantizer('ternary:{option}')" for option in options)
    program = f"from qnn_core.testing import check_quantizer;{checks};print('all sound')"
    # A law that is broken is an error, before that is printed.
    assert run(sys.executable, "-c", program, env=env).stdout == "all sound\n"


def test_what_is_not_installed_is_not_there(install_plugins: Install) -> None:
    env = install_plugins("stranger")
    program = "import qnn_core; qnn_core.get_quantizer('ternari')"
    done = run(sys.executable, "-c", program, env=env, status=1)
    assert "did you mean 'ternary'" in done.stderr
    done = run(sys.executable, "-c", program, env={**env, "PYTHONPATH": ""}, status=1)
    assert "ternary" not in done.stderr


@pytest.mark.parametrize("folder", BROKEN)
def test_a_broken_plugin_is_blamed_by_name_and_harms_nobody(
    install_plugins: Install, folder: str
) -> None:
    env, (name, message) = install_plugins(folder, "stranger"), BROKEN[folder]
    program = f"""
import pytest, qnn_core
from qnn_core.errors import PluginError
with pytest.raises(PluginError, match={message!r}) as caught:
    qnn_core.get_quantizer({name!r})
assert "{distribution(folder)} 1.2" in str(caught.value), caught.value
for good in {[*BUILT_IN, "ternary"]}:
    qnn_core.get_quantizer(good)
assert {name!r} in qnn_core.schemes()
"""
    run(sys.executable, "-c", program, env=env)
    done = run(QNN, "schemes", env=env, status=1)
    rows = listed(done.stdout)
    assert "unusable" in rows[name]
    assert distribution(folder) in done.stderr
    assert not [row for good in (*BUILT_IN, "ternary") if "unusable" in (row := rows[good])]


def test_a_failed_import_keeps_its_cause(install_plugins: Install) -> None:
    program = "import qnn_core; qnn_core.get_quantizer('needs-more')"
    done = run(sys.executable, "-c", program, env=install_plugins("broken_import"), status=1)
    assert "ModuleNotFoundError: No module named 'a_module_that_nobody_has'" in done.stderr
    assert "direct cause" in done.stderr


def test_a_name_claimed_twice(install_plugins: Install) -> None:
    env = install_plugins("second_symmetric", "stranger")
    program = "import qnn_core; qnn_core.get_quantizer('symmetric:4')"
    error = run(sys.executable, "-c", program, env=env, status=1).stderr.splitlines()[-1]
    assert "qnn-quantizers" in error
    assert "second-symmetric 1.2" in error
    rows = listed(run(QNN, "schemes", env=env, status=1).stdout)
    assert "unusable" in rows["symmetric"]
    assert "unusable" not in rows["ternary"] + rows["uniform"]
    assert "TRAINED" in run(sys.executable, TRAIN, "uniform:4", env=env).stdout


def test_all_together(install_plugins: Install) -> None:
    env = install_plugins(*NAMES)
    done = run(QNN, "schemes", env=env, status=1)
    rows = listed(done.stdout)
    unusable = {name for name, row in rows.items() if "unusable" in row}
    assert unusable == {"symmetric", "some-widths", *(name for name, _ in BROKEN.values())}
    assert all(distribution(folder) in done.stderr for folder in BROKEN)
    assert "TRAINED" in run(sys.executable, TRAIN, "ternary", env=env).stdout
