"""The four packages have one version, which tags make, and which builds without tags have too."""

import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from versioningit import get_version

ROOT = Path(__file__).parents[1]
PACKAGES = ("qnn-core", "qnn-quantizers", "qnn-data", "qnn-compare")
ENTRY = re.compile(r"(?m)^## \[(.+)\] - (unreleased|\d{4}-\d\d-\d\d)$")
NEWEST = ENTRY.search((ROOT / "CHANGELOG.md").read_text("utf-8"))


def newest() -> str:
    """Return the version of the changelog's newest entry."""
    assert NEWEST, "CHANGELOG.md has no entry such as '## [0.2.0] - unreleased'"
    return NEWEST[1]


def git(folder: Path, *arguments: str) -> None:
    author = (
        "-c",
        "user.name=a",
        "-c",
        "user.email=a@example.org",
        "-c",
        "init.defaultBranch=main",
    )
    subprocess.run(["git", *author, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository of one commit that has the packages' settings and a file beside them."""
    folder = tmp_path / "tree"
    for name in PACKAGES:
        package = folder / "packages" / name
        package.mkdir(parents=True)
        shutil.copy(ROOT / "packages" / name / "pyproject.toml", package)
    (folder / "README.md").touch()
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "One")
    return folder


def one(tree: Path) -> str:
    """Return the version that all packages of a tree have."""
    found = {get_version(tree / "packages" / name, write=False) for name in PACKAGES}
    assert len(found) == 1, found
    return found.pop()


def test_installed_packages_agree() -> None:
    assert len({version(name) for name in PACKAGES}) == 1


def test_the_changelog_begins_with_the_version_that_the_packages_lead_to() -> None:
    told = subprocess.run(
        [sys.executable, ROOT / "tools/version.py"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == newest()


def test_the_citation_is_of_that_version_and_has_a_date_when_it_is_released() -> None:
    assert NEWEST
    lines = (ROOT / "CITATION.cff").read_text("utf-8").splitlines()
    assert f"version: {newest()}" in lines
    dates = [line for line in lines if line.startswith("date-released: ")]
    assert dates == ([] if NEWEST[2] == "unreleased" else [f"date-released: {NEWEST[2]}"])


@pytest.mark.parametrize("name", ["qnn-quantizers", "qnn-compare"])
def test_packages_take_the_qnn_core_of_their_version(name: str) -> None:
    project = tomllib.loads((ROOT / "packages" / name / "pyproject.toml").read_text("utf-8"))
    (core,) = (
        requirement
        for requirement in map(Requirement, project["project"]["dependencies"])
        if requirement.name == "qnn-core"
    )
    major, minor, _ = newest().split(".")
    for taken in (newest(), f"{newest()}.dev0", f"{newest()}.dev7+g1a2b3c4"):
        assert core.specifier.contains(taken, prereleases=True)
    assert not core.specifier.contains(f"{major}.{int(minor) + 1}.0")


def test_a_tag_is_the_version_and_commits_behind_it_are_counted(tree: Path) -> None:
    git(tree, "tag", "not-a-version")
    git(tree, "tag", "v9.8.7")
    assert one(tree) == "9.8.7"
    (tree / "README.md").write_text("changed")
    assert one(tree) == "9.8.7+changed"
    git(tree, "commit", "-qam", "Two")
    assert re.fullmatch(rf"{re.escape(newest())}\.dev1\+g[0-9a-f]+", one(tree))
    (tree / "README.md").write_text("again")
    assert re.fullmatch(rf"{re.escape(newest())}\.dev1\+g[0-9a-f]+\.changed", one(tree))


def test_without_tags_or_git_the_version_is_the_next_one(tree: Path, tmp_path: Path) -> None:
    expected = f"{newest()}.dev0"
    assert one(tree) == expected  # no tag
    git(tree, "tag", "v9.8.7")
    git(tree, "commit", "-q", "--allow-empty", "-m", "Two")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "-q", "--depth=1", "--no-tags", f"{tree.as_uri()}", str(shallow))
    assert one(shallow) == expected
    shutil.copytree(tree / "packages", tmp_path / "elsewhere" / "packages")
    assert one(tmp_path / "elsewhere") == expected
    # As noxfile.py does: in the tree, and not of it.
    (tree / ".git/info/exclude").write_text("/.nox/\n")
    shutil.copytree(tree / "packages", tree / ".nox" / "packages")
    assert one(tree / ".nox") == expected


def test_an_sdist_keeps_its_version_wherever_it_is_unpacked(tree: Path) -> None:
    git(tree, "tag", "v9.8.7")
    (tree / ".git/info/exclude").write_text("/unpacked/\n")
    shutil.copytree(tree / "packages", tree / "unpacked" / "packages")
    for name in PACKAGES:
        said = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.2.3\n"
        (tree / "unpacked/packages" / name / "PKG-INFO").write_text(said)
    assert one(tree / "unpacked") == "1.2.3"


def test_a_release_says_what_the_changelog_says_of_it() -> None:
    script = [sys.executable, ROOT / "tools/version.py", "--changes"]
    told = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    assert told.strip()
    _, _, rest = (ROOT / "CHANGELOG.md").read_text("utf-8").partition(f"## [{newest()}]")
    assert told.strip() in rest
    assert "## [" not in told


def test_another_number_is_written_everywhere(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    shutil.copy(ROOT / "CITATION.cff", tmp_path)
    for name in PACKAGES:
        (tmp_path / "packages" / name).mkdir(parents=True)
        shutil.copy(ROOT / "packages" / name / "pyproject.toml", tmp_path / "packages" / name)
    script = [sys.executable, tmp_path / "tools/version.py"]
    subprocess.run([*script, "12.34.0"], check=True)
    assert subprocess.run(script, capture_output=True, text=True, check=True).stdout == "12.34.0\n"
    assert one(tmp_path) == "12.34.0.dev0"
    files = [*tmp_path.glob("packages/*/pyproject.toml"), tmp_path / "CITATION.cff"]
    written = "".join(path.read_text("utf-8") for path in files)
    major, minor, _ = newest().split(".")
    assert written.count('"qnn-core==12.34.*"') == 2
    assert f"qnn-core=={major}.{minor}.*" not in written
    assert "\nversion: 12.34.0\n" in written
    done = subprocess.run([*script, "next"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "got next" in done.stderr
