"""The notebooks: scripts in percent format, each with an exercise and a folded solution."""

import ast
import re
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "docs" / "notebooks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
CELL = re.compile(r"^# %%(.*)$", re.MULTILINE)


def cells(script: Path) -> list[tuple[str, str]]:
    """Return (what its first line says, text) of each cell."""
    _, *parts = CELL.split(script.read_text(encoding="utf-8"))
    return list(zip(parts[::2], parts[1::2], strict=True))


def test_there_are_the_seven_of_the_tutorials_page() -> None:
    page = (FOLDER.parent / "tutorials.md").read_text(encoding="utf-8")
    assert [f"notebooks/{script.stem}" in page for script in SCRIPTS] == [True] * len(SCRIPTS)
    assert len(SCRIPTS) == 7


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_notebook_ends_with_an_exercise_and_its_folded_solution(script: Path) -> None:
    first, *_, exercise, solution = cells(script)
    assert first[0].strip() == "[markdown]"
    assert first[1].strip().startswith("# # ")
    assert "# ## Exercise" in exercise[1]
    assert "hide-cell" in solution[0]
    assert "print(" in solution[1]  # it shows its answer
    hidden = [kind for kind, _ in cells(script) if "hide-cell" in kind]
    assert len(hidden) == 1


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_notebook_needs_no_data_but_what_is_bundled(script: Path) -> None:
    names = [
        ast.literal_eval(node.args[0])
        for node in ast.walk(ast.parse(script.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "qnn_data.load"
    ]
    assert set(names) <= {"mnist-mini"}
