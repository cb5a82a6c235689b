"""Warm starts: what is taken over, what is fitted anew, and what is refused."""

from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import nn
from qnn_core.errors import StateError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 6)).astype(np.float32)
Y = RNG.integers(0, 3, 40)
IMAGES = RNG.random((6, 28, 28, 1)).astype(np.float32)
FOUR, TWO = "symmetric:4,calibration=absmax", "symmetric:2,calibration=absmax"
SPECS = ["symmetric:4", "symmetric:2,scale=lsq", "uniform:3,scale=pact", "symmetric:8,axis=0"]


def trained(build: Any = qnn.MLP, x: Any = X, y: Any = Y, **options: Any) -> nn.Module:
    model: nn.Module = build(batch_norm=True, seed=1, **options)
    optimizer = qnn.optim.Adam(model.parameters(), lr=0.05)
    qnn.fit(model, (x, y[: len(x)]), epochs=3, optimizer=optimizer, progress=False)
    return model


@pytest.mark.parametrize("spec", SPECS)
def test_it_is_what_quantizing_a_trained_net_gives(spec: str) -> None:
    # There each range is found in a pass of its own.
    inputs = spec.replace(",axis=0", "")
    for build, x, options in ((qnn.MLP, X, {"sizes": [6, 8, 8, 3]}), (qnn.LeNet, IMAGES, {})):
        source = trained(build, x, **options)
        expected = qnn.quantize(source, weight=spec, input=inputs, calibration=x)
        own: dict[str, Any] = {"weight": spec, "input": inputs, "batch_norm": True, "seed": 9}
        if build is qnn.LeNet:
            own |= {"first_weight": spec, "first_input": inputs}
        model = qnn.warm_start(build(**own, **options), source, calibration=x).eval()
        assert np.array_equal(model(x).array, expected(x).array)
        found, wanted = model.state_dict(), expected.state_dict()
        assert found.keys() == wanted.keys()
        assert all(np.array_equal(found[name], wanted[name]) for name in found)


def test_without_data_the_first_batch_fits_the_ranges() -> None:
    source = trained(sizes=[6, 8, 3])
    model = qnn.MLP([6, 8, 3], weight=FOUR, input="uniform:4", batch_norm=True, seed=0)
    qnn.warm_start(model, source.state_dict())
    assert model.training
    with pytest.raises(StateError, match="the scale was never fitted"):
        model.eval()(X)
    model.train()(X)
    assert float(model.layers[0].input_quantizer.calibrated.array) == 1
    levels = np.abs(source.layers[0].weight.array).max() / 7
    assert float(model.layers[0].scale) == pytest.approx(float(levels))


def test_weights_that_were_never_used_are_packed_with_their_own_scale() -> None:
    source = trained(sizes=[6, 8, 3])
    model = qnn.warm_start(qnn.MLP([6, 8, 3], weight=FOUR, batch_norm=True, seed=0), source)
    assert float(model.layers[0].coded().scale) == pytest.approx(
        float(np.abs(source.layers[0].weight.array).max() / 7)
    )


def test_the_same_quantizer_keeps_what_it_has_learned_and_another_is_fitted() -> None:
    four = {"weight": FOUR, "input": "uniform:4", "sizes": [6, 8, 3]}
    source = trained(**four)
    same = qnn.warm_start(qnn.MLP(**four, batch_norm=True, seed=5), source, calibration=X)
    found, wanted = same.state_dict(), source.state_dict()
    assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    two = four | {"weight": TWO}
    narrower = qnn.warm_start(qnn.MLP(**two, batch_norm=True, seed=5), source, calibration=X)
    first, theirs = narrower.layers[0], source.layers[0]
    assert np.array_equal(first.weight.array, theirs.weight.array)
    assert float(first.scale) == pytest.approx(float(np.abs(first.weight.array).max()))
    own, kept = first.input_quantizer, theirs.input_quantizer
    assert np.array_equal(own.log_scale.array, kept.log_scale.array)


def test_a_scale_that_was_given_stays() -> None:
    model = qnn.MLP([6, 8, 3], weight="symmetric:4,scale=0.25", batch_norm=True, seed=0)
    qnn.warm_start(model, trained(sizes=[6, 8, 3]))
    assert float(model.layers[0].scale) == 0.25


def test_modes_and_statistics_stay_as_they_were() -> None:
    source = trained(sizes=[6, 8, 3])
    model = qnn.MLP([6, 8, 3], weight="symmetric:4", input="uniform:4", batch_norm=True, seed=0)
    model.layers[1].eval()
    qnn.warm_start(model, source, calibration=X)
    assert [model.training, model.layers[1].training] == [True, False]
    found, wanted = model.state_dict(), source.state_dict()
    statistics = [name for name in wanted if "running" in name]
    assert len(statistics) == 2
    assert all(np.array_equal(found[name], wanted[name]) for name in statistics)


def test_what_does_not_fit_is_listed_and_changes_nothing() -> None:
    model = qnn.MLP([6, 9, 3], weight="symmetric:4", seed=0)
    before = model.state_dict()
    with pytest.raises(StateError) as caught:
        qnn.warm_start(model, trained(sizes=[6, 8, 3]))
    told = str(caught.value)
    assert "layers.0.weight has shape (8, 6) in the trained net, and (9, 6) in the model" in told
    assert "the model has no layers.1.running_mean" in told
    assert "the trained net has no layers.2.weight" in told
    after = model.state_dict()
    assert all(np.array_equal(before[name], after[name]) for name in before)


def test_a_zero_point_is_fitted_anew_beside_a_scale_that_was_given() -> None:
    source = qnn.MLP([6, 8, 3], seed=0)
    source.layers[0].weight.array[...] += 3
    spec = "uniform:4,scale=0.1"
    warm = qnn.warm_start(qnn.MLP([6, 8, 3], weight=spec, seed=1), source)
    fresh = qnn.quantize(source, weight=spec)
    assert np.array_equal(warm.layers[0].codes(), fresh.layers[0].codes())


def test_ranges_that_are_kept_do_not_move_and_nan_is_refused() -> None:
    specs = {"weight": FOUR, "input": "uniform:4,scale=calibrated", "sizes": [6, 8, 3]}
    source = trained(**specs)
    before = source.state_dict()
    same = qnn.warm_start(qnn.MLP(**specs, batch_norm=True, seed=5), source, calibration=5 * X)
    assert all(np.array_equal(same.state_dict()[name], before[name]) for name in before)
    broken = before | {"layers.0.weight": np.full((8, 6), np.nan, np.float32)}
    with pytest.raises(StateError, match=r"layers\.0\.weight holds NaN or infinity"):
        qnn.warm_start(qnn.MLP(**specs, batch_norm=True, seed=5), broken)


def test_what_is_not_known_yet_is_calibrated() -> None:
    x = np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32)
    model = qnn.MLP([6, 8, 3], weight="symmetric:4", input="uniform:4", batch_norm=True, seed=0)
    model.eval()
    before = {name: a for name, a in model.state_dict().items() if "running" in name}
    assert qnn.calibrate(model, x) is model
    assert model(x).shape == (40, 3)
    assert not model.training
    for name, array in before.items():
        np.testing.assert_array_equal(model.state_dict()[name], array)
    known = model.state_dict()
    qnn.calibrate(model, 9 * x)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, known[name])
