"""The recipes of a release are what the services that read them expect; they run elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from built import ROOT, run

pytestmark = pytest.mark.packaging

GITHUB = ROOT / ".github"
FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config")
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
ARCHITECTURES = ("x86_64", "aarch64")


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("citation-file-format", [ROOT / "CITATION.cff"]),
        ("github-workflows", WORKFLOWS),
        ("github-issue-forms", FORMS),
        ("github-issue-config", [GITHUB / "ISSUE_TEMPLATE/config.yml"]),
    ],
)
def test_files_are_valid(schema: str, files: list[Path]) -> None:
    assert files
    run(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{schema}", *files)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_actions_of_others_are_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: (.+)", path.read_text("utf-8"))
    assert used
    assert [one for one in used if not re.fullmatch(r"\S+@[0-9a-f]{40} # v[\d.]+", one)] == []


@pytest.mark.parametrize("package", ["qnn-core", "qnn-data"])
def test_wheels_are_for_every_python_since_the_first_on_both_processors(package: str) -> None:
    built = {
        tuple(name.split("-"))
        for architecture in ARCHITECTURES
        for name in _identifiers(package, architecture)
    }
    pythons = {python for python, _ in built}
    assert {"cp311", "cp312", "cp313", "cp314"} <= pythons
    assert not any(python.endswith("t") for python in pythons)
    assert built == {(p, f"manylinux_{a}") for p in pythons for a in ARCHITECTURES}


def _identifiers(package: str, architecture: str) -> list[str]:
    options = ("--platform", "linux", "--archs", architecture, "--print-build-identifiers")
    command = [sys.executable, "-m", "cibuildwheel", *options, ROOT / "packages" / package]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.split()
