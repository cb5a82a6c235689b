"""qnn_core needs no scikit-learn, and its estimators say so where there is none."""

import subprocess
import sys

PROGRAM = """
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sklearn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Missing())
import qnn_core
assert qnn_core.MLP([2, 2], seed=0)([[1.0, 2.0]]).shape == (1, 2)
try:
    import qnn_core.sklearn
except ImportError as error:
    print(error)
"""


def printed(program: str) -> str:
    """Return what a program prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_what_is_missing_is_said() -> None:
    assert printed(PROGRAM) == (
        'qnn_core.sklearn needs scikit-learn 1.6 or later: pip install "qnn-core[sklearn]"'
    )


def test_scikit_learn_is_imported_where_it_is_asked_for() -> None:
    loaded = "print('sklearn' in sys.modules)"
    asked = f"import qnn_core, sys; {loaded}; import qnn_core.sklearn; {loaded}"
    assert printed(asked).split() == ["False", "True"]
