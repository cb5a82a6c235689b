"""``--json`` of every command: JSON on standard output, nothing else there; and no colours."""

import json
import os
import pty
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.cli.commands import make_parser
from qnn_core.machine import cpu
from qnn_core.terminal import to_json

QUICKEST = cpu.paths()[-1]

STUDY = """
[data]
load = "little_data:load"
[net]
build = "qnn_core:MLP"
sizes = [4, 3, 2]
[compare]
weights = ["binary"]
bits = [1, 32]
seeds = 2
[training]
epochs = 1
"""
LITTLE_DATA = """
import numpy as np

print("a module that speaks")

def load():
    x = np.random.default_rng(0).normal(size=(40, 4)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.int64)
    return (x[:20], y[:20]), (x[20:], y[20:])
"""
RESULTS = "config,seed,accuracy\nfloat,0,0.9\nfloat,1,0.91\nlow,0,0.8\nlow,1,0.82\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("json")
    specs = {"weight": "binary", "input": "symmetric:2,scale=1"}
    ends = {"last_weight": "binary", "last_input": "symmetric:2,scale=1"}
    model = qnn.MLP([3, 4, 2], **specs, **ends, seed=0)
    qnn.pack(model, np.zeros((1, 3))).save(made / "net.qnn")
    (made / "study.toml").write_text(STUDY)
    (made / "little_data.py").write_text(LITTLE_DATA)
    (made / "results.csv").write_text(RESULTS)
    return made


def qnn_command(folder: Path, *arguments: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "qnn_core", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | environment,
    )
    return done.returncode, done.stdout, done.stderr


# What a command is given, and what its answer must hold.
COMMANDS: dict[str, tuple[list[str], Callable[[Any], bool]]] = {
    "schemes": ([], lambda a: {s["name"] for s in a["schemes"]} == {*qnn.schemes()}),
    "info": (["net.qnn"], lambda a: a["macs"] == 20 and a["kind"] == "qnn packed model"),
    "export": (["net.qnn"], lambda a: {"integer", "qdq"} <= {f["form"] for f in a["forms"]}),
    "bench": (["--quick", "--paths", QUICKEST], lambda a: a["results"][0]["path"] == QUICKEST),
    "check": (["binary"], lambda a: a["ok"] is True),
    "export-c": (
        ["net.qnn", "-o", "c", "--input", "float32"],
        lambda a: "net.c" in a["files"] and a["cost"]["targets"]["m0"]["flash"] > 0,
    ),
    "page": (
        ["net.qnn", "-o", "net.html"],
        lambda a: (a["file"], a["nets"]) == ("net.html", ["net"]) and a["bytes"] > 0,
    ),
    # Without the files of a net; tests/boards has them, where the tools are.
    "board": (["."], lambda a: a["kind"] in ("BoardError", "FileError", "MissingToolError")),
    "new-quantizer": (["soft-ternary", "new"], lambda a: len(a["files"]) == 4),
    "compare": (
        ["study.toml", "--jobs", "1"],
        lambda a: [c["config"] for c in a["configs"]] != [] and len(a["runs"]) == 4,
    ),
    "report": (["results.csv"], lambda a: [c["n"] for c in a["configs"]] == [2, 2]),
}


def test_every_command_is_tried_here() -> None:
    choices = make_parser()._subparsers._group_actions[0].choices
    # What a shell is to read is no JSON.
    assert {*choices} - {"completion"} == COMMANDS.keys()


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_json_and_nothing_else(folder: Path, name: str) -> None:
    arguments, is_right = COMMANDS[name]
    status, out, error = qnn_command(folder, name, *arguments, "--json")
    assert is_right(json.loads(out)), (out, error)
    assert status == (1 if name == "board" else 0), error


def test_an_error_is_json_too(folder: Path) -> None:
    status, out, error = qnn_command(folder, "info", "nowhere.qnn", "--json")
    assert status == 1
    assert json.loads(out)["kind"] == "FileNotFoundError"
    assert "nowhere.qnn" in error


def test_a_file_of_json_leaves_the_text_on_the_screen(folder: Path) -> None:
    for command in (["check", "binary"], ["bench", "--quick", "--paths", QUICKEST]):
        status, out, _ = qnn_command(folder, *command, "--json", "found.json")
        assert (status, out[:1] not in ("", "{")) == (0, True)
        assert json.loads((folder / "found.json").read_text())


def test_what_json_cannot_hold_is_null() -> None:
    value = {"a": np.float32("nan"), 1: (np.arange(2), Path("x")), "c": float("inf")}
    assert json.loads(to_json(value)) == {"a": None, "1": [[0, 1], "x"], "c": None}


COLOUR = b"\x1b["


def on_a_terminal(folder: Path, *arguments: str, **environment: str) -> bytes:
    """Return what a command writes to a terminal."""
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (24, 80))
    process = subprocess.Popen(
        [sys.executable, "-m", "qnn_core", *arguments],
        cwd=folder,
        stdin=child,
        stdout=child,
        stderr=child,
        env=os.environ | environment,
    )
    os.close(child)
    written = b""
    while True:
        try:
            part = os.read(parent, 4096)
        except OSError:  # the terminal has no other side any more
            break
        if not part:
            break
        written += part
    os.close(parent)
    assert process.wait() == 0, written
    return written


@pytest.mark.parametrize("wanted", [{"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}])
@pytest.mark.parametrize(
    "arguments", [["info", "net.qnn"], ["bench", "--quick", "--paths", QUICKEST], ["schemes"]]
)
def test_nothing_is_coloured(folder: Path, arguments: list[str], wanted: dict[str, str]) -> None:
    written = on_a_terminal(folder, *arguments, **wanted)
    assert b"qnn" in written or b"bits" in written or b"matmul" in written
    assert not [part for part in written.split(COLOUR)[1:] if part[:6].split(b"m")[0].isdigit()]


def test_a_bar_is_for_terminals_only(folder: Path) -> None:
    assert b"shapes" in on_a_terminal(folder, "bench", "--quick", "--paths", QUICKEST)
    _, _, error = qnn_command(folder, "bench", "--quick", "--paths", QUICKEST, FORCE_COLOR="1")
    assert "shapes" not in error
