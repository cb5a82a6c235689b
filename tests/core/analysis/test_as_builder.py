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


ENDS = {
    "first": ({"first_weight": "symmetric:4", "first_input": "uniform:8"}, (4, 8)),
    "last": ({"last_weight": "symmetric:3", "last_input": "uniform:5"}, (3, 5)),
    "both": ({"first_weight": "symmetric:4", "last_weight": "symmetric:3"}, (3, None)),
    "one of each": ({"first_weight": "symmetric:4", "last_input": "uniform:5"}, (4, 5)),
    "the same": ({"first_weight": "symmetric:4", "last_weight": "same"}, (4, None)),
    "all the same": ({"last_weight": "same", "last_input": "same"}, (2, 6)),
    "nothing": ({}, (None, None)),
    "float": ({"first_weight": None, "last_weight": "same"}, (None, None)),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_only_layer_has_what_is_said_of_the_first_or_the_last(name: str) -> None:
    ends, widths = ENDS[name]
    usual = {"weight": "symmetric:2", "input": "uniform:6"}

    def found(model: qnn.Module) -> tuple[int | None, int | None]:
        [layer] = [m for _, m in model.named_modules() if isinstance(m, qnn.Linear)]
        pair = (getattr(layer, f"{what}_quantizer", None) for what in ("weight", "input"))
        weight, input = (None if q is None else q.quantizer.bits for q in pair)
        return weight, input

    assert found(qnn.MLP([8, 3], **usual, **ends)) == widths
    plain = qnn.MLP([8, 3], seed=0)
    assert found(qnn.as_builder(plain, **ends)(**usual, seed=0)) == widths
    assert found(qnn.as_builder(plain)(**usual, **ends, seed=0)) == widths
    if widths != (None, None):  # else nothing would be quantized, which is refused
        assert found(qnn.quantize(plain, **usual, **ends, calibration=X)) == widths


class Scaled(qnn.Sequential):
    """With a parameter that is no layer's."""

    def __init__(self) -> None:
        super().__init__(qnn.Linear(8, 3, seed=0), qnn.BatchNorm(3))
        self.factor = qnn.Parameter([3.0])

    def forward(self, x: qnn.Tensor) -> qnn.Tensor:
        return super().forward(x) * self.factor


def test_layers_begin_anew_and_all_else_is_kept() -> None:
    given = Scaled()
    for tensor in (given.layers[0].bias, given.layers[1].weight, given.layers[1].running_mean):
        tensor.data[...] = 7
    made = qnn.as_builder(given)(seed=1)
    assert made.factor.data.tolist() == [3]
    assert not np.array_equal(made.layers[0].weight.data, given.layers[0].weight.data)
    began = (made.layers[0].bias, made.layers[1].weight, made.layers[1].running_mean)
    assert [tensor.data.tolist() for tensor in began] == [[0] * 3, [1] * 3, [0] * 3]


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
