"""A float baseline that quantized configs beat is called suspicious, with the reason."""

from collections.abc import Sequence

import numpy as np
import pytest
from qnn_compare.statistics import against
from qnn_compare.statistics.diagnosis import explain
from qnn_compare.statistics.weak_baseline import Run, Suspicion, suspicion, untold
from scipy import stats

IMAGES = 10_000
Config = dict[int, Run]

# The original work's net after 200 epochs, in percent: float is beaten by four bits and by one.
ORIGINAL = {"float": 93.4, "4 bits": 95.6, "3 bits": 91.5, "2 bits": 88.2, "1 bit": 94.1}


def config(rng: np.random.Generator, mean: float, seeds: int = 5, sd: float = 0.1) -> Config:
    """Return runs around a mean in percent; the training accuracy is a little below the test's."""
    counts = np.round(100 * rng.normal(mean, sd, seeds))
    epochs = np.arange(1, 201)
    loss = (100 - mean) / 30 + 2 / epochs**0.5  # still falls, as at a learning rate of 0.01
    return {
        seed: Run(
            accuracy=count / IMAGES,
            train_loss=[*loss],
            train_accuracy=[*(count / IMAGES - 0.3 / epochs - 0.002)],
            test_accuracy=[*(count / IMAGES - 0.3 / epochs)],
        )
        for seed, count in enumerate(counts)
    }


def original(seeds: int = 5) -> tuple[Config, dict[str, Config]]:
    rng = np.random.default_rng(0)
    configs = {name: config(rng, mean, seeds) for name, mean in ORIGINAL.items()}
    return configs.pop("float"), configs


def constant(accuracies: Sequence[float]) -> Config:
    return {seed: Run(accuracy) for seed, accuracy in enumerate(accuracies)}


def flagged(float_config: Config, quantized: dict[str, Config]) -> list[Suspicion]:
    runs = {"float": float_config} | quantized
    results = {name: {s: run.accuracy for s, run in by.items()} for name, by in runs.items()}
    return suspicion(against(results, "float"), float_config, quantized)


@pytest.mark.parametrize("seeds", [3, 5])
def test_the_original_raises_the_flag(seeds: int) -> None:
    flags = {flag.config: flag for flag in flagged(*original(seeds))}
    assert "4 bits" in flags
    assert flags.keys() <= {"4 bits", "1 bit"}
    flag = flags["4 bits"]
    assert flag.difference == pytest.approx(0.022, abs=0.002)
    assert flag.p < 0.05
    assert "float is under-trained" in flag.reason
    assert flag.advice == "train float longer or with a higher learning rate"
    assert str(flag).startswith("4 bits beats the float baseline by 2.")


def test_with_five_seeds_one_bit_is_flagged_too() -> None:
    assert [flag.config for flag in flagged(*original())] == ["4 bits", "1 bit"]


def test_an_honest_baseline_is_not_flagged() -> None:
    rng = np.random.default_rng(1)
    means = {"W4": 98.4, "W2": 98.1, "W1": 97.8}
    quantized = {name: config(rng, mean) for name, mean in means.items()}
    assert flagged(config(rng, 98.4), quantized) == []


def test_a_lead_that_seeds_do_not_agree_on_is_not_flagged() -> None:
    float_config = constant([0.9800, 0.9801, 0.9802])
    quantized = {"W2": constant([0.990, 0.981, 0.9804])}
    assert flagged(float_config, quantized) == []


def test_false_flags_are_rare() -> None:
    # Three configs that are as good as float: one or more flags in at most 5 % of studies. So many
    # studies show, at 95 % confidence, that it is less than 7.5 %.
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(400):
        accuracies = np.round(rng.normal(0.98, 0.0015, (4, 5)), 4)
        float_config, *others = (constant(row) for row in accuracies)
        quantized = {str(number): other for number, other in enumerate(others)}
        wrong += bool(flagged(float_config, quantized))
    assert stats.binomtest(wrong, 400, 0.075, alternative="less").pvalue < 0.05


def test_one_seed_cannot_tell() -> None:
    float_config, quantized = original(seeds=1)
    assert flagged(float_config, quantized) == []
    text = untold(float_config, quantized)
    assert "4 bits is ahead of the float baseline by 2." in text
    assert "1 bit is ahead" in text
    assert "2 bits" not in text
    assert text.endswith("one seed cannot tell whether that is chance: run three or more")


def test_nothing_is_untold_with_more_seeds_or_no_lead() -> None:
    assert untold(*original(seeds=2)) == ""
    assert untold(constant([0.98]), {"W1": constant([0.97]), "W2": {5: Run(0.99)}}) == ""


def test_only_seeds_of_the_float_config_count() -> None:
    float_config, quantized = (
        constant([0.93, 0.931, 0.932]),
        {"W4": constant([0.95, 0.9511, 0.9519])},
    )
    quantized["W4"][9] = Run(0.1)
    [flag] = flagged(float_config, quantized)
    assert flag.difference == pytest.approx(0.02)


# What the curves say


def test_under_trained_and_at_rest() -> None:
    reason, advice = explain(
        [Run(0.93, [0.5, 0.3, 0.3], [0.9, 0.93])], "W4", [Run(0.95, (), [0.96])]
    )
    assert reason == (
        "float is under-trained: it has 93.00 % of its training samples right at the end, "
        "W4 96.00 %"
    )
    assert advice.startswith("try other learning rates")


def test_under_trained_and_falling() -> None:
    float_runs = [
        Run(0.93, [0.9, 0.8, 0.6, 0.5, 0.45], [0.93]),
        Run(0.93, [0.9, 0.8, 0.6, 0.5, 0.4], [0.92]),
    ]
    reason, advice = explain(float_runs, "W4", [Run(0.95, (), [0.96])])
    # 10 and 20 % in the last of five epochs.
    assert reason.endswith("its training loss fell by 15.0 % in the last quarter")
    assert advice.startswith("train float longer")


def test_under_trained_and_hardly_begun() -> None:
    # The original's float net: each epoch takes 2 % of the loss away, and all six took 9 %.
    slow = Run(0.65, [2.302, 2.247, 2.208, 2.170, 2.132, 2.093], [0.1, 0.3, 0.5, 0.6, 0.61, 0.66])
    quick = Run(0.85, [1.9, 1.4, 1.2, 1.0, 0.9, 0.84], [0.5, 0.75, 0.8, 0.83, 0.84, 0.85])
    reason, advice = explain([slow], "4 bits", [quick])
    assert reason.endswith("its training loss fell by 1.8 % in the last quarter")
    assert advice == "train float longer or with a higher learning rate"


def test_under_trained_after_one_epoch() -> None:
    reason, advice = explain([Run(0.93, [0.5], [0.9])], "W4", [Run(0.95, [0.4], [0.92])])
    assert "under-trained" in reason
    assert advice.startswith("train float longer")


def test_overfitted() -> None:
    curve = [0.970, 0.985, 0.981, 0.980]
    float_runs = [Run(0.98, [0.2, 0.1, 0.01, 0.001], [0.97, 1.0], curve)]
    reason, advice = explain(float_runs, "W2", [Run(0.984, (), [0.995])])
    assert reason.startswith("float overfits: it has 100.00 % of its training samples right")
    assert reason.endswith("its test accuracy was best in epoch 2 of 4")
    assert advice.startswith("regularize float")


def test_overfitted_and_best_at_the_end_or_unknown() -> None:
    for curve in ([], [0.97, 0.98]):
        reason, _ = explain([Run(0.98, (), [1.0], curve)], "W2", [Run(0.984, (), [0.995])])
        assert reason.endswith("98.00 % of the test images (W2 98.40 %)")


@pytest.mark.parametrize("train", [[], [0.9]])
def test_without_training_accuracies_or_by_them_alone(train: list[float]) -> None:
    # With dropout or augmentation both fit their training data worse than the test images.
    falling = Run(0.93, [0.9, 0.8, 0.7, 0.6], train)
    other = Run(0.95, (), [0.89] if train else [])
    reason, advice = explain([falling], "W4", [other])
    assert (
        reason == "float was still improving: its training loss fell by 14.3 % in the last quarter"
    )
    assert advice.startswith("train float longer")
    reason, advice = explain([Run(0.93, [0.9, 0.6, 0.6], train)], "W4", [other])
    assert reason == "the training curves do not say why"
    assert advice.startswith("train float longer, at several learning rates, and regularized")


def test_a_loss_of_zero_says_nothing() -> None:
    reason, _ = explain([Run(0.93, [0.0, 0.0])], "W4", [Run(0.95)])
    assert reason == "the training curves do not say why"
