"""Names and commands that other distributions add: found, broken, missing, claimed twice."""

import subprocess
import sys
from importlib.metadata import EntryPoint
from typing import Any

import pytest
import qnn_core as qnn
from qnn_core import extensions
from qnn_core.cli import main

HERE = "importlib.metadata"  # a module that is there


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """What is installed: nothing at first."""
    points: list[EntryPoint] = []
    monkeypatch.setattr(
        extensions, "entry_points", lambda group: [p for p in points if p.group == group]
    )
    extensions.added_name.cache_clear()
    yield points
    extensions.added_name.cache_clear()


def command(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "qnn.commands")


def add_greet(add_parser: Any) -> None:
    parser = add_parser("greet", help="say hello")
    parser.add_argument("whom")
    parser.set_defaults(run=lambda options: print(f"hello {options.whom}") or 3)


def test_any_package_can_add_a_command(
    installed: list[EntryPoint], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "greeter", sys.modules[__name__])
    installed.append(command("greet", "greeter:add_greet"))
    assert main(["greet", "you"]) == 3
    assert capsys.readouterr().out == "hello you\n"


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (
            [],
            "'report' is in qnn-compare, which is not installed: pip install packages/qnn-compare",
        ),
        (
            [command("report", "nowhere_at_all:add")],
            "'report' of an unknown distribution cannot be imported: ModuleNotFoundError: ",
        ),
        (
            [command("report", f"{HERE}:nothing")],
            "'report' of an unknown distribution cannot be imported: AttributeError",
        ),
        (
            [command("report", f"{HERE}:version"), command("report", f"{HERE}:files")],
            "'report' is registered twice: by an unknown distribution (importlib.metadata:files)",
        ),
    ],
)
def test_a_command_that_cannot_be_used_says_why_and_others_can(
    installed: list[EntryPoint],
    capsys: pytest.CaptureFixture[str],
    points: list[EntryPoint],
    told: str,
) -> None:
    installed += points
    assert main(["report", "--style", "text", "folder"]) == 1
    assert capsys.readouterr().err.startswith(f"qnn: {told}")
    assert main(["schemes"]) in (0, 1)
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "(unusable: " in capsys.readouterr().out


def fails(add_parser: Any) -> None:
    raise RuntimeError("not today")


def adds_another(add_parser: Any) -> None:
    add_parser("info").set_defaults(run=print)


def sets_no_run(add_parser: Any) -> None:
    add_parser("report")


def has_no_help(add_parser: Any) -> None:
    add_parser("report", help="100% of it").set_defaults(run=print)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("fails", "'report' of an unknown distribution cannot be added: RuntimeError: not today"),
        ("adds_another", "'report' of an unknown distribution must add one command, 'report'"),
        ("sets_no_run", "'report' of an unknown distribution must add one command, 'report', and"),
        ("has_no_help", "'report' of an unknown distribution cannot be added: "),
        ("HERE", "'report' of an unknown distribution cannot be added: TypeError"),
    ],
)
def test_a_command_that_is_added_wrongly_harms_no_other(
    installed: list[EntryPoint],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    told: str,
) -> None:
    monkeypatch.setitem(sys.modules, "wrong", sys.modules[__name__])
    installed.append(command("report", f"wrong:{name}"))
    assert main(["report"]) == 1
    assert capsys.readouterr().err.startswith(f"qnn: {told}")
    assert main(["schemes"]) in (0, 1)
    with pytest.raises(SystemExit):
        main(["--help"])


def test_no_command_takes_the_place_of_one_of_ours(
    installed: list[EntryPoint], capsys: pytest.CaptureFixture[str]
) -> None:
    installed.append(command("schemes", "nowhere_at_all:add"))
    main(["schemes"])
    assert "symmetric" in capsys.readouterr().out


def test_a_name_of_a_package_that_is_missing(installed: list[EntryPoint]) -> None:
    with pytest.raises(ModuleNotFoundError, match=r"qnn\.compare is in qnn-compare, which is not"):
        _ = qnn.compare
    with pytest.raises(AttributeError):
        _ = qnn.comparison


@pytest.mark.parametrize(
    ("module", "others"),
    [
        # What a worker of a comparison imports: nothing that writes or reads files of others.
        (
            "qnn_compare.experiment.processes",
            (
                "scipy",
                "matplotlib",
                "qnn_core.deploy.c",
                "qnn_core.deploy.onnx",
                "qnn_core.importing",
            ),
        ),
        ("qnn_core.cli", ("qnn_compare", "scipy", "matplotlib")),
        ("qnn_compare.commands", ("scipy", "matplotlib", "loky")),
        ("qnn_compare.statistics", ("qnn_core", "matplotlib", "loky")),
        ("qnn_data", ("qnn_core",)),
    ],
)
def test_what_an_import_does_not_bring_along(module: str, others: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {*run.stdout.split()} & {*others}
