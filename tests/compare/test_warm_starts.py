"""Configs that begin with trained nets, learn from them, are trained in stages, layer by layer."""

import json
import re
import shutil
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_compare import Comparison, Config, Recipe, compare
from qnn_compare.experiment.data import Augmented
from qnn_core.errors import CompareError
from qnn_core.files import load_arrays
from studies_to_compare import data

SMALL: dict[str, Any] = {"seeds": 2, "epochs": 3, "batch_size": 20, "progress": False}
TWO, FOUR = "symmetric:2", "symmetric:4"


def net(weight: Any, input: Any, seed: int, **options: Any) -> qnn.Module:
    sizes = options.pop("sizes", [6, 12, 12, 3])
    return qnn.MLP(sizes, weight=weight, input=input, batch_norm=True, seed=seed, **options)


CONFIGS = [
    Config(),
    Config("from float", weight=TWO, input=FOUR, start="float", recipe={"epochs": 1}),
    Config("after training", weight=TWO, input=FOUR, start="float", recipe={"epochs": 0}),
    Config("from scratch", weight=TWO, input=FOUR),
    Config("taught", weight=TWO, input=FOUR, start="from float", teacher="float"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, thread: Executor) -> Path:
    store: Path = tmp_path_factory.mktemp("warm") / "store"
    compare(net, data, configs=CONFIGS, executor=thread, store=store, **SMALL)
    return store


@pytest.fixture(scope="module")
def found(folder: Path) -> Comparison:
    return Comparison.load(folder)


def answers(comparison: Comparison, name: str) -> list[Any]:
    return [result.correct for result in comparison.done(name)]


def test_nets_begin_where_others_ended(found: Comparison, folder: Path) -> None:
    assert not found.failures
    assert len(found.results) == 10
    x, y = data()[1]
    for seed in (0, 1):
        key = found.plan.key(found.config("float"), seed)
        state = load_arrays(folder / "states" / f"{key}.safetensors")[0]
        source = net(None, None, seed)
        source.load_state_dict(state)
        result = found.results["float", seed]
        assert np.array_equal(source.eval()(x).array.argmax(axis=1) == y, result.correct)
        # Epochs 0: the very net, quantized.
        model = qnn.warm_start(net(TWO, FOUR, seed), source, calibration=first_batches(seed))
        again = model.eval()(x).array.argmax(axis=1) == y
        assert np.array_equal(again, found.results["after training", seed].correct)
    assert [len(r.history) for r in found.done("after training")] == [0, 0]
    assert all(np.isfinite(r.loss) and not r.difference for r in found.results.values())
    # What others begin with is kept, and nothing else.
    kept = sorted(path.name.partition("_seed")[0] for path in (folder / "states").iterdir())
    assert kept == ["float", "float", "from-float", "from-float"]


def first_batches(seed: int) -> Any:
    """Return the training samples that scales are fitted to: all, in the order of training."""
    x, _ = data()[0]
    return x[np.random.default_rng([seed, 0]).permutation(len(x))][:1000]


def test_each_way_gives_other_numbers(found: Comparison) -> None:
    losses = {config.name: found.results[config.name, 0].loss for config in found.configs}
    assert len({*losses.values()}) == 5


def test_a_second_call_trains_nothing_and_another_origin_is_another_run(
    found: Comparison, folder: Path, thread: Executor
) -> None:
    again = compare(net, data, configs=CONFIGS, executor=thread, store=folder, **SMALL)
    assert again.sessions[-1]["cells"] == 0
    assert [*again.configs] == [*found.configs]
    plan = found.plan
    longer = [Config(recipe={"epochs": 9}), *CONFIGS[1:]]
    other = compare(net, data, configs=longer, executor=thread, **SMALL).plan
    for config in CONFIGS:
        same = plan.key(config, 0) == other.key(other.configs[CONFIGS.index(config)], 0)
        assert same == (config.name == "from scratch")


def test_what_was_not_kept_is_trained_again(
    found: Comparison, folder: Path, tmp_path: Path, thread: Executor
) -> None:
    # A study without the parameters of its float nets, as one of before.
    plain = compare(net, data, configs=CONFIGS[:1], executor=thread, store=tmp_path, **SMALL)
    assert not (tmp_path / "states").exists()
    more = compare(net, data, configs=CONFIGS[:2], executor=thread, store=tmp_path, **SMALL)
    assert more.sessions[-1]["cells"] == 4
    for run, result in {**plain.results, **more.results}.items():
        assert np.array_equal(result.correct, found.results[run].correct)


def test_processes_get_what_their_nets_begin_with(found: Comparison) -> None:
    there = compare(net, data, configs=CONFIGS, executor=2, **SMALL)
    assert there.results.keys() == found.results.keys()
    for run, result in there.results.items():
        assert np.array_equal(result.correct, found.results[run].correct), run


def test_a_net_whose_weights_are_not_used_is_named(thread: Executor, tmp_path: Path) -> None:
    given = net(None, None, 0)
    begun, anew = Config("begun", weight=TWO, start=given), Config("anew", weight=TWO)

    def told(*configs: Config, build: Any = None) -> list[str]:
        made = compare(
            build or qnn.as_builder(given), data, configs=configs, executor=thread,
            **SMALL | {"seeds": 1, "epochs": 1},
        )  # fmt: skip # one call
        text = " ".join(made.table().split())
        page = made.report(tmp_path / "report.html").read_text("utf-8")
        assert ("Nets that were trained from scratch" in page) == ("from scratch" in text)
        return re.findall("trained from scratch, (.*?): weights of the net .* are not used", text)

    assert told(Config("float", start=given), begun) == []
    assert told(Config("float", start=given), begun, anew) == ["anew"]
    assert told(Config(), anew) == ["each config"]
    assert told(Config(), anew, build=net) == []


def test_what_begins_with_a_failed_net_fails_with_its_name(thread: Executor) -> None:
    broken = Config("broken", weight=TWO, recipe={"lr": 1e30, "optimizer": "sgd"})
    after = Config("after", weight=TWO, start="broken")
    ended = compare(net, data, configs=[Config(), broken, after], executor=thread, **SMALL)
    told = [result for result in ended.failures if result.config == "after"]
    assert [result.failure for result in told] == ["raised", "raised"]
    assert "broken, which it begins with or learns from, failed" in told[0].reason
    assert len(ended.done("float")) == 2


def test_a_file_and_a_function_are_origins_too(tmp_path: Path, thread: Executor) -> None:
    source = net(None, None, 7)
    qnn.save_state(source, tmp_path / "net.safetensors")
    optimizer = qnn.optim.SGD(source.parameters(), lr=1e-9)
    qnn.fit(source, data()[0], epochs=1, optimizer=optimizer, checkpoint=tmp_path / "check")
    configs = [
        Config(),
        Config("file", weight=FOUR, start=tmp_path / "net.safetensors"),
        Config("function", weight=FOUR, start=lambda seed: net(None, None, 7)),
        Config("checkpoint", weight=FOUR, start=tmp_path / "check"),
    ]
    made = compare(net, data, configs=configs, executor=thread, store=tmp_path / "store", **SMALL)
    assert not made.failures
    for seed in (0, 1):
        one, other = (made.results[name, seed].correct for name in ("file", "function"))
        assert np.array_equal(one, other)
    kept = Comparison.load(tmp_path / "store")
    assert [config.name for config in kept.configs] == [config.name for config in configs]
    (tmp_path / "net.safetensors").unlink()
    with pytest.raises(CompareError, match=r"start: .*net\.safetensors cannot be read"):
        Config("file", weight=FOUR, start=tmp_path / "net.safetensors")


def test_stages_are_trained_one_after_the_other(thread: Executor) -> None:
    stages = [Config(), Config(weight=FOUR, input=FOUR, recipe={"epochs": 1})]
    one = Config("stages", weight=TWO, input=FOUR, stages=stages)
    two = [
        Config("float"),
        Config("four", weight=FOUR, input=FOUR, start="float", recipe={"epochs": 1}),
        Config("two", weight=TWO, input=FOUR, start="four"),
    ]
    # Batches that are the same in each epoch: what is left of the difference is their order.
    made = compare(net, listed, configs=[*two, one], executor=thread, **SMALL)
    assert not made.failures
    for ours, theirs in zip(answers(made, "stages"), answers(made, "two"), strict=True):
        assert np.array_equal(ours, theirs)
    assert [len(result.history) for result in made.done("stages")] == [7, 7]


def listed() -> Any:
    (x, y), test = data()

    def batches(seed: int) -> Any:
        order = np.random.default_rng(seed).permutation(len(x))
        return [(x[rows], y[rows]) for rows in np.array_split(order, 5)]

    return batches, test


def test_stages_count_epochs_on(thread: Executor) -> None:
    seen: dict[str, list[bytes]] = {}

    def noting(name: str) -> Any:
        def note(x: Any, rng: np.random.Generator) -> Any:
            seen.setdefault(name, []).append(np.asarray(x).tobytes() + rng.bytes(4))
            return x

        return note

    def config(name: str, *epochs: int) -> Config:
        # The nets differ: 8 bits, then 4, then 2.
        specs = (f"symmetric:{bits}" for bits in (8, 4, 2))
        stages = [
            Config(weight=spec, recipe={"epochs": count, "augment": noting(name)})
            for spec, count in zip(specs, epochs, strict=False)
        ]
        last = stages.pop()
        return Config(name, weight=last.weight, recipe=last.recipe, stages=stages)

    configs = [config("whole", 4), config("two", 1, 3), config("three", 2, 1, 1)]
    more = SMALL | {"seeds": [3]}
    made = compare(net, data, configs=configs, executor=thread, **more)
    assert not made.failures
    # No order comes twice, and all configs have the same ones, augmented alike.
    assert len({*seen["whole"]}) == len(seen["whole"])
    assert seen["whole"] == seen["two"] == seen["three"]


def test_a_dataloader_counts_on_too(thread: Executor) -> None:
    asked: list[int] = []

    class Loader:
        def __init__(self, seed: int) -> None:
            self.batches = listed()[0](seed)

        def __iter__(self) -> Any:
            return iter(self.batches)

        def set_epoch(self, epoch: int) -> None:
            asked.append(epoch)

    configs = [Config("a", weight=TWO, stages=[Config(weight=FOUR, recipe={"epochs": 2})])]
    made = compare(net, (Loader, data()[1]), configs=configs, executor=thread, **SMALL)
    assert not made.failures
    assert asked == [0, 1, 2, 3, 4] * 2


def test_rules_name_layers(thread: Executor) -> None:
    by_rule = Config(
        "rule", weight=TWO, input=TWO, rules={"layers.0": ("symmetric:8", None), "layers.6": FOUR}
    )
    by_argument = Config(
        "argument", weight=TWO, input=TWO, first_weight="symmetric:8", first_input=None,
        last_weight=FOUR, last_input=FOUR,
    )  # fmt: skip # two halves
    made = compare(net, data, configs=[Config(), by_rule, by_argument], executor=thread, **SMALL)
    assert not made.failures
    for ours, theirs in zip(answers(made, "rule"), answers(made, "argument"), strict=True):
        assert np.array_equal(ours, theirs)
    assert Config("a", rules={"*": None}).is_float
    assert not Config("a", rules={"*": TWO}).is_float
    wrong = [Config(), Config("b", weight=TWO, rules={"layer.0": None})]
    with pytest.raises(CompareError, match=r"build cannot make b: .*no layer is called 'layer\.0'"):
        compare(net, data, configs=wrong, executor=thread, **SMALL)


def test_every_part_of_a_recipe_counts(thread: Executor) -> None:
    seen: list[Any] = []

    def note(model: qnn.Module, epoch: Any) -> None:
        seen.append((type(model).__name__, epoch.epoch))

    def flip(x: Any, rng: np.random.Generator) -> Any:
        return x * rng.choice([-1, 1], size=(len(x), 1)).astype(x.dtype)

    changes: dict[str, Any] = {
        "plain": {},
        "schedule": {"schedule": "constant"},
        "own schedule": {"schedule": lambda steps: qnn.optim.Step(every=steps // 2)},
        "momentum": {"momentum": 0.5, "optimizer": "sgd"},
        "sgd": {"optimizer": "sgd"},
        "clip_norm": {"clip_norm": 1e-3, "optimizer": "sgd"},
        "augment": {"augment": flip},
        "note": {"on_epoch": note},
    }
    configs = [Config(name, recipe=recipe) for name, recipe in changes.items()]
    made = compare(net, data, configs=configs, executor=thread, **SMALL)
    assert not made.failures
    losses = {name: made.results[name, 0].loss for name in changes}
    assert losses["note"] == losses["plain"]
    assert len({*losses.values()}) == len(changes) - 1
    assert len({str(config.numbers_depend_on()) for config in configs}) == len(changes)
    assert seen == [("MLP", epoch) for _ in range(2) for epoch in (1, 2, 3)]
    whole = compare(
        net, data, configs=configs[:1], recipe={"schedule": "constant"}, executor=thread, **SMALL
    )
    assert whole.results["plain", 0].loss == losses["schedule"]


def test_augmented_batches_are_the_same_each_time() -> None:
    batches = [(np.ones((2, 1)), np.zeros(2)), (np.ones((2, 1)), np.zeros(2))]

    def noise(x: Any, rng: np.random.Generator) -> Any:
        return x + rng.normal(size=x.shape)

    made = Augmented(batches, noise, seed=3)
    first, second = ([x.tolist() for x, _ in made] for _ in range(2))
    assert first != second
    made.set_epoch(0)
    assert [x.tolist() for x, _ in made] == first
    assert len(made) == 2


def test_choices_of_a_run_are_made_by_training_samples_that_are_held_back(
    thread: Executor,
) -> None:
    held = {"validation": 0.25, "lr": 0.3, "epochs": 8}
    configs = [
        Config("all"),
        Config("held", recipe=held),
        Config("best", recipe=held | {"keep": "best"}),
        Config("patient", recipe=held | {"keep": "best", "patience": 1}),
    ]
    made = compare(net, data, configs=configs, executor=thread, **SMALL)
    assert not made.failures
    losses = {config.name: made.results[config.name, 0].loss for config in configs}
    assert losses["held"] != losses["best"]
    assert len(made.results["patient", 0].history) < 8
    # Their curves are of what was held back, which is no test.
    assert all(np.isnan(e["test_accuracy"]) for e in made.results["best", 0].history)
    assert all(np.isfinite(e["test_accuracy"]) for e in made.results["all", 0].history)
    assert str(made)


def test_biases_make_up_for_what_is_shifted(thread: Executor) -> None:
    after: dict[str, Any] = {"weight": TWO, "input": FOUR, "start": "float"}
    configs = [
        Config(),
        Config("plain", recipe={"epochs": 0}, **after),
        Config("corrected", recipe={"epochs": 0, "bias_correction": True}, **after),
        Config("post", weight=TWO, recipe={"post_training": 60, "bias_correction": True}),
    ]
    made = compare(net, data, configs=configs, executor=thread, **SMALL)
    assert not made.failures
    assert made.results["plain", 0].loss != made.results["corrected", 0].loss
    assert all(result.difference == 0 for result in made.results.values())


def test_tuning_chooses_what_nets_begin_with_first(thread: Executor) -> None:
    made = compare(
        net, data, configs=[*CONFIGS[:2], Config("taught", weight=TWO, teacher="float")],
        tune={"lr": [1e-6, 1e-2]}, executor=thread, **SMALL,
    )  # fmt: skip # one call
    assert not made.failures
    assert made.plan.tuning is not None
    assert made.plan.tuning.chosen("float")["lr"] == 1e-2
    assert len(made.plan.tuning.tried) == 6
    assert all(tried.accuracy is not None for tried in made.plan.tuning.tried)
    assert [config.needs for config in made.configs] == [(), ("float",), ("float",)]


def test_what_runs_until_it_is_decided_takes_its_origins_along(thread: Executor) -> None:
    chain = [
        Config(),
        Config("first", weight=FOUR, start="float"),
        Config("second", weight=TWO, start="first"),
    ]
    asked = SMALL | {"seeds": "auto"}
    made = compare(net, data, configs=chain, max_seeds=5, executor=thread, **asked)
    assert not made.failures


BAD: list[tuple[Any, str]] = [
    ([Config(), Config("a", weight=TWO, start="flaot")], "'flaot', which is none of float, a; did"),
    ([Config("a", start="b"), Config("b", start="a")], "a, b begin with each other"),
    ([Config(), Config("a", weight=TWO, recipe={"epochs": 0})], "epochs must be a whole number >="),
    ([Config(), Config("a", sizes=[6, 9, 3], weight=TWO, start="float")], "cannot begin with 'flo"),
]


@pytest.mark.parametrize(("configs", "told"), BAD)
def test_what_cannot_be_is_said(configs: Any, told: str, thread: Executor) -> None:
    with pytest.raises(CompareError, match=told):
        compare(net, data, configs=configs, executor=thread, **SMALL)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"start": 3}, "start must be the name of a config, a Path, or a function"),
    ({"stages": Config()}, "stages must be a list of Config"),
    ({"stages": [Config("named")]}, "stages must be a list of Config without name"),
    ({"rules": ["binary"]}, "rules must be quantizers by layer"),
    ({"teacher": 3}, "teacher must be the name of a config"),
    ({"stages": [Config(start="float")]}, "stages must be a list of Config without name"),
    ({"rules": {"*": 3}}, "must be a spec string, a quantizer, its class"),
]


@pytest.mark.parametrize(("given", "told"), WRONG)
def test_a_config_that_is_none_is_refused(given: Any, told: str) -> None:
    with pytest.raises((CompareError, qnn.QnnError), match=told):
        Config("a", **given)


@pytest.mark.parametrize(
    ("recipe", "told"),
    [
        ({"schedule": "cosin"}, "schedule must be one of cosine, constant.*did you mean 'cosine'"),
        ({"momentum": 2}, "momentum must be a number from 0 to 1, got 2"),
        ({"clip_norm": 0}, "clip_norm must be a number > 0, got 0"),
        ({"temperature": -1}, "temperature must be a number > 0, got -1"),
        ({"augment": 3}, r"augment must be augment\(samples, rng\), got 3"),
        ({"lr": 0.1}, "lr is an argument of its own"),
        ({"keep": "best"}, "choose by samples that are held back .* give validation="),
        ({"keep": "first", "validation": 0.1}, "keep must be "),
        ({"patience": 0, "validation": 0.1}, "patience must be a whole number >= 1"),
        ({"validation": 1}, "validation must be a share from 0 to below 1, got 1"),
        ({"bias_correction": 1}, "bias_correction must be True or False"),
        ({"clipnorm": 1}, "did you mean 'clip_norm'"),
        (3, "recipe must be a mapping"),
    ],
)
def test_a_recipe_that_is_none_is_refused(recipe: Any, told: str) -> None:
    with pytest.raises(CompareError, match=told):
        compare(net, data, configs=[Config()], recipe=recipe, **SMALL)


def test_descriptions_are_read_again(found: Comparison) -> None:
    for config in (*found.configs, Config("s", weight=TWO, stages=[Config()], rules={"*": TWO})):
        content = json.loads(json.dumps(config.to_json()))
        again = Config.from_json(content)
        assert again == config
        assert again.needs == config.needs
    assert Recipe(1).described().keys() == {"epochs", "batch_size", "lr", "optimizer", "loss"}


def test_rules_count_in_their_order(thread: Executor, tmp_path: Path) -> None:
    one = Config("a", rules={"*": "binary", "layers.0": None})
    other = Config("a", rules={"layers.0": None, "*": "binary"})
    assert one != other
    assert str(one.numbers_depend_on()) != str(other.numbers_depend_on())
    asked: dict[str, Any] = {"executor": thread, "store": tmp_path, **SMALL}
    compare(net, data, configs=[Config(), one], **asked)
    assert [*Comparison.load(tmp_path).config("a").rules] == ["*", "layers.0"]
    with pytest.raises(CompareError, match="two configs are called a"):
        compare(net, data, configs=[Config(), other], **asked)


def test_quantizers_in_rules_and_options_are_told_as_specs() -> None:
    eight = qnn.get_quantizer("symmetric:8")
    config = Config("a", first_weight=eight, rules={"*": (type(eight), None), "b": eight})
    assert config.options == {"first_weight": "symmetric:8"}
    assert config.rules == {"*": ("symmetric:4", None), "b": "symmetric:8"}
    assert config.specs == ["symmetric:8", "symmetric:4", "symmetric:8"]


def test_a_net_and_its_state_are_origins(thread: Executor) -> None:
    source = net(None, None, 7)
    configs = [
        Config(),
        Config("net", weight=FOUR, start=source),
        Config("state", weight=FOUR, start=source.state_dict()),
    ]
    for parameter in source.parameters():
        parameter.array[...] = 0  # what changes later changes nothing
    made = compare(net, data, configs=configs, executor=thread, **SMALL)
    assert not made.failures
    assert made.results["net", 0].loss == made.results["state", 0].loss
    assert configs[1].numbers_depend_on() == configs[2].numbers_depend_on()
    with pytest.raises(CompareError, match="dict cannot be read: 'a' is no array of numbers"):
        Config("a", start={"a": "b"})


def test_the_loss_is_that_of_the_net_that_is_measured(thread: Executor) -> None:
    def halve(model: qnn.Module, epoch: Any) -> None:
        model.layers[0].weight.array[...] *= 0.5
        model.layers[0].weight.written()

    eight = Config(weight="symmetric:8", input="symmetric:8")
    configs = [
        Config("stages", weight=TWO, input=FOUR, stages=[eight], recipe={"epochs": 0}),
        Config("eight", weight="symmetric:8", input="symmetric:8"),
        Config("chain", weight=TWO, input=FOUR, start="eight", recipe={"epochs": 0}),
        Config("changed", recipe={"on_epoch": halve}),
    ]
    seen: dict[str, float] = {}

    def note(model: qnn.Module, test: Any) -> dict[str, float]:
        x, y = data()[1]
        return {"loss": qnn.evaluate(model, (x, y)).loss}

    made = compare(net, data, configs=configs, measure=note, executor=thread, **SMALL)
    assert not made.failures
    for config in configs:
        result = made.results[config.name, 0]
        assert result.loss == pytest.approx(result.measured["loss"], rel=1e-6)
        seen[config.name] = result.loss
    assert seen["stages"] == seen["chain"]


def test_losses_that_see_the_teacher(thread: Executor) -> None:
    def imitate(outputs: qnn.Tensor, labels: Any, teacher: qnn.Tensor) -> qnn.Tensor:
        return qnn.ops.mean_squared_error(outputs, teacher.array)

    def of_inputs(outputs: qnn.Tensor, labels: Any, inputs: Any) -> qnn.Tensor:
        return qnn.ops.softmax_cross_entropy(outputs, labels)

    taught: dict[str, Any] = {"weight": TWO, "teacher": "float"}
    configs = [
        Config(),
        Config("imitates", recipe={"loss": imitate}, **taught),
        Config("inputs", recipe={"loss": of_inputs}, **taught),
    ]
    made = compare(net, data, configs=configs, executor=thread, **SMALL)
    assert not made.failures


def test_post_training_keeps_what_is_the_builders(thread: Executor) -> None:
    config = Config(
        "post", weight=FOUR, sizes=[6, 9, 3], last_weight="symmetric:8",
        recipe={"post_training": 50},
    )  # fmt: skip # one config
    made = compare(net, data, configs=[config], executor=thread, **SMALL)
    assert not made.failures


def test_bias_correction_works_from_any_origin(thread: Executor, tmp_path: Path) -> None:
    source = net(None, None, 7)
    qnn.save_state(source, tmp_path / "net")
    given: dict[str, Any] = {"weight": TWO, "input": FOUR}
    configs = [
        Config("plain", start=tmp_path / "net", recipe={"epochs": 0}, **given),
        Config(
            "corrected", start=tmp_path / "net", recipe={"epochs": 0, "bias_correction": True},
            **given,
        ),
    ]  # fmt: skip # two configs
    made = compare(net, data, configs=configs, executor=thread, **SMALL)
    assert not made.failures
    assert made.results["plain", 0].loss != made.results["corrected", 0].loss
    bare = net(None, None, 7, bias=False)
    none = [Config("a", start=bare, bias=False, recipe={"bias_correction": True}, **given)]
    made = compare(net, data, configs=none, executor=thread, **SMALL)
    assert "no quantized layer has a bias" in made.failures[0].reason


def test_a_state_of_another_run_is_none(folder: Path, tmp_path: Path, thread: Executor) -> None:
    copied = tmp_path / "store"
    shutil.copytree(folder, copied)
    one, other = sorted((copied / "states").glob("float*"))
    one.write_bytes(other.read_bytes())
    more = [*CONFIGS, Config("new", weight=TWO, start="float")]
    with pytest.raises(CompareError, match=r"parameters of float, seed 0, .* are damaged: delete"):
        compare(net, data, configs=more, executor=thread, store=copied, **SMALL)


NOTHING: list[tuple[list[Config], str]] = [
    ([Config("a", recipe={"temperature": 2.0})], "temperature .* means nothing without teacher"),
    ([Config("a", recipe={"calibration": 9})], "calibration .* means nothing without start or st"),
    ([Config("a", recipe={"bias_correction": True})], "bias_correction .* means nothing without"),
    (
        [
            Config(),
            Config("a", weight=TWO, start="float", recipe={"validation": 0.2, "keep": "best"}),
        ],
        "a chooses by training samples .* and float, which it needs, was trained on them",
    ),
    (
        [Config("p", weight=TWO, recipe={"post_training": 9}), Config("a", weight=TWO, start="p")],
        "a cannot begin with, or learn from, p, which is quantized after training",
    ),
    (
        [Config("a", weight=TWO, stages=[Config(), Config(recipe={"lr": -1})])],
        "lr must be a number > 0, got -1",
    ),
    ([Config("a", recipe={"validation": 0.01, "keep": "best"})], "holds back 1 of 120 samples"),
]


@pytest.mark.parametrize(("configs", "told"), NOTHING)
def test_what_would_mean_nothing_is_said_beforehand(
    configs: Any, told: str, thread: Executor
) -> None:
    with pytest.raises(CompareError, match=told):
        compare(net, data, configs=configs, executor=thread, **SMALL)


def test_a_single_last_sample_is_seen_where_some_are_held_back(thread: Executor) -> None:
    # 120 samples, of which 24 are held back: 96 in batches of 95.
    held: dict[str, Any] = {"validation": 0.2, "keep": "best", "batch_size": 95}
    with pytest.raises(CompareError, match="of 96 samples in batches of 95, has one sample"):
        compare(net, data, configs=[Config("a", recipe=held)], executor=thread, **SMALL)
    fine = held | {"batch_size": 119}
    assert not compare(
        net, data, configs=[Config("a", recipe=fine)], executor=thread, **SMALL
    ).failures
