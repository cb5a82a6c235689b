"""What the READMEs and the pages show is true.

Every Python block runs: examples with their output, programs in a process of their own. Where an
output block follows a program of a page, it is what the program prints ("..." stands for anything);
that of a README may depend on the machine. Blocks of a console run one after another in a folder.
"""

import doctest
import os
import re
import subprocess
import sys
import sysconfig
from itertools import pairwise
from pathlib import Path

import pytest
import qnn_core as qnn
from qnn_core.checks.examine import LAWS, MADE

ROOT = Path(__file__).parents[1]
READMES = [ROOT / "README.md", *sorted((ROOT / "packages").glob("*/README.md"))]
DOCS = ROOT / "docs"
# Pages whose programs are run elsewhere, with what they need: `test_recipes`, `test_where_bits_are_
# lost`, `nox -s torch`, `nox -s trackers`, `nox -s boards`.
ELSEWHERE = {"boards.md", "importing.md", "schemes.md", "trackers.md", "where-bits-are-lost.md"}
PAGES = [
    page
    for folder in (DOCS, DOCS / "how-to", DOCS / "explanation", DOCS / "reference")
    for page in sorted(folder.glob("*.md"))
    if page.name not in ELSEWHERE
]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT_MATCHES = doctest.OutputChecker().check_output


def found(document: Path) -> list[tuple[str, str, str]]:
    """Return (language, text, text of the output block that follows or "") of every block."""
    text = document.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    following = {a.start(): b for a, b in pairwise(blocks)}
    return [(b[1], b[2], _output(text, b, following.get(b.start()))) for b in blocks]


def _output(text: str, block: re.Match[str], following: re.Match[str] | None) -> str:
    """Return the text of a block without a language that stands right below another."""
    if following is None or following[1] or text[block.end() : following.start()].strip():
        return ""
    return following[2]


def blocks(documents: list[Path], *, examples: bool) -> list[tuple[str, str, str]]:
    """Return (id, text, output) of the blocks that are doctest examples, or of the programs."""
    return [
        (f"{document.parent.name}-{document.stem}-{number}", text, output)
        for document in documents
        for number, (language, text, output) in enumerate(found(document))
        if language == "python" and text.startswith(">>>") == examples
    ]


def checked_run(text: str, folder: Path) -> str:
    """Run a program in a process of its own and return what it prints."""
    script = folder / "program.py"
    script.write_text(text, encoding="utf-8")
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def check_output(expected: str, given: str) -> None:
    expected, given = (text.rstrip() + "\n" for text in (expected, given))
    assert OUTPUT_MATCHES(expected, given, doctest.ELLIPSIS), f"shown:\n{expected}\nis:\n{given}"


@pytest.mark.parametrize(("name", "text", "output"), blocks(READMES + PAGES, examples=True))
def test_example_shows_what_it_prints(name: str, text: str, output: str) -> None:
    test = doctest.DocTestParser().get_doctest(text, {}, name, None, 0)
    assert test.examples
    results = doctest.DocTestRunner().run(test)
    assert results.failed == 0


# The first of all has a test of its own, below.
@pytest.mark.parametrize(("name", "text", "output"), blocks(READMES, examples=False)[1:])
def test_program_runs(name: str, text: str, output: str, tmp_path: Path) -> None:
    checked_run(text, tmp_path)


@pytest.mark.parametrize(("name", "text", "output"), blocks(PAGES, examples=False))
def test_program_prints_what_the_page_shows(
    name: str, text: str, output: str, tmp_path: Path
) -> None:
    printed = checked_run(text, tmp_path)
    if output:
        check_output(output, printed)


WITH_CONSOLE = [page for page in PAGES if any(b[0] == "console" for b in found(page))]


@pytest.mark.parametrize("page", WITH_CONSOLE, ids=[page.stem for page in WITH_CONSOLE])
def test_console_shows_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    commands = [
        command.split("\n", 1)
        for language, text, _ in found(page)
        if language == "console"
        for command in text.removeprefix("$ ").split("\n$ ")
    ]
    assert commands
    for command, *expected in commands:
        done = subprocess.run(
            command,
            shell=True,
            cwd=tmp_path,
            env=without_network(tmp_path / "installed"),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        check_output("".join(expected), done.stdout)


def without_network(folder: Path) -> dict[str, str]:
    """An environment where pip installs into a folder, quietly, and Python finds it there."""
    scripts = sysconfig.get_path("scripts")
    return {
        **os.environ,
        "PATH": os.pathsep.join([scripts, os.environ["PATH"]]),
        "PYTHONPATH": str(folder),
        "PIP_TARGET": str(folder),
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the other way round: no isolation
        "PIP_QUIET": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def test_the_first_program_is_a_whole_study_in_twelve_lines(tmp_path: Path) -> None:
    _, text, output = blocks(READMES, examples=False)[0]
    assert len([line for line in text.splitlines() if line.strip()]) <= 12
    printed = checked_run(text, tmp_path).splitlines()
    # As shown, but for the numbers, which depend on the machine.
    for shown in output.splitlines()[:5]:
        assert shown in printed
    found = qnn.Comparison.load(tmp_path / "s")
    assert found.complete
    accuracies = [found.accuracy(config) for config in found.configs]
    assert min(estimate.mean for estimate in accuracies if estimate) > 0.85
    assert (tmp_path / "s" / "report.html").exists()


@pytest.mark.parametrize("kind", LAWS)
def test_the_page_tells_every_law_in_its_order(kind: str) -> None:
    page = (ROOT / "docs" / "writing-a-quantizer.md").read_text(encoding="utf-8")
    tables = dict(zip(LAWS, page.split("\n| law of a ")[1:], strict=True))
    rows = tables[kind].split("\n\n")[0].splitlines()[2:]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [MADE, *LAWS[kind]]
