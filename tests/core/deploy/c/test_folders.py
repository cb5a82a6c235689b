"""What lies beside the C: it is built, run and read here as its users do it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from c_nets import MEAN, STD, image_net, linear_net, pixels

NAME = "net"  # the default, and a word that CMake and Zephyr may have other ideas of


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of a small net."""
    folder = tmp_path_factory.mktemp("export") / "c"
    linear_net().export_c(folder, transform=(MEAN, STD), samples=pixels(4, 20))
    return folder


def run(*words: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [str(word) for word in words], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_files_are_the_same_each_time(folder: Path, tmp_path: Path) -> None:
    again = linear_net().export_c(tmp_path / "c", transform=(MEAN, STD), samples=pixels(4, 20))
    written = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}
    assert written == {*again.files}
    for name in again.files:
        assert (folder / name).read_bytes() == (tmp_path / "c" / name).read_bytes(), name


@pytest.mark.skipif(shutil.which("cmake") is None, reason="there is no cmake")
def test_cmake_builds_the_library_and_runs_the_selftest(tmp_path: Path) -> None:
    name = "test"  # a name that CMake keeps for itself
    linear_net().export_c(tmp_path, name=name, transform=(MEAN, STD))
    run("cmake", "-B", "build", "-DCMAKE_C_FLAGS=-Wall -Wextra -Werror", cwd=tmp_path)
    run("cmake", "--build", "build", cwd=tmp_path)
    assert list((tmp_path / "build").glob("lib*.a"))
    told = run("ctest", "--test-dir", "build", "--output-on-failure", "-V", cwd=tmp_path)
    assert f"{name}: PASS, 8 inputs" in told
    assert "100% tests passed, 0 tests failed out of 1" in told


@pytest.mark.skipif(shutil.which("cmake") is None, reason="there is no cmake")
def test_cmake_takes_it_as_a_part_of_a_project(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "main.cpp").write_text(
        '#include "net.hpp"\nint main() { static uint8_t x[net::inputs]; '
        "return net::predict(x) < 0; }\n"
    )
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(app C CXX)\n"
        f"add_subdirectory({folder} net)\nadd_executable(app main.cpp)\n"
        "target_link_libraries(app PRIVATE net)\n"
    )
    run("cmake", "-B", "build", cwd=tmp_path)
    run("cmake", "--build", "build", cwd=tmp_path)
    run("build/app", cwd=tmp_path)
    assert not (tmp_path / "build/net/net_test").exists()  # nobody asked for the self-test


def test_readme_shows_code_that_runs(folder: Path, tmp_path: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    c, cpp = (
        re.search(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for language in ("c", "cpp")
    )
    assert c
    assert cpp
    for block, suffix in ((c[1], "c"), (cpp[1], "cpp")):
        before, call = block.rstrip().rsplit("\n", 1)
        program = f"{before}\nint main(void)\n{{\n    {call}\n    return found < 0;\n}}\n"
        (tmp_path / f"main.{suffix}").write_text(program)
    flags = ["-Wall", "-Wextra", "-Werror", f"-I{folder}"]
    run("cc", "-std=c99", *flags, "main.c", folder / "net.c", "-o", "main", cwd=tmp_path)
    run("./main", cwd=tmp_path)
    run("cc", "-std=c99", *flags, "-c", folder / "net.c", cwd=tmp_path)
    run("c++", "-std=c++11", *flags, "main.cpp", "net.o", "-o", "pp", cwd=tmp_path)
    run("./pp", cwd=tmp_path)


def test_readme_shows_how_to_run_the_selftest(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "c")
    text = (folder / "README.md").read_text(encoding="utf-8")
    command = re.search(r"^cc .*$", text, re.MULTILINE)
    assert command
    assert run("sh", "-c", command[0], cwd=tmp_path / "c") == "net: PASS, 8 inputs\n"


def test_readme_tells_what_was_proved_and_what_it_costs(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    summary = linear_net().summary("c")
    assert "28 inputs, run by" in text  # 4 of ours, 24 of its own
    for row in summary.rows:
        assert f"| {row.path} |" in text
    for target, flash in summary.flash.items():
        line = re.search(rf"^\| {target} \(.*$", text, re.MULTILINE)
        assert line
        assert f"| {flash:,} | {summary.ram(target):,} |" in line[0]
        assert f"| {summary.cycles[target]:,} |" in line[0]
    assert "Nothing: from the input to the class there are integers only." in text


def test_readme_names_what_stays_float(tmp_path: Path) -> None:
    net = image_net(first_weight=None, first_input=None)
    net.export_c(tmp_path, transform=(MEAN, STD), float="all")
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    told = text[text.index("## What stays float") : text.index("## How it was proved")]
    assert "- layers.1: " in told
    assert "Nothing" not in told


def test_arduino_sketch_compiles_and_runs_its_loop(tmp_path: Path) -> None:
    """As C++ with the few functions of Arduino that it uses."""
    linear_net().export_c(tmp_path, transform=(MEAN, STD))
    (tmp_path / "main.cpp").write_text(
        """#include <cstdint>
#include <cstdio>
struct { void begin(long) {} template<class T> void print(T v) { show(v); }
         template<class T> void println(T v) { show(v); std::puts(""); }
         void show(const char *v) { std::printf("%s", v); }
         void show(double v) { std::printf("%g", v); }
} Serial;
static unsigned long micros() { return 0; }
static void delay(int) {}
"""
        f'#include "examples/{NAME}/{NAME}.ino"\n'
        "int main() { setup(); loop(); return 0; }\n"
    )
    sources = [f"{NAME}.c", f"{NAME}_test.c"]
    run("cc", "-c", *sources, cwd=tmp_path)
    objects = [f"{NAME}.o", f"{NAME}_test.o"]
    run("c++", "-Wall", "-Werror", "-I.", "main.cpp", *objects, "-o", "main", cwd=tmp_path)
    told = run("./main", cwd=tmp_path)
    assert told.startswith("self-test: PASS\nclass ")
    assert told.endswith(", microseconds 0\n")


def test_arduino_finds_a_library(folder: Path) -> None:
    lines = (folder / "library.properties").read_text(encoding="utf-8").splitlines()
    found = dict(line.split("=", 1) for line in lines)
    needed = "name version author maintainer sentence paragraph category url architectures"
    assert {*needed.split()} <= found.keys()
    assert (folder / found["includes"]).exists()
    # With a folder src, nothing at the top would be compiled.
    assert not (folder / "src").exists()
    # What is compiled there has no main of its own.
    for source in folder.glob("*.c"):
        run("cc", "-c", source, "-o", "one.o", cwd=folder.parent)
        assert " T main" not in run("nm", "one.o", cwd=folder.parent)


def test_platformio_finds_its_sources(folder: Path) -> None:
    about = json.loads((folder / "library.json").read_text(encoding="utf-8"))
    assert about["name"] == NAME
    assert re.fullmatch(r"\d+\.\d+\.\d+", about["version"])
    assert (folder / about["headers"]).exists()
    for word in about["build"]["srcFilter"]:
        assert (folder / word.removeprefix("+<").removesuffix(">")).exists()
    for example in about["examples"]:
        assert all((folder / example["base"] / file).exists() for file in example["files"])


def test_zephyr_finds_its_files_and_options(folder: Path) -> None:
    module = (folder / "zephyr/module.yml").read_text(encoding="utf-8")
    assert module == "name: qnn_net\nbuild:\n  cmake: zephyr\n  kconfig: zephyr/Kconfig\n"
    cmake = (folder / "zephyr/CMakeLists.txt").read_text(encoding="utf-8")
    for path in re.findall(r"\$\{CMAKE_CURRENT_LIST_DIR\}([^)\s]*)", cmake):
        assert (folder / f"zephyr{path}").exists()
    options = re.findall(r"^config (\w+)$", (folder / "zephyr/Kconfig").read_text(), re.MULTILINE)
    assert {*re.findall(r"CONFIG_(\w+)", cmake)} == {*options} == {"QNN_NET", "QNN_NET_SELFTEST"}


def test_page_calls_a_net_as_its_readme_does(tmp_path: Path) -> None:
    linear_net().export_c(tmp_path, name="digits", transform=(MEAN, STD))
    page = (Path(__file__).parents[4] / "docs/exporting-c.md").read_text(encoding="utf-8")
    readme = (tmp_path / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```c(?:pp)?\n.*?^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) == 2
    assert all(block in readme for block in shown)
