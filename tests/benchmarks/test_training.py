"""The training benchmark as its user runs it, with what is always there."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "training.py"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


@pytest.mark.slow
def test_quick(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    done = run("--quick", "--peers", "numpy", "--json", str(file))
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text(encoding="utf-8"))
    assert report["missing"] == {}
    ways = [(r["variant"], r["way"]) for r in report["steps"]]
    assert ways == [
        ("float", "qnn"),
        ("float", "qnn-tape"),
        ("float", "numpy"),
        ("w2a2", "qnn"),
        ("w2a2", "qnn-tape"),
    ]
    for record in report["steps"]:
        assert record["ms"] > 0
        assert record["losses"][1] < record["losses"][0]
        assert "LEARN" not in record["note"]
        assert (record["memory_mb"] is None) == (not sys.platform.startswith("linux"))
    assert [r["times_qnn"] for r in report["steps"] if r["way"] == "qnn"] == [1.0, 1.0]
    assert [r["variant"] for r in report["epoch"]] == ["float", "w2a2"]
    for record in report["epoch"]:
        assert record["data"] == "mnist-mini"
        assert record["fit_images_per_s"] > 0
        assert (record["numpy_images_per_s"] is None) == (record["variant"] != "float")
    costs = {(r["way"], r["what"]): r["ns_per_op"] for r in report["overhead"]}
    assert ("numpy", "no gradient") in costs
    assert costs["qnn", "forward, backward"] > costs["qnn", "no gradient"] > 0
    assert "training step of small (64-64-64), batch 32, SGD" in done.stdout
    marks = [(m["what"], m["beside"]) for m in report["marks"]]
    assert marks == [
        ("fit, float", "bare steps"),
        ("augmented, float", "bare steps"),
        ("fit, w2a2", "bare steps"),
        ("augmented, w2a2", "bare steps"),
    ]


@pytest.mark.slow
def test_steps_are_held_to_marks_and_to_their_own_float(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    options = ("--nets", "bn", "--variants", "float", "log3", "--peers", "--json", str(file))
    done = run("steps", "--quick", *options)
    assert done.returncode == 0, done.stderr
    report = json.loads(file.read_text(encoding="utf-8"))
    times = {(r["variant"], r["way"]): r for r in report["steps"]}
    for way in ("qnn", "qnn-tape"):
        ms = [times[variant, way]["ms"] for variant in ("float", "log3")]
        assert times["log3", way]["times_float"] == pytest.approx(ms[1] / ms[0])
    marks = {(m["what"], m["beside"]): m for m in report["marks"]}
    assert list(marks) == [("bn float", "ms"), ("bn log3", "own float")]
    found = marks["bn log3", "own float"]
    assert found["measured"] == times["log3", "qnn"]["times_float"]
    assert found["reached"] == (found["measured"] <= found["mark"])


def test_layers_describe_the_nets_that_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(SCRIPT.parent))
    layers, nets, ours = (
        importlib.import_module(f"_training_{name}") for name in ("layers", "nets", "qnn")
    )

    def count(layer: Any) -> int:
        """Return how many numbers a layer trains in float."""
        if isinstance(layer, layers.Residual):
            return sum(map(count, (*layer.body, *layer.shortcut)))
        if isinstance(layer, layers.Norm):
            return 2 * int(layer.channels)
        if isinstance(layer, layers.Conv):
            return int(layer.outputs * (layer.inputs * layer.size**2 + layer.bias))
        return 0 if isinstance(layer, layers.Plain) else layer.outputs * (layer.inputs + 1)

    float_net = nets.VARIANTS["float"]
    for net in nets.NETS.values():
        trained = ours.make(net, float_net).parameters()
        assert sum(map(count, net.layers)) == sum(p.data.size for p in trained), net.name
        x, _ = nets.batches(net, float_net, 1)[0]
        assert ours.make(net, float_net)(x).shape == (net.batch, net.classes)


@pytest.mark.skipif(os.name == "nt", reason="its interpreter is a shell script")
def test_who_is_not_there_is_named(tmp_path: Path) -> None:
    nothing = tmp_path / "nothing"
    nothing.write_text("#!/bin/sh\necho no library >&2\nexit 3\n")
    nothing.chmod(0o755)
    options = ("steps", "--quick", "--variants", "float", "--peers", "torch", "--rounds", "1")
    done = run(*options, "--python-for", f"torch={nothing}")
    assert done.returncode == 0, done.stderr
    assert "not timed:\n  torch: failed: no library" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["stepps"], "unknown mode stepps: of steps, epoch, overhead"),
        (["--python-for", "tensor=/bin/python"], "--python-for tensor: needed is PEER=PYTHON"),
        (["--python-for", "torch=/no/python"], "--python-for: there is no /no/python"),
        (["--rounds", "0"], "must be at least 1"),
    ],
)
def test_errors(arguments: list[str], message: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
