"""docs/where-bits-are-lost.md: its program runs, and prints what the page shows but for numbers."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import qnn_core as qnn

PAGE = Path(__file__).parents[1] / "docs" / "where-bits-are-lost.md"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def shape(text: str) -> list[str]:
    """The words of each line: numbers, rules and marks of choice differ from machine to machine."""
    lines = (re.sub(r"[-+*<=|]|\b[\d.,]*\d\b", " ", line).split() for line in text.splitlines())
    return [" ".join(words) for words in lines if words]


@pytest.mark.slow
def test_the_program_prints_what_the_page_shows(tmp_path: Path) -> None:
    fences = FENCE.findall(PAGE.read_text(encoding="utf-8"))
    programs = [text for language, text in fences if language == "python"]
    shown = "".join(text for language, text in fences if not language)
    script = tmp_path / "program.py"
    script.write_text("".join(programs), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert shape(done.stdout) == shape(shown)
    assert qnn.load(tmp_path / "digits.qnn").nbytes <= 100_000
    assert (tmp_path / "digits.qnn").stat().st_size <= 100_000
    assert (tmp_path / "where_bits_are_lost.png").stat().st_size > 10_000
