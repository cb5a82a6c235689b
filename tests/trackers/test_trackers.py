"""What docs/trackers.md says, against the libraries themselves: `nox -s trackers`."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import qnn_core as qnn
from studies_to_compare import data, net

pytestmark = [
    pytest.mark.trackers,
    pytest.mark.filterwarnings("default"),  # theirs are none of ours
]
PAGE = (Path(__file__).parents[2] / "docs" / "trackers.md").read_text(encoding="utf-8")
PROGRAMS = dict(re.findall(r"^## (.+?)\n.*?^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def comparison() -> qnn.Comparison:
    with ThreadPoolExecutor(1) as executor:
        return qnn.compare(
            net, data(), weights=["symmetric"], bits=[2, 32], seeds=2, epochs=3, batch_size=20,
            executor=executor, progress=False,
        )  # fmt: skip # one call


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    # Files in this folder: no server, and no database to install.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlruns").as_uri())
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    return tmp_path


def run(name: str, comparison: qnn.Comparison) -> None:
    exec(PROGRAMS[name], {"comparison": comparison})


def test_files_and_frames(comparison: qnn.Comparison, folder: Path) -> None:
    polars: Any = import_module("polars")
    run("Files and frames", comparison)
    runs = polars.read_parquet(folder / "runs.parquet")
    assert runs["accuracy"].to_list() == [r["accuracy"] for r in comparison.records("runs")]
    assert polars.read_csv(folder / "runs.csv")["config"].to_list() == runs["config"].to_list()
    verdicts = polars.read_parquet(folder / "verdicts.parquet")
    assert verdicts["verdict"].to_list() == [pair.verdict for pair in comparison.pairs]


def test_mlflow(comparison: qnn.Comparison) -> None:
    mlflow: Any = import_module("mlflow")
    run("MLflow", comparison)
    kept = mlflow.search_runs(experiment_names=["bits"], output_format="list")
    found = {
        (r.data.params["config"], int(r.data.params["seed"])): r.data.metrics["accuracy"]
        for r in kept
    }
    assert found == {(r["config"], r["seed"]): r["accuracy"] for r in comparison.records("runs")}
    losses = mlflow.MlflowClient().get_metric_history(kept[0].info.run_id, "loss")
    assert [metric.step for metric in losses] == [1, 2, 3]


def test_tensorboard(comparison: qnn.Comparison, folder: Path) -> None:
    import_module("tensorboardX")
    reading: Any = import_module("tensorboard.backend.event_processing.event_accumulator")
    run("TensorBoard", comparison)
    kept = reading.EventAccumulator(str(folder / "logs" / "symmetric:2, seed 1"))
    kept.Reload()
    wanted = comparison.results["symmetric:2", 1].history
    assert [scalar.step for scalar in kept.Scalars("loss")] == [1, 2, 3]
    assert [scalar.value for scalar in kept.Scalars("test_accuracy")] == pytest.approx(
        [epoch["test_accuracy"] for epoch in wanted]
    )
