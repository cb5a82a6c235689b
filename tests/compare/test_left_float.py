"""What a config has left float, and why, is in its results and in the report."""

from concurrent.futures import Executor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, Config, compare
from qnn_compare.experiment.result import Result
from qnn_core.errors import CompareError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(160, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(int)
DATA = (X[:100], Y[:100]), (X[100:], Y[100:])
SMALL: dict[str, Any] = {"seeds": 2, "epochs": 1, "batch_size": 20, "progress": False}
TWO, EIGHT = "symmetric:2", "symmetric:8"
LAST = "the last layer: last_weight and last_input are None"
RULE = "the rule 'layers.0' is None"
NET = partial(qnn.MLP, sizes=[6, 8, 8, 2])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, thread: Executor) -> Path:
    store: Path = tmp_path_factory.mktemp("left") / "store"
    configs = [
        Config(),
        Config(weight=TWO, input=TWO),
        Config(weight=EIGHT, input=EIGHT),
        Config("rule", weight=TWO, rules={"layers.0": None}),
        Config("post", weight=TWO, recipe={"post_training": 20}, rules={"layers.0": None}),
        Config("all", weight=TWO, last_weight=TWO),
    ]
    compare(NET, DATA, configs=configs, executor=thread, store=store, **SMALL)
    return store


def test_each_result_has_its_layers_with_the_reasons(folder: Path) -> None:
    found = Comparison.load(folder)
    assert not found.failures
    last = {"layers.4": LAST}
    both = {"layers.0": RULE} | last
    wanted = {"float": {}, TWO: last, EIGHT: last, "rule": both, "post": both, "all": {}}
    assert {
        config.name: found.results[config.name, 1].skipped for config in found.configs
    } == wanted


def test_the_report_lists_them_by_config(folder: Path, tmp_path: Path) -> None:
    found = Comparison.load(folder)
    text = " ".join(str(found).split())
    assert f"left float, symmetric:2, symmetric:8: layers.4 ({LAST})" in text
    assert f"left float, rule, post: layers.0 ({RULE}); layers.4 ({LAST})" in text
    page = found.report(tmp_path / "report.html").read_text("utf-8")
    assert "Layers that were left float" in page
    assert "last_weight and last_input are None" in page
    assert LAST in found.report(tmp_path / "report.md").read_text("utf-8")


def test_of_all_quantized_configs_it_is_said_once(folder: Path, thread: Executor) -> None:
    configs = [Config(), Config(weight=TWO, input=TWO), Config(weight=EIGHT, input=EIGHT)]
    found = compare(NET, DATA, configs=configs, executor=thread, store=folder, **SMALL)
    assert found.sessions[-1]["cells"] == 0
    assert f"left float, in each quantized config: layers.4 ({LAST})" in " ".join(
        str(found).split()
    )


def test_results_of_before_know_nothing_of_it() -> None:
    content = Result("a", 0, skipped={"b": "c"}).to_json()
    assert Result.from_json(content).skipped == {"b": "c"}
    del content["skipped"]
    assert Result.from_json(content).skipped == {}
    with pytest.raises(ValueError, match="skipped must be reasons by layer"):
        Result.from_json(content | {"skipped": {"a": 3}})


def test_a_rule_for_no_layer_is_refused_before_a_float_net_is_trained(thread: Executor) -> None:
    trained: list[Any] = []

    def build(**given: Any) -> qnn.Module:
        return NET(**given)

    def note(model: Any, epoch: Any) -> None:
        trained.append(epoch)

    recipe = {"post_training": 20, "on_epoch": note}
    for rules, told in (
        (
            {"layer.0": None},
            r"post cannot be quantized after training: .* did you mean 'layers\.0'",
        ),
        ({"*": None}, "post cannot be quantized after training: quantize: nothing would be"),
    ):
        configs = [Config(), Config("post", weight=TWO, recipe=recipe, rules=rules)]
        with pytest.raises(CompareError, match=told):
            compare(build, DATA, configs=configs, executor=thread, **SMALL)
    assert not trained
