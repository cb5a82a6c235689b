"""Configs with names, options and recipes of their own, beside a grid and alone."""

import functools
import json
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, Config, Recipe, Target, compare, grid
from qnn_compare.experiment.study_file import read_study_file
from qnn_core.errors import CompareError, SpecError
from studies_to_compare import data, net

SMALL: dict[str, Any] = {"seeds": 2, "epochs": 2, "batch_size": 20, "lr": 0.01, "progress": False}
TWO = "symmetric:2"


def wide_or_deep(
    weight: Any, input: Any, seed: int, sizes: Any = (12,), scale: Any = None, **options: Any
) -> qnn.Module:
    """Return a net with other hidden layers, or other quantizers, on demand."""
    model = qnn.MLP([6, *sizes, 3], weight=weight, input=input, seed=seed, **options)
    return model if scale is None else qnn.Sequential(model, scale())


class Doubled(qnn.Module):
    """Twice the input."""

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return 2 * x


CONFIGS = [
    Config(),
    Config("two", weight=TWO, input=TWO),
    Config("two, first 8", weight=TWO, input=TWO, first_weight="symmetric:8"),
    Config("two, slow", weight=TWO, input=TWO, recipe={"lr": 0.001, "epochs": 3}),
    Config("two, wide", weight=TWO, input=TWO, sizes=(24,)),
    Config("two after", weight=TWO, input=TWO, recipe={"post_training": 50}),
]


@pytest.fixture(scope="module")
def found(thread: Executor) -> Comparison:
    return compare(wide_or_deep, data, configs=CONFIGS, executor=thread, **SMALL)


def same_numbers(one: Any, other: Any) -> bool:
    return np.array_equal(one.correct, other.correct) and (one.loss, one.nbytes, one.history) == (
        other.loss, other.nbytes, other.history,
    )  # fmt: skip


def test_names_are_the_users_own(found: Comparison) -> None:
    assert [config.name for config in found.configs] == [config.name for config in CONFIGS]
    assert not found.failures
    assert "two, first 8" in found.table()
    assert found.float_config is found.configs[0]


@pytest.mark.parametrize(
    ("name", "changes", "options"),
    [
        ("two", {}, {}),
        ("two, first 8", {}, {"first_weight": "symmetric:8"}),
        ("two, slow", {"lr": 0.001, "epochs": 3}, {}),
        ("two, wide", {}, {"sizes": (24,)}),
    ],
)
def test_a_config_is_what_it_says(
    found: Comparison, thread: Executor, name: str, changes: Any, options: Any
) -> None:
    """The same as a study of one config whose builder and recipe are so for all."""
    alone = compare(
        functools.partial(wide_or_deep, **options),
        data,
        weights=[TWO],
        executor=thread,
        **SMALL | changes,
    )
    for seed in (0, 1):
        assert same_numbers(found.results[name, seed], alone.results[TWO, seed])


def test_after_training_is_the_float_net_quantized(found: Comparison) -> None:
    (x, y), (test_x, test_y) = data()
    order = [np.random.default_rng([0, epoch]).permutation(120) for epoch in range(2)]
    model = wide_or_deep(None, None, seed=0)
    optimizer = qnn.optim.Adam(model.named_parameters(), 0.01, schedule=qnn.optim.Cosine(12))
    for epoch in order:
        batches = [(x[epoch[n : n + 20]], y[epoch[n : n + 20]]) for n in range(0, 120, 20)]
        qnn.fit(model, batches, epochs=1, optimizer=optimizer, progress=False)
    result = found.results["two after", 0]
    assert result.history == found.results["float", 0].history
    samples = x[order[0][:50]]
    quantized = qnn.quantize(model, weight=TWO, input=TWO, calibration=samples)
    scores = quantized(qnn.Tensor(test_x)).data
    np.testing.assert_array_equal(result.correct, scores.argmax(axis=1) == test_y)
    assert result.nbytes == qnn.pack(quantized, test_x[:32]).nbytes
    assert result.difference == 0


def test_configs_stand_beside_a_grid(thread: Executor) -> None:
    found = compare(
        net, data, configs=[Config("own", weight=TWO, recipe={"lr": 0.1})], weights=["symmetric"],
        bits=[2, 32], executor=thread, **SMALL | {"epochs": 1, "seeds": 1},
    )  # fmt: skip
    assert [config.name for config in found.configs] == ["float", "symmetric:2", "own"]
    assert grid(["symmetric"], bits=[2, 32]) == [*found.configs[:2]]


def test_a_store_goes_on_with_configs_and_knows_them_again(
    thread: Executor, tmp_path: Path
) -> None:
    few, more = CONFIGS[1:3], CONFIGS[1:5]
    quick = SMALL | {"executor": thread, "store": tmp_path, "seeds": 1}
    compare(wide_or_deep, data, configs=few, **quick)
    found = compare(wide_or_deep, data, configs=more, **quick)
    assert found.sessions[-1]["cells"] == 2
    loaded = Comparison.load(tmp_path)
    assert loaded.configs == found.configs
    assert compare(wide_or_deep, data, configs=more, **quick).sessions[-1]["cells"] == 0
    # The same name for something else is another run, and a refusal.
    other = Config("two", weight=TWO, input=TWO, recipe={"lr": 0.3})
    with pytest.raises(CompareError, match="two configs are called two"):
        compare(wide_or_deep, data, configs=[other], **quick)


def test_a_target_changes_no_number(thread: Executor, tmp_path: Path) -> None:
    quick = SMALL | {"executor": thread, "store": tmp_path, "seeds": 1}
    compare(wide_or_deep, data, configs=[CONFIGS[1]], **quick)
    aimed = Config("two", weight=TWO, input=TWO, target=Target(accuracy=0.5, nbytes=10**6))
    found = compare(wide_or_deep, data, configs=[aimed], **quick)
    assert found.sessions[-1]["cells"] == 0
    assert Comparison.load(tmp_path).config("two").target == Target(accuracy=0.5, nbytes=10**6)


def test_an_option_may_be_an_object(thread: Executor, tmp_path: Path) -> None:
    configs = [Config("doubled", weight=TWO, scale=Doubled), Config("plain", weight=TWO)]
    quick = SMALL | {"executor": thread, "store": tmp_path, "seeds": 1}
    found = compare(wide_or_deep, data, configs=configs, **quick)
    assert not found.failures
    assert Comparison.load(tmp_path).configs == found.configs
    assert "Doubled" in json.dumps(found.configs[0].to_json())


def test_what_is_measured_beside_is_kept(thread: Executor, tmp_path: Path) -> None:
    def greatest(model: Any, test: Any) -> dict[str, float]:
        return {"greatest": float(abs(model.layers[0].weight.data).max()), "samples": len(test)}

    found = compare(
        wide_or_deep, data, configs=CONFIGS[:2], measure=greatest, executor=thread, store=tmp_path,
        **SMALL,
    )  # fmt: skip
    kept = Comparison.load(tmp_path).results
    assert len(kept) == 2 * SMALL["seeds"]
    for run, result in kept.items():
        assert result.measured == found.results[run].measured
        assert result.measured["samples"] == 60
        assert result.measured["greatest"] > 0


def test_a_measure_that_gives_no_numbers_is_the_run_s_failure(thread: Executor) -> None:
    found = compare(
        wide_or_deep, data, configs=CONFIGS[:1], measure=lambda *_: {"a": "b"}, executor=thread,
        **SMALL | {"seeds": 1},
    )  # fmt: skip
    assert "measure must return numbers by name, got {'a': 'b'}" in found.failures[0].reason


def test_pairs_that_differ_by_more_than_options_are_refused(thread: Executor) -> None:
    def unpaired(weight: Any, input: Any, seed: int) -> qnn.Module:
        return qnn.MLP([6, 12 if weight is None else 13, 3], weight=weight, input=input, seed=seed)

    with pytest.raises(CompareError, match="build makes two with other parameters than float"):
        compare(unpaired, data, configs=CONFIGS[:2], executor=thread, **SMALL)


BAD: list[tuple[Any, str]] = [
    ({"configs": []}, "configs is empty"),
    ({}, r"give configs=\[Config\(...\), ...\], or weights"),
    ({"configs": ["symmetric:2"]}, "configs must be a list of Config, got"),
    ({"configs": [Config("a"), Config("a", weight=TWO)]}, "two configs are called a"),
    ({"configs": [Config()], "bits": [2]}, "activations and bits are those of a grid"),
    ({"configs": [Config(recipe={"epochs": 0})]}, "epochs must be a whole number >= 1, got 0"),
    ({"configs": [Config(lr=0.1)]}, r"lr is a field of the recipe: recipe=\{'lr': 0.1\}"),
    ({"configs": [Config(depth=3)]}, "must take the keyword arguments weight, input .*, depth"),
    ({"configs": [Config(recipe={"post_training": 9})]}, "has post_training and no quantizer"),
    ({"configs": [Config(), Config("b", weight=TWO)], "margin": 1}, "which is 100 points"),
    ({"configs": [Config()], "max_seconds": 3}, 'max_seconds is for seeds="auto"'),
    ({"warm_up": -1}, "warm_up must be a whole number >= 0, got -1"),
    ({"warm_up": 2, "epochs": 2}, "warm_up must be fewer epochs than the 2 of training, got 2"),
    ({"configs": [Config(recipe={"warm_up": 9})]}, "warm_up must be fewer epochs"),
    (
        {"configs": [Config("W2 +", weight=TWO), Config("W2 -", weight=TWO)]},
        r"'W2 \+' and 'W2 -' are the same config, by names that differ in nothing but signs",
    ),
    ({"weight_decay": -0.1}, "weight_decay must be a number >= 0, got -0.1"),
]


@pytest.mark.parametrize(("given", "message"), BAD)
def test_what_is_wrong_is_said(thread: Executor, given: Any, message: str) -> None:
    if given and "configs" not in given:
        given = {"weights": ["symmetric:2"], **given}
    with pytest.raises(CompareError, match=message):
        compare(net, data, executor=thread, **SMALL | given)


def test_a_config_that_is_none() -> None:
    with pytest.raises(CompareError, match="must be a Recipe, or change some of epochs,"):
        Config(recipe={"rate": 1})
    with pytest.raises(CompareError, match="the name of a config must be one line"):
        Config("two\nlines")
    with pytest.raises(SpecError, match="symetric"):
        compare(net, data, configs=[Config(weight="symetric:2")], **SMALL)
    with pytest.raises(CompareError, match="seed is not an option"):
        Config(seed=3)
    with pytest.raises(CompareError, match="weight of a config must be a spec string, a q"):
        Config(weight=3)  # type: ignore[arg-type] # what is refused


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, True),
        ({"aux_weight": 0.5}, True),
        ({"first_weight": "float"}, True),
        ({"first_weight": "symmetric:8"}, False),
        ({"input": "symmetric:8"}, False),
        ({"first_weight": qnn.get_quantizer(TWO)}, False),
    ],
)
def test_only_quantizers_make_a_config_not_float(options: Any, expected: bool) -> None:
    config = Config("a", **options)
    assert config.is_float is expected
    assert Config.from_json(config.to_json()).is_float is expected


@pytest.mark.parametrize("wrong", [{"accuracy": 90}, {"within": -0.1}, {"nbytes": 0.5}])
def test_a_target_that_is_none(wrong: Any) -> None:
    with pytest.raises(CompareError, match=f"{next(iter(wrong))} of a target must be"):
        Target(**wrong)


def test_what_a_partial_has_by_its_place_is_told(thread: Executor) -> None:
    build = functools.partial(qnn.MLP, [6, 12, 3])
    config = Config("wider", sizes=[6, 24, 3])
    with pytest.raises(CompareError, match=r"name it in functools\.partial too"):
        compare(build, data, configs=[config], executor=thread, **SMALL)
    named = functools.partial(qnn.MLP, sizes=[6, 12, 3])
    wider = compare(named, data, configs=[Config(), config], executor=thread, **SMALL)
    assert not wider.failures


def test_a_whole_recipe_replaces_all() -> None:
    config = Config(recipe=Recipe(epochs=7, lr=0.5))
    assert config.recipe["epochs"] == 7
    assert config.recipe["batch_size"] == 100


FILE = """
[compare]
seeds = 1

[net]
build = "qnn_core:MLP"
sizes = [6, 12, 12, 3]

[data]
load = "studies_to_compare:data"

[training]
epochs = 1
batch_size = 20

[[config]]
name = "float"

[[config]]
name = "two"
weight = "symmetric:2"
first_weight = "symmetric:8"
recipe = { lr = 0.1 }
target = { accuracy = 0.9 }
"""


def test_a_study_file_may_hold_configs(thread: Executor, tmp_path: Path) -> None:
    path = tmp_path / "study.toml"
    path.write_text(FILE, "utf-8")
    study = read_study_file(path)
    found = compare(study.build, study.data, **study.options, executor=thread, progress=False)
    assert [config.name for config in found.configs] == ["float", "two"]
    two = found.config("two")
    assert two == Config(
        "two", weight="symmetric:2", first_weight="symmetric:8", recipe={"lr": 0.1},
        target=Target(accuracy=0.9),
    )  # fmt: skip
    assert not found.failures


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('weight = "symmetric:9"', r"study.toml:\d+: config: .*bits"),
        ("recipe = { rate = 1 }", r"study.toml:\d+: config: the recipe of a config must be"),
        ("recipe = 3", r"study.toml:\d+: config: recipe must be a table, got 3"),
        (
            "target = { speed = 1 }",
            r"study.toml:\d+: config: .*unexpected keyword argument 'speed'",
        ),
        ("recipe = { epochs = 0 }", r"study.toml:\d+: config: epochs must be a whole number"),
    ],
)
def test_a_wrong_config_of_a_file_is_told_with_its_line(
    tmp_path: Path, line: str, message: str
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(
        FILE.partition("[[config]]")[0] + f'[[config]]\nname = "one"\n{line}\n', "utf-8"
    )
    with pytest.raises((CompareError, SpecError), match=message):
        read_study_file(path)
