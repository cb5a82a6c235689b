"""The names of `qnn_core`, those of other distributions among them, and ``python -m qnn_core``."""

import inspect
import subprocess
import sys
from types import ModuleType

import pytest
import qnn_compare
import qnn_core as qnn


@pytest.mark.parametrize("module", [qnn, qnn_compare])
def test_every_name_that_is_listed_is_there(module: ModuleType) -> None:
    assert set(module.__all__) <= set(dir(module))
    assert len(set(module.__all__)) == len(module.__all__)
    for name in dir(module):
        getattr(module, name)
    assert set(dir(module)) <= dict(inspect.getmembers(module)).keys()


def test_whatever_has_a_public_name_is_listed() -> None:
    assert {"compare", "Comparison", "testing", "errors", "threads", "from_dlpack"} <= {
        *qnn.__all__
    }
    public = {n for n in vars(qnn) if not n.startswith("_")}
    # What the module itself imports to work, and former names, are nobody's business.
    unlisted = {"Any", "ModuleType", "TYPE_CHECKING", "added_name", "find_spec", "import_module"}
    assert public - unlisted - {"renamed"} <= set(dir(qnn))
    assert not (unlisted | {"renamed", "Coded"}) & set(dir(qnn))


def test_names_of_a_distribution_that_is_missing_are_not_listed() -> None:
    program = (
        "import sys; sys.modules['qnn_compare'] = None\n"
        "from qnn_core import *\n"
        "import qnn_core\n"
        "print('fit' in dir(), 'fit' in dir(qnn_core), 'fit' in qnn_core.__all__)\n"
        "print('compare' in dir(), 'compare' in dir(qnn_core), 'compare' in qnn_core.__all__)\n"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["True True True", "False False False"]


def test_the_package_is_the_command() -> None:
    def asked(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "qnn_core", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = asked("--help")
    assert done.returncode == 0
    assert done.stdout.startswith("usage: qnn ")
    missing = asked("info", "no such file")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "no such file" in missing.stderr
