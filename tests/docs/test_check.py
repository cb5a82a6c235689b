"""The check of a site that was made finds what is broken, and nothing else."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools"
SOUND = '<h1 id="top">a</h1><a href="b.html#part">b</a><a href="https://x.example/">x</a>'


def checked(folder: Path, page: str, style: str = "") -> tuple[int, str]:
    (folder / "a.html").write_text(page, encoding="utf-8")
    (folder / "b.html").write_text('<h2 id="part">b</h2>', encoding="utf-8")
    (folder / "s.css").write_text(style, encoding="utf-8")
    command = [sys.executable, "-m", "docsite.check", str(folder)]
    done = subprocess.run(command, cwd=TOOLS, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_sound_site_passes_and_is_weighed(tmp_path: Path) -> None:
    status, said = checked(tmp_path, SOUND)
    assert status == 0
    assert "2 pages" in said
    assert "broken links and foreign files: 0" in said


@pytest.mark.parametrize(
    ("page", "style", "problem"),
    [
        ('<a href="c.html">c</a>', "", "a.html: c.html: there is no such file"),
        ('<a href="b.html#gone">b</a>', "", "a.html: b.html#gone: there is no such place in it"),
        ('<a href="#gone">b</a>', "", "a.html: #gone: there is no such place in it"),
        ('<img src="c.png">', "", "a.html: c.png: there is no such file"),
        ('<script src="https://x.example/a.js"></script>', "", "a.html fetches https://x.exa"),
        ('<link rel="stylesheet" href="//x.example/a.css">', "", "a.html fetches //x.example"),
        ("", "a { background: url(https://x.example/a.png) }", "s.css fetches something"),
        ("", 'a { background: url("//x.example/a.png") }', "s.css fetches something"),
        ("", "a { background: url( 'http://x.example/a.png') }", "s.css fetches something"),
    ],
)
def test_what_is_broken_is_said(tmp_path: Path, page: str, style: str, problem: str) -> None:
    status, said = checked(tmp_path, page, style)
    assert status == 1
    assert problem in said


def test_a_folder_without_pages_is_no_site(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "docsite.check", str(tmp_path)]
    done = subprocess.run(command, cwd=TOOLS, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "there are no pages" in done.stdout
    assert done.stderr == ""
