"""A net from elsewhere as the builder of a comparison."""

import pickle

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core.errors import SpecError

X = np.random.default_rng(0).normal(size=(20, 8)).astype(np.float32)


def net() -> qnn.MLP:
    return qnn.MLP([8, 6, 5, 3], batch_norm=True, seed=0)


def test_it_builds_what_the_model_builder_builds() -> None:
    build = qnn.as_builder(net())
    specs = {"weight": "symmetric:4", "input": "uniform:4"}
    ours, theirs = build(**specs, seed=3), qnn.MLP([8, 6, 5, 3], batch_norm=True, seed=3, **specs)
    assert repr(ours) == repr(theirs)
    for (name, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        np.testing.assert_array_equal(a.array, b.array, name)
    assert qnn.skipped(ours) == qnn.skipped(theirs)


def test_the_model_stays_as_it_is() -> None:
    model = net().eval()
    before = model(X).data
    built = qnn.as_builder(model)(weight="binary", input="binary", seed=1)
    optimizer = qnn.optim.SGD(built.parameters(), lr=0.1)
    qnn.fit(built, (X, np.arange(20) % 3), epochs=1, optimizer=optimizer, progress=False)
    np.testing.assert_array_equal(model(X).data, before)


def test_the_ends_have_quantizers_of_their_own() -> None:
    build = qnn.as_builder(net(), first_input="uniform:8", last_weight="same", last_input="same")
    made = build(weight="binary", input="uniform:2", seed=0)
    shown = [str(m.scheme) for _, m in made.named_modules() if isinstance(m, qnn.nn.Quantize)]
    assert shown[1::2] == ["Uniform(bits=8)", "Uniform(bits=2)", "Uniform(bits=2)"]
    plain = build(seed=0)
    assert not any(isinstance(m, qnn.nn.Quantize) for _, m in plain.named_modules())


def test_single_layers_have_rules() -> None:
    made = qnn.as_builder(net())(weight="binary", seed=0, layers={"layers.3": None})
    assert list(qnn.skipped(made)) == ["layers.3", "layers.6"]


def test_it_can_be_pickled() -> None:
    build = pickle.loads(pickle.dumps(qnn.as_builder(net())))
    assert build(weight="binary", seed=0)(X).shape == (20, 3)


def test_seeds_make_a_difference() -> None:
    build = qnn.as_builder(net())
    weights = [build(seed=seed).layers[0].weight.array for seed in (0, 0, 1)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


def test_what_cannot_be_built_is_refused() -> None:
    quantized = qnn.MLP([8, 4, 2], weight="binary")
    with pytest.raises(SpecError, match=r"layers\.0\.weight_quantizer: quantized already"):
        qnn.as_builder(quantized)
    with pytest.raises(SpecError, match=r"there is no Linear and no Conv2d in the Sequential"):
        qnn.as_builder(qnn.Sequential(qnn.ReLU()))
    with pytest.raises(SpecError, match=r"no argument is called 'first_wight'"):
        qnn.as_builder(net())(first_wight="binary")
