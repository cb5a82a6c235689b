"""What nets cost as C, as columns and on a Pareto front of their own."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, Config, compare
from qnn_compare.experiment.study_file import read_study_file
from qnn_core.errors import CompareError, SpecError

NET = partial(qnn.MLP, [12, 16, 2], batch_norm=True)
WIDE: dict[str, Any] = {"last_weight": "symmetric:4", "last_input": "uniform:4"}
CONFIGS = [
    Config(),
    Config("ends in float", weight="symmetric:2", input="uniform:2"),
    Config("2 bits", weight="symmetric:2", input="uniform:2", **WIDE),
    Config("8 bits", weight="symmetric:8", input="uniform:8", **WIDE),
]


def data() -> Any:
    x = np.random.default_rng(0).normal(size=(160, 12)).astype(np.float32)
    y = (x.sum(axis=1) > 0).astype(int)
    return (x[:100], y[:100]), (x[100:], y[100:])


def run(**arguments: Any) -> Comparison:
    given: dict[str, Any] = {"configs": CONFIGS, "seeds": 2, "epochs": 1} | arguments
    with ThreadPoolExecutor(1) as executor:
        return compare(NET, data(), executor=executor, progress=False, **given)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study") / "store"


@pytest.fixture(scope="module")
def found(folder: Path) -> Comparison:
    return run(c="m0", store=folder)


def test_costs_are_those_of_the_packed_net(found: Comparison) -> None:
    model = NET(weight="symmetric:2", input="uniform:2", **WIDE, seed=0)
    model(data()[0][0])
    summary = qnn.pack(model.eval(), data()[0][0]).summary("c", target="m0")
    assert found.cost("2 bits", "c_ram") == summary.ram("m0")
    # Trained, it may have other thresholds and lines, and their bytes.
    assert found.cost("2 bits", "c_flash") == pytest.approx(summary.flash["m0"], rel=0.1)
    assert found.cost("2 bits", "c_cycles") == pytest.approx(summary.cycles["m0"], rel=0.2)
    assert found.cost("8 bits", "c_flash") > found.cost("2 bits", "c_flash")  # type: ignore[operator] # both are known
    assert found.cost("2 bits") == found.nbytes("2 bits")
    with pytest.raises(SpecError, match="a cost is nbytes, c_flash"):
        found.cost("2 bits", "c_joules")


def test_nets_without_a_form_say_why(found: Comparison) -> None:
    assert found.cost("ends in float", "c_flash") is None
    told = " ".join(found.table().split())
    assert "no form in C, float: float='never', and this stays float: layers." in told
    assert "no form in C, ends in float: float='never', and this stays float: layers.3: " in told
    assert "no form in C, 2 bits" not in told


def test_table_and_records_have_columns(found: Comparison) -> None:
    rows = {row["config"]: row for row in found.records("configs")}
    assert rows["2 bits"]["c_flash"] == found.cost("2 bits", "c_flash")
    assert rows["float"]["c_cycles"] is None
    runs = [row for row in found.records("runs") if row["config"] == "8 bits"]
    assert [row["c_ram"] for row in runs] == [found.cost("8 bits", "c_ram")] * 2
    for word in ("C flash", "C cycles", f"{found.cost('8 bits', 'c_cycles'):,}"):
        assert word in found.table()


def test_front_is_over_what_one_asks_for(found: Comparison) -> None:
    front = found.front("c_cycles")
    assert front
    assert {config.name for config in front} <= {"2 bits", "8 bits"}
    assert found.front("nbytes") == found.pareto


def test_report_draws_it_and_says_how_it_was_asked_for(found: Comparison, tmp_path: Path) -> None:
    assert (tmp_path / "accuracy-over-cycles.png") in found.plot(tmp_path, ["png"])
    found.report(tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Nets that have no form in C" in page
    assert "Accuracy over cycles" in page
    assert "c={&#39;target&#39;: &#39;m0&#39;}" in page


def test_store_keeps_it(found: Comparison, folder: Path) -> None:
    kept = Comparison.load(folder)
    for config in found.configs:
        for of in ("c_flash", "c_ram", "c_cycles"):
            assert kept.cost(config, of) == found.cost(config, of)
        assert [r.no_c for r in kept.of(config)] == [r.no_c for r in found.of(config)]


def test_nothing_is_shown_where_nobody_asked(tmp_path: Path) -> None:
    plain = run(configs=CONFIGS[2:3])
    assert "C flash" not in plain.table()
    assert "c_flash" not in plain.records("configs")[0]
    assert not any("cycles" in path.name for path in plain.plot(tmp_path, ["png"]))


def test_float_tails_are_allowed_where_one_says_so() -> None:
    some = run(configs=CONFIGS[1:2], seeds=1, c={"target": "rv32ec", "float": "tail"})
    assert some.cost("ends in float", "c_flash")
    assert "no form in C" not in some.table()


@pytest.mark.parametrize(
    ("c", "message"),
    [
        ("m7", "compare: c: target must be one of any, rv32ec"),
        (3, "compare: c must be a target, such as 'm0', or a dictionary"),
        ({"board": "m0"}, "compare: c must be a target"),
        ({"target": "m0", "float": "some"}, "compare: c: float must be one of never"),
    ],
)
def test_other_targets_are_refused_before_anything_is_trained(c: Any, message: str) -> None:
    with pytest.raises(CompareError, match=message):
        run(c=c)


def test_study_file_says_it(tmp_path: Path) -> None:
    text = """[compare]
weights = ["symmetric"]
bits = [2]
c = "TARGET"
[net]
build = "qnn_core:MLP"
sizes = [784, 8, 10]
[data]
load = "qnn_data:load"
name = "mnist-mini"
[training]
epochs = 1
"""
    file = tmp_path / "study.toml"
    file.write_text(text.replace("TARGET", "m4"))
    assert read_study_file(file).options["c"] == "m4"
    file.write_text(text.replace("TARGET", "m5"))
    with pytest.raises(CompareError, match=r"study.toml:4: .*target must be one of"):
        read_study_file(file)
