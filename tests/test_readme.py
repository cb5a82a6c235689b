"""What the READMEs show is true: every Python block in them runs, examples with their output."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
READMES = [ROOT / "README.md", *sorted((ROOT / "packages").glob("*/README.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(*, examples: bool) -> list[tuple[str, str]]:
    """Return (id, text) of the blocks that are doctest examples, or of the plain programs."""
    return [
        (f"{readme.parent.name}-{number}", text)
        for readme in READMES
        for number, text in enumerate(BLOCK.findall(readme.read_text(encoding="utf-8")))
        if text.startswith(">>>") == examples
    ]


def checked_run(text: str, folder: Path) -> str:
    """Run a program in a process of its own and return what it prints."""
    script = folder / "program.py"
    script.write_text(text, encoding="utf-8")
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(("name", "text"), blocks(examples=True))
def test_example_shows_what_it_prints(name: str, text: str) -> None:
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert test.examples
    results = doctest.DocTestRunner().run(test)
    assert results.failed == 0


@pytest.mark.parametrize(("name", "text"), blocks(examples=False))
def test_program_runs(name: str, text: str, tmp_path: Path) -> None:
    checked_run(text, tmp_path)


def test_the_first_program_is_short_and_prints_a_line_for_each_arm(tmp_path: Path) -> None:
    _, text = blocks(examples=False)[0]
    assert len([line for line in text.splitlines() if line.strip()]) <= 15
    lines = checked_run(text, tmp_path).splitlines()
    assert [line.split()[0] for line in lines] == ["float", "symmetric:4", "uniform:2", "binary"]
    sizes = [int(line.split()[2].replace(",", "")) for line in lines]
    assert sizes == sorted(sizes, reverse=True)
    assert min(float(line.split()[1].rstrip("%")) for line in lines) > 85
