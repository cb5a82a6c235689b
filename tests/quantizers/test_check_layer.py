"""`check_layer` finds each law's violation in layers of other people's making, and no other."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qnn_core as qnn
from qnn_core import Buffer, Parameter, Tensor, ops
from qnn_core.autodiff import op
from qnn_core.checks.layer import LAWS as LAYER_LAWS
from qnn_core.errors import SpecError
from qnn_core.nn import Module
from qnn_core.testing import LawError, Report, check_layer, examine


def steps(x: np.ndarray, bits: int, scale: float) -> np.ndarray:
    """Evenly spaced levels on both sides of zero, 2**bits of them."""
    most = 2 ** (bits - 1) - 0.5
    return (scale * np.clip(np.floor(x / scale) + 0.5, -most, most)).astype(x.dtype)


def inside(x: np.ndarray, bits: int, scale: float) -> np.ndarray:
    return (np.abs(x) <= scale * 2 ** (bits - 1)).astype(x.dtype)


def same(x: Any, *_: Any, **__: Any) -> Any:
    return x


def own(name: str, forward: Callable[..., Any], gradient: Callable[..., Any]) -> Any:
    return op(f"test_{name}", forward, shape=same, vjps=[gradient])


def straight_through(g: Tensor, y: Tensor, x: Tensor, bits: int, scale: float) -> Tensor:
    return g * inside(x.data, bits, scale)


rounding = own("rounding", steps, straight_through)


class Sound(Module):
    """What each of the broken ones spoils in one place."""

    def __init__(
        self, in_features: int, out_features: int, bits: int = 2, seed: int | None = None
    ) -> None:
        spread = in_features**-0.5
        rng = np.random.default_rng(seed)
        self.bits = bits
        self.scale = 4 * spread / 2**bits
        self.weight = Parameter(rng.normal(0, spread, (out_features, in_features)))

    def forward(self, x: Tensor) -> Tensor:
        return ops.linear(self.before(x), self.quantized())

    def before(self, x: Tensor) -> Tensor:
        return x

    def quantized(self) -> Tensor:
        return rounding(self.weight, bits=self.bits, scale=self.scale)


class ByDetaching(Sound):
    """The idiom of other frameworks: x + (q(x) - x), the difference taken as a constant."""

    def quantized(self) -> Tensor:
        w = self.weight
        return w + Tensor(steps(w.data, self.bits, self.scale) - w.data)


def _whole(x: np.ndarray, w: np.ndarray, bits: int, scale: float) -> np.ndarray:
    return steps(x @ steps(w, bits, scale).T, bits, 8 * scale) / (8 * scale)


def _passed(g: Tensor, x: Tensor, q: np.ndarray, bits: int, scale: float) -> Tensor:
    """Return the gradient before the rounding of the product."""
    return g * (inside(x.data @ q.T, bits, 8 * scale) / (8 * scale))


def _x_gradient(g: Tensor, y: Tensor, x: Tensor, w: Tensor, **options: Any) -> Tensor:
    q = steps(w.data, **options)
    return ops.matmul(_passed(g, x, q, **options), q)


def _w_gradient(g: Tensor, y: Tensor, x: Tensor, w: Tensor, **options: Any) -> Tensor:
    passed = _passed(g, x, steps(w.data, **options), **options)
    return ops.matmul(ops.transpose(passed), x) * inside(w.data, **options)


def whole_layer(name: str, factor: float) -> Any:
    """One operation that quantizes, multiplies and quantizes."""
    return op(
        f"test_{name}",
        _whole,
        shape=lambda x, w, **_: (x[0], w[0]),
        vjps=[_x_gradient, lambda *given, **options: factor * _w_gradient(*given, **options)],
    )


all_in_one = whole_layer("all_in_one", 1.0)
all_in_one_wrong = whole_layer("all_in_one_wrong", 16.0)


class AllInOne(Sound):
    def forward(self, x: Tensor) -> Tensor:
        return all_in_one(x, self.weight, bits=self.bits, scale=self.scale)


class AllInOneWrong(Sound):
    def forward(self, x: Tensor) -> Tensor:
        return all_in_one_wrong(x, self.weight, bits=self.bits, scale=self.scale)


class NotANumber(Sound):
    def before(self, x: Tensor) -> Tensor:
        return x * float("nan")


class OneRowForAll(Sound):
    def forward(self, x: Tensor) -> Tensor:
        return ops.sum(super().forward(x), axis=0)


class NothingToTrain(Sound):
    def quantized(self) -> Tensor:
        return super().quantized().detach()


class ScaleOfTheBatch(Sound):
    def before(self, x: Tensor) -> Tensor:
        return x * (1 / float(np.abs(x.data).max()))


class CountsItsUses(Sound):
    def __init__(self, *given: Any, **options: Any) -> None:
        super().__init__(*given, **options)
        self.uses = Buffer(np.zeros(()))

    def before(self, x: Tensor) -> Tensor:
        self.uses.data[...] += 1
        return x * float(self.uses.data)


class OneLevelMore(Sound):
    def quantized(self) -> Tensor:
        return rounding(self.weight, bits=self.bits + 1, scale=self.scale)


class NotQuantized(Sound):
    def quantized(self) -> Tensor:
        return self.weight


class FloatWeightsBeside(Sound):
    """Adds a little of the product with the weights as they are."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + ops.linear(x, self.weight) * 1e-3


class TransformedFloatWeightsBeside(Sound):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + ops.linear(x, ops.tanh(self.weight) * 1e-3)


class ScaleOfTheWeights(Sound):
    """A factor for each output that is made of the float weights."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * ops.mean(self.weight * self.weight, axis=1)


below = own("below", lambda x: np.where(x < 0, -1, 0).astype(x.dtype), lambda g, y, x: g)


class NothingAboveZero(Sound):
    def quantized(self) -> Tensor:
        return below(self.weight)


sign = own("sign", np.sign, lambda g, y, x: g * inside(x.data, 1, 1.0))


class SignOfZero(Sound):
    def quantized(self) -> Tensor:
        return sign(self.weight)


def _by_the_greatest(x: np.ndarray, bits: int) -> np.ndarray:
    return steps(x / np.abs(x).max(), bits, 2.0 / 2**bits)


def _by_the_greatest_gradient(power: int) -> Callable[..., Tensor]:
    return lambda g, y, x, bits: g * float(np.abs(x.data).max()) ** power


by_the_greatest = own("by_the_greatest", _by_the_greatest, _by_the_greatest_gradient(-1))
times_the_greatest = own("times_the_greatest", _by_the_greatest, _by_the_greatest_gradient(1))


class DividesByZero(Sound):
    def quantized(self) -> Tensor:
        return by_the_greatest(self.weight, bits=self.bits)


class MultipliesWhatItShouldDivide(Sound):
    def quantized(self) -> Tensor:
        return times_the_greatest(self.weight, bits=self.bits)


eightfold = own(
    "eightfold", steps, lambda g, y, x, **options: 8 * straight_through(g, y, x, **options)
)
dead = op("test_dead", steps, shape=same, vjps=[lambda g, y, x, **_: g * 0.0])


class EightTimesTheGradient(Sound):
    def quantized(self) -> Tensor:
        return eightfold(self.weight, bits=self.bits, scale=self.scale)


class NoGradient(Sound):
    def quantized(self) -> Tensor:
        return dead(self.weight, bits=self.bits, scale=self.scale)


product = op(
    "test_product",
    lambda x, w, latent: x @ w.T,
    shape=lambda x, w, latent: (x[0], w[0]),
    vjps=[
        lambda g, y, x, w, latent: ops.matmul(g, latent),
        lambda g, y, x, w, latent: ops.matmul(ops.transpose(g), x),
        None,
    ],
)


class DerivativeOfFloatWeights(Sound):
    def forward(self, x: Tensor) -> Tensor:
        return product(x, self.quantized(), self.weight.detach())


class Noise(Sound):
    def quantized(self) -> Tensor:
        noise = np.random.default_rng().normal(size=self.weight.shape) if self.training else 0.0
        return super().quantized() + noise


class KeepsItsScaleToItself(Sound):
    def before(self, x: Tensor) -> Tensor:
        if self.training:
            self.kept = float(np.abs(x.data).max())
        return x * (1 / (getattr(self, "kept", 0.0) or 1.0))


class DecidesByTheBatch(Sound):
    def forward(self, x: Tensor) -> Tensor:
        y = ops.linear(x, ops.fake_quantize(self.weight, self.scale, quantizer="symmetric:2"))
        return y * (2.0 if len(x.data) > 1 else 1.0)


COUNTEREXAMPLES: list[tuple[str, type[Sound]]] = [
    ("it runs", NotANumber),
    ("it runs", OneRowForAll),
    ("it runs", NothingToTrain),
    ("evaluation is frozen", ScaleOfTheBatch),
    ("evaluation is repeatable", CountsItsUses),
    ("levels fit the bits", OneLevelMore),
    ("levels fit the bits", NotQuantized),
    ("levels reach the data", NothingAboveZero),
    ("zero is a value like others", SignOfZero),
    ("weights are quantized throughout", FloatWeightsBeside),
    ("weights are quantized throughout", TransformedFloatWeightsBeside),
    ("zeros give numbers", DividesByZero),
    ("gradients climb with the values", EightTimesTheGradient),
    ("gradients climb with the values", MultipliesWhatItShouldDivide),
    ("gradients climb with the values", NoGradient),
    ("gradients climb with the values", AllInOneWrong),
    ("other derivatives are right", DerivativeOfFloatWeights),
    ("training is repeatable", Noise),
    ("state is complete", KeepsItsScaleToItself),
    ("engine is evaluation", DecidesByTheBatch),
]


def at(layer: Callable[..., Module], *widths: int) -> Callable[..., Module]:
    """Return a maker of layers that has a few of the widths only: it is quicker to check."""

    def make(in_features: int, out_features: int, bits: int, seed: int) -> Module:
        if bits not in widths:
            raise SpecError(f"not at {bits} bits")
        return layer(in_features, out_features, bits=bits, seed=seed)

    return make


def broken(report: Report) -> set[str]:
    return {verdict.law for verdict in report.broken}


def test_every_law_has_a_counterexample() -> None:
    assert {law for law, _ in COUNTEREXAMPLES} == set(LAYER_LAWS)


@pytest.mark.parametrize(
    ("law", "layer"), COUNTEREXAMPLES, ids=[c.__name__ for _, c in COUNTEREXAMPLES]
)
def test_the_law_is_named(law: str, layer: type[Sound]) -> None:
    widths = (1,) if layer in (SignOfZero, NothingAboveZero) else (2,)
    assert law in broken(examine(at(layer, *widths)))


@pytest.mark.parametrize("layer", [Sound, ByDetaching, AllInOne, ScaleOfTheWeights])
def test_sound_layers_pass_at_every_width(layer: type[Sound]) -> None:
    check_layer(layer)


def test_an_operation_of_ones_own_on_the_input_cannot_be_packed() -> None:
    report = examine(at(AllInOne, 2), laws=["engine is evaluation"])
    assert report.verdicts[-1].verdict == "not applicable"
    assert "test_all_in_one" in report.verdicts[-1].findings[0].reason


def test_a_law_that_holds_is_not_named() -> None:
    assert broken(examine(at(SignOfZero, 1))) == {"zero is a value like others"}
    assert broken(examine(at(EightTimesTheGradient, 2))) == {"gradients climb with the values"}
    assert broken(examine(at(DerivativeOfFloatWeights, 2))) == {"other derivatives are right"}
    assert broken(examine(at(KeepsItsScaleToItself, 2))) == {"state is complete"}


def test_a_factor_that_depends_on_the_data_is_told_from_a_constant_one() -> None:
    growing = examine(at(MultipliesWhatItShouldDivide, 2)).broken[-1].violations[0][1]
    assert "it multiplies by the size of the data where the values are divided" in growing.found
    constant = examine(at(EightTimesTheGradient, 2)).broken[0].violations[0][1]
    assert "8 times as much: a wrong factor" in constant.found
    assert "operation test_eightfold" in constant.given


def test_layers_of_every_scheme_pass(scheme: str) -> None:
    # The quickest calibration: what is asked here does not depend on it.
    quantizer = qnn.get_quantizer(scheme, calibration="absmax")

    def layer(in_features: int, out_features: int, bits: int, seed: int) -> Module:
        weight = qnn.get_quantizer(quantizer, axis=0)
        return qnn.QuantLinear(in_features, out_features, weight=weight, input=quantizer, seed=seed)

    check_layer(at(layer, quantizer.bits))


def test_a_scheme_that_takes_a_side_is_judged_as_it_is_alone() -> None:
    # One bit from the lowest weight to 0, since that one is the farthest: from 0 up with others.
    def layer(in_features: int, out_features: int, bits: int, seed: int) -> Module:
        spec = f"uniform:{bits}"
        return qnn.QuantLinear(in_features, out_features, weight=spec, input=spec, seed=seed)

    assert layer(64, 32, 1, 0).weight_quantizer.qparams().zero_point == 1
    check_layer(at(layer, 1))

    def too_large(in_features: int, out_features: int, bits: int, seed: int) -> Module:
        spec = f"symmetric:{bits},scale=100"
        return qnn.QuantLinear(in_features, out_features, weight=spec, seed=seed)

    assert "levels reach the data" in broken(examine(at(too_large, 2)))


def test_no_surrogate_is_a_fault(ste: str) -> None:
    def layer(in_features: int, out_features: int, bits: int, seed: int) -> Module:
        spec = f"symmetric:{bits},ste={ste}"
        return qnn.QuantLinear(in_features, out_features, weight=spec, input=spec, seed=seed)

    check_layer(at(layer, 3))


def test_what_makes_no_layer() -> None:
    with pytest.raises(LawError, match=r"it can be made: .*expected a qnn_core.nn.Module, found 7"):
        check_layer(lambda in_features, out_features: 7)
    with pytest.raises(LawError, match=r"ZeroDivisionError"):
        check_layer(lambda in_features, out_features: 1 / 0)
    with pytest.raises(SpecError, match="is checked, not Sound"):
        examine(Sound(64, 32))
    with pytest.raises(SpecError, match="is checked, not 7"):
        examine(7)
