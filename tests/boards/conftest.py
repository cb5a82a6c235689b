"""A test that lacks a tool is skipped with what would install it; so is said of whole targets."""

from collections.abc import Generator
from pathlib import Path

import pytest
from qnn_core.boards import TARGETS, CNet, missing_tools
from qnn_core.errors import MissingToolError

HERE = Path(__file__).parent


def skipping() -> Generator[None, object, object]:
    try:
        return (yield)
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    return (yield from skipping())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    return (yield from skipping())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if config.option.markexpr != "boards":
        return
    terminalreporter.section("targets")
    for target in TARGETS.values():
        missing = "; ".join(missing_tools(target))
        said = f"NOT MEASURED: {missing}" if missing else "measured"
        terminalreporter.write_line(f"{target.name}: {said}")


@pytest.fixture
def dots() -> CNet:
    """A net by hand; see its header."""
    return CNet.find(HERE / "c", "dots")
