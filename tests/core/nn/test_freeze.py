"""Freezing: statistics, ranges and parameters that training leaves as they are."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Tensor, nn
from qnn_core.errors import FileError, StateError
from qnn_core.nn.surgery import exchange

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
Y = RNG.integers(0, 3, 60)
SHIFTED = [(3 * X + 1, Y)]

QUANTIZERS = [
    ("symmetric:4", "uniform:4"),
    ("symmetric:4,scale=calibrated", "uniform:4,scale=calibrated"),
    ("symmetric:4,scale=lsq,axis=0", "uniform:4,scale=lsq,shift=learned"),
    ("binary", "uniform:3,scale=pact"),
    ("uniform:4,scale=fixed", "symmetric:4,scale=fixed,axis=1"),
]


def net(weight: Any = "symmetric:4", input: Any = "uniform:4", **options: Any) -> nn.MLP:
    return qnn.MLP([4, 5, 3], weight=weight, input=input, batch_norm=True, seed=1, **options)


def train(model: nn.Module, epochs: int = 3, data: Any = SHIFTED, **options: Any) -> qnn.History:
    optimizer = qnn.optim.Adam(model.named_parameters(), lr=0.05)
    return qnn.fit(model, data, epochs=epochs, optimizer=optimizer, progress=False, **options)


def parts_of_state(model: nn.Module) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what freezing keeps, and what it does not."""
    state = model.state_dict()
    kept = {n: a for n, a in state.items() if "quantizer" in n or "running" in n}
    return kept, {n: a for n, a in state.items() if n not in kept}


@pytest.mark.parametrize(("weight", "input"), QUANTIZERS)
def test_frozen_statistics_and_ranges_stay_and_the_weights_learn(weight: str, input: str) -> None:
    model = net(weight, input)
    train(model, data=[(X, Y)])
    model.freeze()
    kept, others = parts_of_state(model)
    train(model)
    after, learned = parts_of_state(model)
    for name, array in kept.items():
        np.testing.assert_array_equal(after[name], array, err_msg=name)
    assert all(np.any(learned[name] != array) for name, array in others.items())
    assert not any(module.training for _, module in model.train().named_modules())
    model.unfreeze()
    train(model)
    moved, _ = parts_of_state(model)
    expected = [
        name
        for name in kept
        if "running" in name or (name.endswith(("scale", "step", "clip")) and "fixed" not in weight)
    ]
    assert all(np.any(moved[name] != kept[name]) for name in expected)


def test_a_part_can_be_frozen() -> None:
    model = net()
    train(model, data=[(X, Y)])
    norm, quantizer = model[1], model[0].input_quantizer
    norm.freeze()
    quantizer.freeze()
    before = copy.deepcopy(model).state_dict()
    train(model)
    after = model.state_dict()
    changed = {name for name in before if np.any(before[name] != after[name])}
    assert changed == {
        "layers.0.weight",
        "layers.0.bias",
        "layers.0.weight_quantizer.log_scale",
        "layers.1.weight",  # of the normalization: trained on, its statistics stay
        "layers.1.bias",
        "layers.3.weight",
        "layers.3.bias",
    }
    model.train()
    assert [norm.training, quantizer.training, model[0].training] == [False, False, True]


@pytest.mark.parametrize(("weight", "input"), QUANTIZERS)
def test_frozen_training_gives_the_bits_of_evaluation(weight: str, input: str) -> None:
    model = net(weight, input)
    train(model, data=[(X, Y)])
    for _, module in model.named_modules():
        if isinstance(module, nn.Quantize | nn.BatchNorm):
            module.freeze()
    evaluated = model.eval()(X).data
    np.testing.assert_array_equal(model.train()(X).data, evaluated)
    packed = qnn.pack(model, X[:5])
    np.testing.assert_array_equal(packed(X), evaluated)


def test_freezing_outlasts_what_restores_modes() -> None:
    model = net()
    train(model, data=[(X, Y)])
    norm = model[1].freeze()
    for call in (
        lambda: qnn.evaluate(model, [(X, Y)]),
        model.train,
        lambda: model.eval().train(),
        lambda: qnn.trace(model, X),
        lambda: qnn.pack(model, X[:3]),
        lambda: model.load_state_dict(model.state_dict()),
        lambda: model.astype(np.float64).astype(np.float32),
        lambda: train(model, 1),
    ):
        call()
        assert (norm.frozen, norm.training) == (True, False)
    for other in (copy.deepcopy(model), exchange(model, {"layers.2": nn.Tanh()})):
        assert (other[1].frozen, other.train()[1].training) == (True, False)
    assert "layers.1: BatchNorm(5; frozen)" in repr(model)


def test_dropout_is_off_in_a_frozen_part() -> None:
    layer = nn.Dropout(0.5, seed=0).freeze().train()
    np.testing.assert_array_equal(layer(np.ones(50)).data, np.ones(50))


def test_a_range_that_was_frozen_before_it_was_fitted_says_so() -> None:
    model = net().freeze()
    with pytest.raises(StateError, match="it was frozen before: unfreeze it"):
        model.train()(X)


def test_a_run_is_not_resumed_with_other_parts_frozen(tmp_path: Path) -> None:
    path = tmp_path / "run.qnn"
    train(net(), 1, checkpoint=path)
    for change in (nn.Module.freeze, lambda m: m[3].requires_grad_(False)):
        model = net()
        change(model)
        with pytest.raises(FileError, match=r"frozen|not trained"):
            train(model, 2, checkpoint=path, resume=True)


# A part's own train


class Stays(nn.Module):
    """Keeps its normalization in evaluation mode in a way of its own."""

    def __init__(self) -> None:
        self.norm = nn.BatchNorm(4)
        self.calls: list[bool] = []

    def train(self, mode: bool = True) -> "Stays":
        self.calls.append(mode)
        super().train(mode)
        self.norm.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x)


def test_a_part_that_overrides_train_is_asked() -> None:
    part = Stays()
    model = nn.Sequential(nn.Sequential(part), nn.Linear(4, 3, seed=0))
    train(model, 2)
    np.testing.assert_array_equal(part.norm.running_mean.data, np.zeros(4))
    assert True in part.calls
    assert part.calls[-1] is False
    assert model.train()[0][0].training
    assert not part.norm.training


def test_a_shared_part_is_asked_once_by_each_holder() -> None:
    part = Stays()
    model = nn.Sequential(part, part)
    model.train()
    assert part.calls == [True]


# Parameters that are not trained


@pytest.mark.parametrize(("weight", "input"), [(None, None), *QUANTIZERS])
@pytest.mark.parametrize("optimizer", ["SGD", "Adam", "AdamW"])
def test_parameters_that_require_no_gradient_stay(weight: Any, input: Any, optimizer: str) -> None:
    names = [name for name, _ in net(weight, input).named_parameters()]
    for frozen in names:
        model = net(weight, input)
        parameters = dict(model.named_parameters())
        model(X)  # fits what is to be fitted
        parameters[frozen].requires_grad = False
        made = getattr(qnn.optim, optimizer)(parameters.items(), lr=0.01, weight_decay=0.1)
        before = model.state_dict()
        clipped = {"clip_norm": 1.0}
        qnn.fit(model, [(X, Y)], epochs=1, optimizer=made, progress=False, **clipped)
        changed = {n for n in names if np.any(model.state_dict()[n] != before[n])}
        assert frozen not in changed
        assert len(changed) > len(names) // 2


def test_all_layers_but_the_last_frozen() -> None:
    model = nn.Sequential(
        nn.Reshape(2, 2, 1), nn.Conv2d(1, 2, 2, seed=0), nn.Flatten(), nn.Linear(2, 3, seed=0)
    )
    model[1].requires_grad_(False)
    before = model[1].weight.data.copy()
    history = train(model, 5)
    np.testing.assert_array_equal(model[1].weight.data, before)
    assert history.last.loss < history.epochs[0].loss
    assert "layers.1: Conv2d(1, 2, (2, 2), bias=True; not trained: weight, bias)" in repr(model)
    assert model[1].requires_grad_().weight.requires_grad
