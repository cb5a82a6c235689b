"""Results of nets that were trained elsewhere get the same verdicts and the same report."""

import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qnn_compare import Comparison
from qnn_compare.metric import Metric, metric_of
from qnn_compare.report.figures import pictures
from qnn_core.errors import CompareError, SpecError

SAMPLES = 4000
SHARES = {"float": 0.98, "4 bits": 0.98, "1 bit": 0.93}


def answers(seeds: int = 4, samples: int = SAMPLES) -> dict[str, dict[int, Any]]:
    rng = np.random.default_rng(0)
    return {
        name: {seed: rng.random(samples) < share for seed in range(seeds)}
        for name, share in SHARES.items()
    }


def verdicts(comparison: Comparison) -> dict[str, str]:
    return {pair.config: pair.verdict for pair in comparison.against()}


def write(path: Path, header: list[str], rows: list[list[Any]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def by_sample(path: Path, results: dict[str, dict[int, Any]]) -> Path:
    rows = [
        [config, seed, sample, int(right)]
        for config, runs in results.items()
        for seed, run in runs.items()
        for sample, right in enumerate(run)
    ]
    return write(path, ["config", "seed", "sample", "accuracy"], rows)


def test_answers_get_verdicts_and_a_report(tmp_path: Path) -> None:
    comparison = Comparison.from_results(answers(), margin=0.01)
    assert comparison.reference.name == "float"
    assert verdicts(comparison) == {"4 bits": "equivalent", "1 bit": "worse"}
    assert comparison.images == SAMPLES
    assert [picture.name for picture in pictures(comparison)] == ["differences"]
    page = comparison.report(tmp_path / "report.html").read_text("utf-8")
    assert "within one point of float; 1 bit costs" in page
    assert "How to reproduce it" not in page
    assert comparison.report(tmp_path / "report.md").exists()
    text = str(comparison)
    assert text.startswith(
        "4 bits costs nothing that matters here: within one point of float; 1 bit costs"
    )
    assert "bytes" not in text
    with pytest.raises(CompareError, match="kept where it was"):
        comparison.save(tmp_path / "store")


def test_names_and_references_are_the_users_own() -> None:
    results = {f"my net, {name} é": runs for name, runs in answers().items()}
    comparison = Comparison.from_results(results, reference="my net, 4 bits é", margin=0.01)
    assert verdicts(comparison)["my net, 1 bit é"] == "worse"
    assert "my net, 4 bits é" in comparison.table("markdown")
    assert Comparison.from_results(results).reference.name == "my net, float é"  # the first


def test_errors_are_lower_the_better(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    results = {
        name: {seed: rng.exponential(scale, 2000) for seed in range(5)}
        for name, scale in (("float", 2.0), ("8 bits", 2.0), ("2 bits", 3.0))
    }
    comparison = Comparison.from_results(results, margin=0.3, metric="MAE", higher_is_better=False)
    assert verdicts(comparison) == {"8 bits": "equivalent", "2 bits": "worse"}
    assert str(comparison).startswith(
        "8 bits costs nothing that matters here: within 0.3 of float; 2 bits is worse by "
    )
    table = comparison.table("csv").split("\n")
    assert "MAE" in table[0]
    comparison.report(tmp_path / "report.html")


def test_one_number_a_run_will_do() -> None:
    means = {n: {s: float(r.mean()) for s, r in runs.items()} for n, runs in answers().items()}
    comparison = Comparison.from_results(means, margin=0.02)
    assert verdicts(comparison)["1 bit"] == "worse"
    assert comparison.images == 0
    assert "test samples" not in str(comparison).partition("series")[0].partition("\n\n")[0]


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"float": {0: 98.4}}, "98.4 is no share"),
        ({}, "no run of 'results'"),
        ({"float": {}}, "no run of 'float'"),
        ([1], "must be a mapping"),
    ],
)
def test_other_results_are_refused(results: Any, message: str) -> None:
    with pytest.raises((SpecError, CompareError), match=message):
        Comparison.from_results(results)


def test_unknown_references_and_margins_are_refused() -> None:
    with pytest.raises(SpecError, match="no config 'W4' to compare with; there are float, 4 bits"):
        Comparison.from_results(answers(), reference="W4")
    with pytest.raises(CompareError, match="margin must be a number above 0"):
        Comparison.from_results(answers(), margin=0)


# CSV files


def test_a_file_says_the_same_as_its_answers(tmp_path: Path) -> None:
    results = answers(seeds=3, samples=300)
    path = by_sample(tmp_path / "results.csv", results)
    ours, theirs = Comparison.from_results(results), Comparison.read_csv(path)
    assert theirs.against() == ours.against()
    assert theirs.metric.name == "accuracy"
    # In any order of lines, and with what spreadsheets put before a file.
    header, *lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([header, *sorted(lines, reverse=True)]), "utf-8-sig")
    assert {p.config: p for p in Comparison.read_csv(path).against()} == {
        p.config: p for p in Comparison.from_results(results, "float").against()
    }


def test_the_command_reports_on_a_file(tmp_path: Path) -> None:
    path = by_sample(tmp_path / "results.csv", answers(samples=2000))
    told = subprocess.run(
        [Path(sys.executable).with_name("qnn"), "report", str(path), "--margin", "0.02"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip # one call
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(
        "4 bits costs nothing that matters here: within 2 points of float"
    )
    assert (tmp_path / "results.html").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("config,accuracy\nfloat,0.9\n", ":1: the columns must be config, seed and a metric"),
        ("config,seed,a,b\nfloat,0,1,2\n", ":1: which of a, b is the metric"),
        ("config;seed;accuracy\nfloat;0;1\n", "values are parted by commas"),
        ("", ":1: the columns must be .* got none"),
        ("config,seed,accuracy\nfloat,x,0.9\n", ":2: seed must be a whole number, got 'x'"),
        ("config,seed,accuracy\nfloat,0,high\n", ":2: accuracy must be a number, got 'high'"),
        ("config,seed,accuracy\nfloat,0,nan\n", ":2: accuracy must be a number, got 'nan'"),
        ("config,seed,accuracy\nfloat,0\n", ":2: a value is missing"),
        ("config,seed,accuracy\nfloat,0,0.9,1\n", ":2: a value is missing, or one is too many"),
        ("config,seed,accuracy\nfloat,0,0.9\nfloat,0,0.8\n", ":3: float, seed 0, is there twice"),
        (
            "config,seed,sample,accuracy\nfloat,0,a,1\nfloat,0,b,1\nlow,0,a,1\n",
            "float, seed 0 has sample 'b', and low, seed 0 has none",
        ),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "results.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(CompareError, match=message):
        Comparison.read_csv(path)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CompareError, match="cannot be read"):
        Comparison.read_csv(tmp_path / "none.csv")
    path = tmp_path / "results.csv"
    path.write_bytes(b"config,seed,accuracy\n\xff\xfe,0,1\n")
    with pytest.raises(CompareError, match="is no CSV file"):
        Comparison.read_csv(path)


# Data frames


def test_a_frame_has_a_row_for_each_config() -> None:
    pandas = pytest.importorskip("pandas")  # what is not installed cannot be tried
    comparison = Comparison.from_results(answers(), margin=0.01)
    found = comparison.to_frame("pandas")
    assert isinstance(found, pandas.DataFrame)
    assert [*found["config"]] == [*SHARES]
    assert found["verdict"][2] == "worse"


def test_without_a_library_a_frame_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    comparison = Comparison.from_results(answers())
    for name in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(CompareError, match="pandas or polars is not installed: pip install"):
        comparison.to_frame()
    with pytest.raises(CompareError, match="polars is not installed: pip install polars"):
        comparison.to_frame("polars")
    with pytest.raises(SpecError, match="'pandas' or 'polars', got 'arrow'"):
        comparison.to_frame("arrow")


@pytest.mark.parametrize(
    ("name", "higher", "shares"),
    [
        ("accuracy", True, True),
        ("acc", True, True),
        ("val_acc", True, True),
        ("loss", False, False),
        ("test loss", False, False),
        ("RMSE", False, False),
        ("R2", True, False),
    ],
)
def test_the_name_of_a_metric_says_which_direction_is_better(
    name: str, higher: bool, shares: bool
) -> None:
    assert metric_of(name) == Metric(name, higher, shares)


def test_a_loss_that_is_greater_is_worse(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    lines = [f"{c},{s},{0.1 + (c == 'b') * (0.2 + s / 1000)}" for c in "ab" for s in range(4)]
    path.write_text("\n".join(["config,seed,loss", *lines]), "utf-8")
    [pair] = Comparison.read_csv(path, margin=0.01).against()
    assert pair.verdict == "worse"


@pytest.mark.parametrize("name", ["latency", "accuracy loss"])
def test_a_name_that_does_not_say_is_asked_for(name: str) -> None:
    with pytest.raises(CompareError, match=r"is more of .* better, or less"):
        Comparison.from_results({"a": {0: 1.0}, "b": {0: 2.0}}, metric=name)


def test_a_margin_in_points_is_no_share() -> None:
    runs = {seed: np.arange(100) > seed for seed in range(3)}
    with pytest.raises(CompareError, match=r"0\.5, which is 50 points: divide points by 100"):
        Comparison.from_results({"a": runs, "b": runs}, margin=0.5)
    found = Comparison.from_results({"a": runs, "b": runs}, margin=0.01)
    with pytest.raises(CompareError, match="1, which is 100 points"):
        found.asking(margin=1)
    # Of what is no share it may be anything.
    errors = {seed: np.arange(100.0) + seed for seed in range(3)}
    assert Comparison.from_results({"a": errors, "b": errors}, metric="MAE", margin=5).margin == 5


def test_seeds_that_are_not_shared_are_the_reason() -> None:
    runs = {name: dict.fromkeys(seeds, 0.9) for name, seeds in (("a", (0, 1)), ("b", (2, 3)))}
    text = str(Comparison.from_results(runs))
    assert "the same ones of each config." in " ".join(text.split())
    assert "store" not in text


def test_the_same_difference_at_all_seeds_says_what_is_missing() -> None:
    runs = {name: {seed: 0.9 + seed / 100 for seed in range(4)} for name in ("a", "b")}
    runs["b"] = {seed: accuracy + 0.05 for seed, accuracy in runs["a"].items()}
    text = " ".join(str(Comparison.from_results(runs)).split())
    assert "nothing shows what training varies by" in text
    assert "would decide it" not in text


def test_records_of_each_kind() -> None:
    comparison = Comparison.from_results(answers(), margin=0.01)
    counts = {of: len(comparison.records(of)) for of in ("configs", "runs", "epochs", "pairs")}
    configs, seeds = len(comparison.configs), len(comparison.seeds)
    assert counts == {
        "configs": configs,
        "runs": configs * seeds,
        "epochs": 0,  # of what was trained elsewhere nothing is known
        "pairs": configs * (configs - 1) // 2,
    }
    first = comparison.records("runs")[0]
    assert first["accuracy"] == comparison.of(comparison.configs[0])[0].accuracy
    assert [pair["verdict"] for pair in comparison.records("pairs")] == [
        pair.verdict for pair in comparison.pairs
    ]
    # All of a kind have the same fields, as frames want.
    for of in counts:
        assert len({tuple(record) for record in comparison.records(of)}) <= 1
    with pytest.raises(SpecError, match="'run'; did you mean 'runs'"):
        comparison.records("run")


@pytest.mark.parametrize("backend", ["pandas", "polars"])
@pytest.mark.parametrize("of", ["configs", "runs", "pairs"])
def test_frames_hold_records(backend: str, of: str) -> None:
    pytest.importorskip(backend)  # what is not installed cannot be tried
    comparison = Comparison.from_results(answers(), margin=0.01)
    found = comparison.to_frame(backend, of)
    assert [*found.columns] == [*comparison.records(of)[0]]
    assert len(found) == len(comparison.records(of))


def test_a_config_that_is_the_reference_takes_nothing_from_others() -> None:
    rng = np.random.default_rng(0)
    floats = {seed: rng.normal(size=200) ** 2 for seed in range(4)}
    worse = {seed: x + 0.3 + 0.01 * rng.normal(size=200) for seed, x in floats.items()}
    for more in ({}, {"same": floats}, {"same": floats, "again": floats}):
        found = Comparison.from_results(
            {"fp": floats, "q": worse, **more}, "fp", 0.1, metric="loss"
        )
        pairs = {pair.config: pair for pair in found.against()}
        assert pairs["q"].verdict == "worse"
        assert pairs["q"].p_holm is not None
        assert pairs["q"].p_holm < 0.05


def test_the_guard_of_the_baseline_is_for_accuracies() -> None:
    found = Comparison.from_results({"float": {0: 1.5}, "q": {0: 3.0}}, metric="loss")
    assert found.untold == ""
    assert "ahead" not in str(found)
    assert [run["loss"] for run in found.records("runs")] == [1.5, 3.0]


def test_of_several_columns_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("config,seed,loss,accuracy,note\nfloat,0,1,0.9,x\na,0,2,0.8,y\n", "utf-8")
    found = Comparison.read_csv(path, metric="accuracy")
    assert found.results["a", 0].accuracy == 0.8
    assert Comparison.read_csv(path, metric="loss").results["a", 0].accuracy == 2
    with pytest.raises(CompareError, match="there is no column 'acc', got config, seed, loss"):
        Comparison.read_csv(path, metric="acc")
    told = subprocess.run(
        [Path(sys.executable).with_name("qnn"), "report", str(path), "--metric", "accuracy"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip # one call
    assert told.returncode == 0, told.stderr


def test_directions_are_said() -> None:
    with pytest.raises(CompareError, match="is more of 'top1_err' better, or less"):
        metric_of("top1_err")
    runs = {name: dict.fromkeys(range(3), 0.1) for name in ("float", "a")}
    assert "MAE: less is better" in str(Comparison.from_results(runs, metric="MAE"))
    assert "is better" not in str(Comparison.from_results(runs))
    (record,) = Comparison.from_results(runs).records("configs")[1:]
    assert record["weight"] is None
    assert record["train_seconds"] is None


def test_names_may_be_numbers() -> None:
    runs = answers()
    found = Comparison.from_results({32: runs["float"], 4: runs["4 bits"]}, reference=32)
    assert (found.reference.name, [*verdicts(found)]) == ("32", ["4"])
    assert "not run" not in str(found)
    with pytest.raises(CompareError, match="two configs have one name among 4, '4'"):
        Comparison.from_results({4: runs["float"], "4": runs["4 bits"]})


def test_results_from_elsewhere_are_merged() -> None:
    runs = answers()
    one = Comparison.from_results({name: runs[name] for name in ("float", "4 bits")})
    other = Comparison.from_results({name: runs[name] for name in ("float", "1 bit")})
    both = one.merge(other)
    assert verdicts(both) == verdicts(Comparison.from_results(runs))
    numbers = Comparison.from_results({"float": {0: 0.5}, "a": {0: 0.6}})
    with pytest.raises(CompareError, match=r"float, seed 0, has 0\.5 in one and 0\.25 in"):
        numbers.merge(Comparison.from_results({"float": {0: 0.25}}))
    with pytest.raises(CompareError, match="by accuracy, and the other by loss"):
        one.merge(Comparison.from_results(runs, metric="loss"))
    fewer = Comparison.from_results({"b": answers(samples=9)["float"]})
    with pytest.raises(CompareError, match=f"they have 9 and {SAMPLES} test samples"):
        one.merge(fewer)
