"""What shells complete: commands, options, words, files; each in a real shell, if it is there."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import qnn_core as qnn
from qnn_core.cli import main
from qnn_core.cli.commands import make_parser


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("completion")
    for shell in ("bash", "zsh", "fish"):
        command = [sys.executable, "-m", "qnn_core", "completion", shell]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        (folder / shell).write_text(done.stdout)
    (folder / "net.qnn").touch()
    return folder


def run(shell: str, folder: Path, program: str) -> list[str]:
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    quiet = {"bash": ["--norc", "--noprofile"], "zsh": ["-f"], "fish": ["--no-config"]}[shell]
    command = [shell, *quiet, "-c", program]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


def bash(folder: Path, *words: str) -> list[str]:
    """Return what bash offers for the last word of a line."""
    quoted = " ".join(f"'{word}'" for word in words)
    program = (
        f"source ./bash; complete -p qnn > /dev/null; COMP_WORDS=({quoted}); "
        f"COMP_CWORD={len(words) - 1}; _qnn; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    return run("bash", folder, program)


def test_bash_completes_commands(scripts: Path) -> None:
    commands = {*make_parser()._subparsers._group_actions[0].choices}
    assert {*bash(scripts, "qnn", "")} == commands | {"--help", "--version"}
    assert bash(scripts, "qnn", "sch") == ["schemes"]


def test_bash_completes_options_and_what_they_may_be(scripts: Path) -> None:
    assert bash(scripts, "qnn", "info", "--l") == ["--limit"]
    assert bash(scripts, "qnn", "export", "net.qnn", "--form", "q") == ["qdq", "qonnx"]
    assert bash(scripts, "qnn", "export-c", "net.qnn", "--target", "m") == ["m0", "m4"]
    assert "--retry" in bash(scripts, "qnn", "compare", "-")


def test_bash_completes_schemes_and_leaves_the_rest_to_files(scripts: Path) -> None:
    assert {*bash(scripts, "qnn", "check", "")} == {*qnn.schemes()}
    assert bash(scripts, "qnn", "info", "") == []  # then files, by `complete -o default`
    assert bash(scripts, "qnn", "info", "--limit", "") == []
    offered = run("bash", scripts, "source ./bash; complete -p qnn")
    assert offered[:3] == ["complete", "-o", "default"]


def test_fish_completes_commands_options_and_words(scripts: Path) -> None:
    def offered(line: str) -> list[str]:
        found = run(
            "fish", scripts, f"source ./fish; complete -C '{line}' | string split -f1 \\t; or true"
        )
        return [word for word in found if word]

    assert offered("qnn sch") == ["schemes"]
    assert offered("qnn info --li") == ["--limit"]
    assert offered("qnn export x --form q") == ["qdq", "qonnx"]
    assert {*offered("qnn check ")} >= {*qnn.schemes()}
    assert "net.qnn" in offered("qnn info n")


def test_zsh_takes_the_script(scripts: Path) -> None:
    program = "source ./zsh; whence -w _qnn; print -r -- ${_comps[qnn]}"
    assert run("zsh", scripts, program)[:2] == ["_qnn:", "function"]
    assert "_qnn" in " ".join(run("zsh", scripts, program)[2:])


def test_another_shell_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["completion", "tcsh"])
    assert "invalid choice: 'tcsh'" in capsys.readouterr().err
