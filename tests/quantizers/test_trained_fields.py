"""Quantizers with fields that are trained, and with noise in training: exact when deployed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from numpy.testing import assert_allclose, assert_array_equal
from qnn_core import nn
from qnn_core.errors import GraphError, NonFiniteError, ShapeError, SpecError
from qnn_core.quantizer import Quantizer, codebook, with_values
from qnn_core.quantizer.trained_fields import level_gradients
from qnn_core.testing import check_quantizer, examine
from qnn_quantizers import LearnedCodebook, LSQPlus, Stochastic

RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 8)).astype(np.float32)
Y = (X[:, 0] * X[:, 1] > 0).astype(int)


@dataclass(frozen=True)
class Outer(Quantizer):
    """Its outer levels are trained."""

    trained = {"outer": (1.25, 8.0)}  # noqa: RUF012 # as a user writes it
    bits: int = 2
    outer: float = 2.0

    @property
    def levels(self) -> Any:
        return [-self.outer, -1.0, 1.0, self.outer]


@dataclass(frozen=True)
class DeadZone(Quantizer):
    """Its threshold is trained, by a gradient of its own: the width of a window around it."""

    trained = {"threshold": (0.1, 0.9)}  # noqa: RUF012 # as a user writes it
    bits: int = 2
    threshold: float = 0.5

    @property
    def levels(self) -> Any:
        return [-1, 0, 1]

    def encode(self, u: Any) -> Any:
        return ((u > -self.threshold).astype(np.uint8) + (u >= self.threshold)).astype(np.uint8)

    def trained_gradients(self, u: Any, code: Any, gradient: Any) -> Any:
        near = np.abs(np.abs(u) - self.threshold) < 0.25
        return {"threshold": np.array(-(gradient * np.sign(u) * near).sum() * 2)}


TRAINED: list[Any] = [
    Outer(),
    Outer(axis=0, scale="calibrated"),
    DeadZone(),
    LearnedCodebook(bits=2),
    LearnedCodebook(bits=3, axis=0, scale="lsq"),
    LearnedCodebook(bits=4, scale="fixed"),
]
NOISY: list[Any] = [
    Stochastic(bits=2),
    Stochastic(bits=3, noise="additive", axis=0),
    Stochastic(bits=1, grid="even", scale="calibrated"),
]


def told(quantizer: Quantizer) -> str:
    return str(quantizer)


def net(weight: Any, input: Any = "uniform:4", seed: int = 0) -> nn.Module:
    return qnn.MLP([8, 16, 16, 2], weight=weight, input=input, batch_norm=True, seed=seed)


def trained(model: nn.Module, epochs: int = 3, **options: Any) -> nn.Module:
    optimizer = qnn.optim.Adam(model.parameters(), lr=1e-2)
    qnn.fit(model, (X, Y), epochs=epochs, batch_size=20, optimizer=optimizer, **options)
    return model


@pytest.mark.parametrize("quantizer", [Outer, DeadZone])
def test_own_ones_keep_the_laws(quantizer: Any) -> None:
    check_quantizer(quantizer(bits=2))


@pytest.mark.parametrize("quantizer", TRAINED, ids=told)
def test_fields_are_trained_kept_and_packed_exactly(quantizer: Any, tmp_path: Any) -> None:
    data = quantizer if quantizer.axis is None else "uniform:4"
    model, untouched = (net(quantizer, data) for _ in range(2))
    before = model.state_dict()
    trained(model)
    state = model.state_dict()
    fields = [name for name in state if ".trained." in name]
    assert len(fields) == len([q for q in nn.surgery.quantizers(model).values() if q.trained])
    assert all(np.any(state[name] != before[name]) for name in fields)
    layer: Any = model[0]
    now = layer.weight_quantizer.quantizer
    assert now != layer.weight_quantizer.scheme == quantizer
    # It is what an object with these values would be from the first.
    name = fields[0].rpartition(".")[2]
    assert with_values(quantizer, {name: state[fields[0]]}) == now
    assert_array_equal(layer.coded().levels, codebook(now).levels)
    packed = qnn.pack(model, X)
    assert_array_equal(packed(X), model(X).data)
    packed.save(tmp_path / "net.qnn")
    assert_array_equal(qnn.load(tmp_path / "net.qnn")(X), model(X).data)
    untouched.load_state_dict(state)
    assert_array_equal(untouched.eval()(X).data, model(X).data)


@pytest.mark.parametrize("quantizer", [*TRAINED, *NOISY], ids=told)
def test_a_resumed_training_ends_with_the_same_bits(quantizer: Any, tmp_path: Any) -> None:
    whole = trained(net(quantizer), epochs=4).state_dict()
    path = tmp_path / "half.safetensors"
    trained(net(quantizer), epochs=2, checkpoint=path)
    resumed = trained(net(quantizer), epochs=4, checkpoint=path, resume=True).state_dict()
    for name, array in whole.items():
        assert_array_equal(array, resumed[name], err_msg=name)


@pytest.mark.parametrize("along", [None, 0, 1])
def test_the_default_gradient_is_that_of_the_levels(along: int | None) -> None:
    quantizer = Outer(axis=along, outer=3.0)
    layer = nn.Quantize(quantizer, channels=8) if along != 0 else None
    if layer is None:
        layer = nn.QuantizeWeight(quantizer, qnn.Parameter(X))
    weights = RNG.normal(size=X.shape).astype(np.float32)
    (layer(qnn.Tensor(X)) * weights).sum().backward()
    codes, scale = layer.encode(X).codes, layer.qparams().scale
    if along == 0:
        scale = scale[:, None]
    expected = (weights * scale * np.select([codes == 0, codes == 3], [-1.0, 1.0])).sum()
    assert_allclose(layer.trained["outer"].grad.data, expected, rtol=1e-5)


def test_gradients_of_a_codebook_are_those_of_levels_that_are_not_rounded() -> None:
    class Unrounded(LearnedCodebook):
        @property
        def levels(self) -> Any:
            gaps = np.asarray(self.gaps or (1.0,) * 7)
            reached = np.concatenate([[0.0], np.cumsum(gaps)])
            return 7 * (reached - reached[4]) / reached[-1]

    q = LearnedCodebook(bits=3, gaps=(1, 2, 1, 0.5, 0.5, 1, 3))
    code = RNG.integers(0, 8, 500).astype(np.uint8)
    gradient = RNG.normal(size=500)
    exact = level_gradients(Unrounded(bits=3, gaps=q.gaps), code, gradient)["gaps"]
    found = q.trained_gradients(np.zeros(500), code, gradient)["gaps"]
    assert_allclose(found, exact, rtol=1e-5, atol=1e-6)


def test_the_default_gradient_serves_levels_of_float32_too() -> None:
    @dataclass(frozen=True)
    class Gaps(Quantizer):
        trained = {"gaps": (0.5, 2.0)}  # noqa: RUF012 # as a user writes it
        bits: int = 8
        gaps: tuple[float, ...] = (1.0,) * 255
        dtype: str = "f4"

        @property
        def levels(self) -> Any:
            return np.concatenate([[0.0], np.cumsum(np.asarray(self.gaps, self.dtype))]).astype(
                self.dtype
            )

    code, gradient = RNG.integers(0, 256, 2000).astype(np.uint8), RNG.normal(size=2000)
    narrow, wide = (level_gradients(Gaps(dtype=d), code, gradient)["gaps"] for d in ("f4", "f8"))
    assert_allclose(narrow, wide, rtol=0.02, atol=0.05 * np.abs(wide).max())


def test_data_that_were_written_are_noticed_though_only_a_field_needs_them() -> None:
    layer = nn.Quantize(DeadZone(scale=0.8))
    x = qnn.Tensor(X.copy())
    y = layer(x).sum()
    x.data[...] = 0
    with pytest.raises(GraphError, match="was written to"):
        y.backward()


def test_frozen_fields_and_a_gradient_that_passes_everywhere() -> None:
    layer = nn.Quantize("codebook:3,ste=identity,scale=fixed")
    layer.requires_grad_(False)
    x = qnn.Tensor(X, requires_grad=True)
    layer(x).sum().backward()
    assert_array_equal(x.grad.data, np.ones_like(X))


def test_codebooks_begin_as_k_means_finds_them_unless_they_are_given() -> None:
    first = trained(qnn.MLP([8, 16, 2], seed=0))
    warm = qnn.warm_start(
        qnn.MLP([8, 16, 2], weight="codebook:3,scale=calibrated", seed=1), first, calibration=X
    )
    warm.train()(X)
    field = warm[0].weight_quantizer.trained["gaps"].data
    assert np.ptp(field) > 0.1
    given = LearnedCodebook(bits=2, gaps=[5, 1, 1])  # type: ignore[arg-type] # a list will do
    layer = nn.Quantize(given)
    layer(X)
    assert_array_equal(layer.trained["gaps"].data, [5, 1, 1])
    assert np.ptp(nn.QuantizeWeight("codebook:3,scale=0.5", qnn.Parameter(X)).trained["gaps"].data)


def test_noise_differs_in_branches_and_between_warm_starts() -> None:
    one, other = (
        nn.QuantLinear(8, 4, weight="stochastic:3", input="stochastic:3", seed=seed)
        for seed in (0, 1)
    )
    one.weight.array[...] = other.weight.array
    inputs: list[Any] = [one.input_quantizer, other.input_quantizer]
    assert not np.array_equal(*(q(qnn.Tensor(X)).data for q in inputs))
    assert not np.array_equal(
        *(layer.weight_quantizer(layer.weight).data for layer in (one, other))
    )
    start = trained(net("stochastic:3", "stochastic:3"))
    nets = [qnn.warm_start(net("stochastic:3", "stochastic:3", seed), start) for seed in (1, 2)]
    noises = [made.state_dict()["layers.0.weight_quantizer.noise"] for made in nets]
    assert noises[0][0] != noises[1][0]


def test_k_means_is_never_worse_than_even_levels() -> None:
    for data in (RNG.normal(size=(50, 60)), RNG.laplace(size=(50, 60)), RNG.random((50, 60))):
        x = data.astype(np.float32)
        for bits in (2, 3, 4):
            fitted = nn.QuantizeWeight(LearnedCodebook(bits=bits), qnn.Parameter(x))
            even = qnn.encode(x, LearnedCodebook(bits=bits))
            errors = [np.square(x - q.decode()).mean() for q in (fitted.encode(x), even)]
            assert errors[0] <= errors[1]


def test_products_of_codebooks_are_integer_ones() -> None:
    model = trained(net("codebook:3", "codebook:3,signed=False"))
    kernels = str(qnn.pack(model, X).summary())
    assert "int8" in kernels
    assert "table" not in kernels


@pytest.mark.parametrize("quantizer", NOISY, ids=told)
def test_noise_is_of_training_only_and_of_the_seed(quantizer: Any) -> None:
    one, other = (trained(net(quantizer, quantizer if quantizer.axis is None else "uniform:4"))
                  for _ in range(2))  # fmt: skip # two alike
    for name, array in one.state_dict().items():
        assert_array_equal(array, other.state_dict()[name], err_msg=name)
    assert_array_equal(one(X).data, one(X).data)
    assert_array_equal(qnn.pack(one, X)(X), one(X).data)
    layer: Any = one[0]
    first = layer.weight_quantizer.train()
    drawn = [first(layer.weight).data for _ in range(2)]
    assert not np.array_equal(*drawn)
    noises = [q.noise for q in nn.surgery.quantizers(one).values() if q.noise is not None]
    assert len({int(noise.array[0]) for noise in noises}) == len(noises) > 1


def test_noise_has_the_mean_of_the_data() -> None:
    x = np.linspace(-2, 2, 50, dtype=np.float32)
    for noise in ("rounding", "additive"):
        layer = nn.Quantize(Stochastic(bits=3, noise=noise, scale=0.7))
        mean = np.mean([layer(qnn.Tensor(x)).data for _ in range(2000)], axis=0)
        assert_allclose(mean, x, atol=0.05)
    with pytest.raises(NonFiniteError, match=r"cannot quantize nan at index \(1,\)"):
        layer(qnn.Tensor([0.0, np.nan]))


def test_lsq_plus_uses_all_levels_below_zero() -> None:
    x = np.maximum(X, 0.1 * X) - 0.2
    layer = nn.Quantize("lsq-plus:2,shift=learned,calibration=mse")
    layer(qnn.Tensor(x))
    assert layer.shift is not None
    assert float(layer.shift.data) < 0
    assert len(np.unique(layer.encode(x).codes)) == 4
    weight = nn.QuantizeWeight(LSQPlus(bits=4), qnn.Parameter(X))
    reach = max(abs(X.mean() - 3 * X.std()), abs(X.mean() + 3 * X.std()))
    assert_allclose(weight.qparams().scale, reach / 8, rtol=1e-5)
    model = trained(net("lsq-plus:3", "lsq-plus:3,shift=learned,calibration=mse"))
    assert_array_equal(qnn.pack(model, X)(X), model(X).data)


def test_wrong_uses_are_refused() -> None:
    with pytest.raises(SpecError, match="gaps must be 3 numbers > 0"):
        LearnedCodebook(bits=2, gaps=(1.0, 2.0))
    with pytest.raises(SpecError, match="8 bits leave no room"):
        LearnedCodebook(bits=8)
    for bits in (10**9, 1e300, -1):  # of a file, too: 2 to that power would take for ever
        with pytest.raises(SpecError, match="bits must be a whole number from 1 to 8"):
            LearnedCodebook(bits=bits)  # type: ignore[arg-type] # what is refused
    with pytest.raises(SpecError, match="without an offset would leave nothing above zero"):
        LSQPlus(bits=1)
    with pytest.raises(SpecError, match="noise must be one of rounding, additive"):
        Stochastic(noise="aditive")  # type: ignore[arg-type] # what is refused

    @dataclass(frozen=True)
    class Nameless(Quantizer):
        trained = {"other": (0.0, 1.0)}  # noqa: RUF012 # as a user writes it
        bits: int = 1
        levels = (-1, 1)

    with pytest.raises(SpecError, match="trained names other, which is no field of it"):
        Nameless()
    for bounds, told in [
        ((2.0, 1.0), r"outer: its bounds in trained must be \(low, high\), got \(2.0, 1.0\)"),
        (3.0, "outer: its bounds in trained must be"),
        ((2.5, 8.0), r"outer must be inside of \(2.5, 8.0\), where training keeps it; got 2"),
    ]:
        wrong: Any = dataclass(frozen=True)(type("Wrong", (Outer,), {"trained": {"outer": bounds}}))
        with pytest.raises(SpecError, match=told):
            wrong()
    nested: Any = dataclass(frozen=True)(
        type("Nested", (Outer,), {"trained_values": lambda self: {"outer": np.ones((2, 2))}})
    )
    with pytest.raises(SpecError, match="must be a number or a tuple of them"):
        nested()

    @dataclass(frozen=True)
    class Wrong(Stochastic):
        def training_levels(self, u: Any, rng: Any) -> Any:
            return u[:1]

    with pytest.raises(ShapeError, match="training_levels gave shape"):
        nn.Quantize(Wrong())(qnn.Tensor(X))


@dataclass(frozen=True)
class Crossing(Outer):
    trained = {"outer": (0.5, 8.0)}  # noqa: RUF012 # it may fall below the level inside


@dataclass(frozen=True)
class Untouched(DeadZone):
    trained_gradients = Quantizer.trained_gradients


@dataclass(frozen=True)
class Biased(Stochastic):
    def training_levels(self, u: Any, rng: Any) -> Any:
        return np.clip(u, -7, 7) + 3


@pytest.mark.parametrize(
    ("quantizer", "law", "found"),
    [
        (Crossing(), "trained fields stay sound", "levels must ascend"),
        (Untouched(), "trained gradients are sound", "0 everywhere"),
        (Biased(), "training levels are sound", "in the mean of 400 draws"),
    ],
)
def test_the_kit_finds_what_is_wrong(quantizer: Any, law: str, found: str) -> None:
    report = examine(quantizer, laws=[law])
    assert not report.ok
    assert found in str(report).replace("\n", " ").replace("  ", "")


def test_what_was_learned_is_shown() -> None:
    model: Any = trained(net(Outer(), "codebook:3,signed=False"))
    learned = model[0].weight_quantizer, model[0].input_quantizer
    assert str(learned[0].quantizer).startswith("Outer(bits=2, outer=")
    assert "gaps=7 from " in str(learned[1].quantizer)
    # A checkpoint is known by what was given.
    assert "Quantize(LearnedCodebook(bits=3, signed=False))" in repr(learned[1])
