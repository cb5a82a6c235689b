"""`check_quantizer` finds each law's violation: a broken quantizer for every law."""

import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qnn_core.checks.examine import MADE
from qnn_core.checks.quantizer import LAWS
from qnn_core.errors import PluginError, SpecError
from qnn_core.gemm.prepack import BUILDERS, FORMS
from qnn_core.machine import cpu
from qnn_core.quantizer import QParams, Quantizer
from qnn_core.registry import check_class
from qnn_core.testing import LawError, check_quantizer, examine


@dataclass(frozen=True)
class Sound(Quantizer):
    """What each of the broken ones spoils in one place."""

    bits: int = 2

    @property
    def levels(self) -> Any:
        return [-1.0, 0.0, 1.0]


@dataclass(frozen=True)
class LevelsThatShareACode(Sound):
    def encode(self, u: Any) -> Any:
        return np.minimum(super().encode(u), 1)


@dataclass(frozen=True)
class CodeOutOfRange(Sound):
    def encode(self, u: Any) -> Any:
        return np.where(u > 1e6, 3, super().encode(u)).astype(np.uint8)


@dataclass(frozen=True)
class WideCodes(Sound):
    def encode(self, u: Any) -> Any:
        return super().encode(u).astype(np.int64)


@dataclass(frozen=True)
class FlatCodes(Sound):
    def encode(self, u: Any) -> Any:
        return super().encode(np.ravel(u))


@dataclass(frozen=True)
class NotMonotone(Sound):
    def encode(self, u: Any) -> Any:
        return np.where(np.asarray(u) > 1e6, 0, super().encode(u)).astype(np.uint8)


@dataclass(frozen=True)
class DependsOnTheBatch(Sound):
    def encode(self, u: Any) -> Any:
        u = np.asarray(u)
        return super().encode(u + 0.25 if u.size > 50 else u)


@dataclass(frozen=True)
class Random(Sound):
    def encode(self, u: Any) -> Any:
        u = np.asarray(u)
        noise = np.random.default_rng().uniform(-0.2, 0.2, u.shape) if u.size > 3 else 0
        return super().encode(u + noise)


@dataclass(frozen=True)
class StepBeyondTheLevels(Sound):
    """Monotone between the levels, where thresholds are looked for, and wrong outside."""

    def encode(self, u: Any) -> Any:
        return np.where(np.asarray(u) < -100, 1, super().encode(u)).astype(np.uint8)


@dataclass(frozen=True)
class FactorThatGrows(Sound):
    def gradient_factor(self, u: Any, level: Any, upstream: Any) -> Any:
        return self.surrogate(u) + np.abs(u) * np.inf * (np.abs(u) > 1e10)


@dataclass(frozen=True)
class WindowOfAnotherDtype(Sound):
    def surrogate(self, u: Any) -> Any:
        return super().surrogate(u).astype(np.float64)


@dataclass(frozen=True)
class WindowOfNeighbours(Sound):
    def surrogate(self, u: Any) -> Any:
        return (u / np.abs(u).max()).astype(u.dtype)


@dataclass(frozen=True)
class InfiniteWindow(Sound):
    def surrogate(self, u: Any) -> Any:
        with np.errstate(divide="ignore"):
            return 1 / np.abs(u)


@dataclass(frozen=True)
class ZeroScale(Sound):
    def fit(self, x: Any, axis: int | None = None) -> QParams:
        fitted = super().fit(x, axis)
        return fitted if np.any(x) else replace(fitted, scale=0 * fitted.scale)


@dataclass(frozen=True)
class InfiniteScale(Sound):
    def fit(self, x: Any, axis: int | None = None) -> QParams:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=fitted.scale + np.float32(np.inf if np.max(x) > 1e9 else 0))


@dataclass(frozen=True)
class OneScaleForAllChannels(Sound):
    def fit(self, x: Any, axis: int | None = None) -> QParams:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=np.full_like(fitted.scale, fitted.scale.max()))


@dataclass(frozen=True)
class FrameThatDoesNotFit(Sound):
    def fit(self, x: Any, axis: int | None = None) -> QParams:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=np.full(2, fitted.scale)) if x.shape == (6, 5) else fitted


CALLS = itertools.count()


@dataclass(frozen=True)
class WindowThatAlternates(Sound):
    def surrogate(self, u: Any) -> Any:
        return np.full_like(u, next(CALLS) % 2)


@dataclass(frozen=True)
class TakesNaN(Sound):
    def fit(self, x: Any, axis: int | None = None) -> QParams:
        return super().fit(np.nan_to_num(x, posinf=1, neginf=-1), axis)


@dataclass(frozen=True)
class ForgetsTheBase(Sound):
    def __post_init__(self) -> None:
        pass


@dataclass(frozen=True)
class NothingAboveZero(Sound):
    """The grid of two's complement, with one bit too: -1 and 0."""

    @property
    def levels(self) -> Any:
        half = 2 ** (self.bits - 1)
        return np.arange(-half, half)


@dataclass(frozen=True)
class FarTooLarge(Sound):
    def fit(self, x: Any, axis: int | None = None) -> QParams:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=fitted.scale * np.float32(100))


@dataclass(frozen=True)
class MinusZeroIsNegative(Sound):
    bits: int = 1

    @property
    def levels(self) -> Any:
        return [-1, 1]

    def encode(self, u: Any) -> Any:
        return (~np.signbit(u)).astype(np.uint8)


@dataclass(frozen=True)
class RoundsDown(Sound):
    """Each level lies on a threshold: a rounding error away from it is another code."""

    bits: int = 8

    @property
    def levels(self) -> Any:
        return np.arange(2**self.bits)

    def encode(self, u: Any) -> Any:
        return np.clip(np.floor(u), 0, 2**self.bits - 1).astype(np.uint8)


@dataclass(frozen=True)
class RoundsDownWithAZero(RoundsDown):
    """Level 101 means 0.0, but 0.0 comes out a rounding error below it."""

    def fit(self, x: Any, axis: int | None = None) -> QParams:
        scales = np.linspace(0.5, 1, 99, dtype=np.float32)
        scale = scales[scales * np.float32(101) / scales < 101][0]
        shape = np.shape(super().fit(x, axis).scale)
        return QParams(np.full(shape, scale), np.full(shape, 101, np.float32))


@dataclass(frozen=True)
class EightTimesTheGradient(Sound):
    def surrogate(self, u: Any) -> Any:
        return 8 * super().surrogate(u)


@dataclass(frozen=True)
class ScaleOfTheBatch(Sound):
    """Divides by the greatest magnitude of what it is given, in evaluation too."""

    def encode(self, u: Any) -> Any:
        u = np.asarray(u)
        return super().encode(u / max(np.abs(u).max(initial=0), 1))


@dataclass(frozen=True)
class DoubleScale(Sound):
    def fit(self, x: Any, axis: int | None = None) -> QParams:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=np.asarray(fitted.scale, np.float64))


@dataclass(frozen=True)
class WritesInPlace(Sound):
    def encode(self, u: Any) -> Any:
        return super().encode(np.clip(u, -1, 1, out=u if u.flags.writeable else None))


@dataclass(frozen=True)
class FitThatJumps(Sound):
    """Fits a weight in another way at each use."""

    scale: Any = "calibrated"

    def fit(self, x: Any, axis: int | None = None) -> QParams:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=fitted.scale / np.float32(1 + next(CALLS) % 7))


@dataclass(frozen=True)
class EqualToNone(Sound):
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


@dataclass(frozen=True)
class EqualWhateverIsFar(Sound):
    """Its equality leaves an argument out that the levels follow."""

    far: float = 2.0

    @property
    def levels(self) -> Any:
        return [-self.far, -1.0, 0.0, self.far]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, EqualWhateverIsFar) and self.bits == other.bits

    def __hash__(self) -> int:
        return 1


@dataclass(frozen=True)
class WindowThatOverflows(Sound):
    """The scale_gradient of a sigmoid, written so that it is NaN where exp is infinite."""

    def surrogate(self, u: Any) -> Any:
        e = np.exp(np.abs(u) / 2)
        return (4 * e / (1 + e) ** 2).astype(u.dtype)


@dataclass(frozen=True)
class WindowOfAnotherSign(Sound):
    """1 in the mean over the range."""

    def surrogate(self, u: Any) -> Any:
        return np.where(u < 0, -1, 3).astype(u.dtype)


@dataclass(frozen=True)
class WindowThatOpensOutside(Sound):
    def surrogate(self, u: Any) -> Any:
        return np.where(np.abs(u) > 1, 100, 1).astype(u.dtype)


@dataclass(frozen=True)
class SlopeOfAnotherSign(Sound):
    def scale_gradient(self, u: Any, level: Any, surrogate: Any) -> Any:
        return u * surrogate - level


@dataclass(frozen=True)
class SlopeOfTheBatch(Sound):
    ste: str = "identity"

    def scale_gradient(self, u: Any, level: Any, surrogate: Any) -> Any:
        return (level - u * surrogate) / np.abs(u).max()


@dataclass(frozen=True)
class SlopeThatIsNaN(Sound):
    def scale_gradient(self, u: Any, level: Any, surrogate: Any) -> Any:
        with np.errstate(divide="ignore", invalid="ignore"):
            return level - u / u * surrogate


@dataclass(frozen=True)
class SlopeThatWrites(Sound):
    def scale_gradient(self, u: Any, level: Any, surrogate: Any) -> Any:
        scale_gradient = super().scale_gradient(u, level, surrogate)
        u -= level
        return scale_gradient


@dataclass(frozen=True)
class ClipsInPlace(Sound):
    """Changes nothing of normal data, which lie inside."""

    bits: int = 4

    @property
    def levels(self) -> Any:
        return np.arange(-7, 8)

    def encode(self, u: Any) -> Any:
        u = np.asarray(u)
        return super().encode(np.clip(u, -7, 7, out=u if u.flags.writeable else None))


@dataclass(frozen=True)
class SpanThatWrites(Sound):
    def qparams_from_range(self, low: Any, high: Any) -> QParams:
        np.negative(high, out=low)
        return super().qparams_from_range(low, high)


@dataclass(frozen=True)
class FarTooSmall(Sound):
    def fit(self, x: Any, axis: int | None = None) -> QParams:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=fitted.scale / np.float32(1000))


class FrameWithAShift(QParams):
    """Qparams from which layers, which keep scale and zero point, would lose the shift."""

    @property
    def shift(self) -> Any:
        return super().shift + self.scale / 4


@dataclass(frozen=True)
class ShiftOfItsOwn(Sound):
    def fit(self, x: Any, axis: int | None = None) -> QParams:
        fitted = super().fit(x, axis)
        return FrameWithAShift(fitted.scale, fitted.zero_point)


@dataclass(frozen=True)
class SpanOfVectorsOnly(Sound):
    """Good enough for `fit`, which asks for rows, but not for a layer, which asks for one scale."""

    def qparams_from_range(self, low: Any, high: Any) -> QParams:
        return super().qparams_from_range(low[:], high[:])


COUNTEREXAMPLES: list[tuple[str, type[Sound]]] = [
    ("arguments are checked", ForgetsTheBase),
    ("levels reach the data", FarTooLarge),
    ("levels reach the data", FarTooSmall),
    ("zero is kept", MinusZeroIsNegative),
    ("zero is kept", RoundsDownWithAZero),
    ("values stay", RoundsDown),
    ("encode is elementwise", ScaleOfTheBatch),
    ("surrogate has the size of the steps", EightTimesTheGradient),
    ("surrogate has the size of the steps", WindowOfAnotherSign),
    ("surrogate has the size of the steps", WindowThatOpensOutside),
    ("scale_gradient is sound", SlopeOfAnotherSign),
    ("scale_gradient is sound", SlopeOfTheBatch),
    ("scale_gradient is sound", SlopeThatIsNaN),
    ("fit is sound", DoubleScale),
    ("data are left alone", WritesInPlace),
    ("data are left alone", ClipsInPlace),
    ("data are left alone", SlopeThatWrites),
    ("data are left alone", SpanThatWrites),
    ("training is repeatable", FitThatJumps),
    ("state is complete", FitThatJumps),
    ("engine is evaluation", FitThatJumps),
    ("codes pack and unpack", FitThatJumps),
    ("files are faithful", SpanOfVectorsOnly),
    ("copies are equal", EqualToNone),
    ("copies are equal", EqualWhateverIsFar),
    ("codebook", LevelsThatShareACode),
    ("encode is total", CodeOutOfRange),
    ("encode is total", WideCodes),
    ("encode is total", FlatCodes),
    ("encode is monotone", NotMonotone),
    ("encode is elementwise", DependsOnTheBatch),
    ("encode is elementwise", Random),
    ("thresholds are encode", StepBeyondTheLevels),
    ("gradient_factor is sound", FactorThatGrows),
    ("surrogate is sound", WindowOfAnotherDtype),
    ("surrogate is sound", WindowOfNeighbours),
    ("surrogate is sound", InfiniteWindow),
    ("surrogate is sound", WindowThatOverflows),
    ("fit is sound", ZeroScale),
    ("fit is sound", InfiniteScale),
    ("fit is sound", OneScaleForAllChannels),
    ("fit is sound", ShiftOfItsOwn),
    ("value is exact", FrameThatDoesNotFit),
    ("gradient is as stated", WindowThatAlternates),
    ("bad data are refused", TakesNaN),
    ("evaluation is frozen", SpanOfVectorsOnly),
]


def test_every_law_has_a_counterexample() -> None:
    # What needs a registration, and what needs a fault of the kernels: see below.
    elsewhere = {"spec string says all", "products are exact"}
    # tests/quantizers/test_trained_fields.py
    elsewhere |= {
        "trained fields stay sound", "trained gradients are sound", "training levels are sound"
    }  # fmt: skip # one set
    assert {law for law, _ in COUNTEREXAMPLES} == set(LAWS) - elsewhere


@pytest.mark.parametrize("kind", ["int16", "float"])
def test_a_fault_of_a_kernel_is_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No quantizer can make a kernel wrong: here one column of one kind of kernel is turned."""
    sound = BUILDERS[kind]

    def faulty(w: Any, *rest: Any) -> Any:
        w = w.copy()
        w[-1] = w[-1][::-1]
        return sound(w, *rest)

    monkeypatch.setitem(BUILDERS, kind, faulty)
    with pytest.raises(LawError, match=r"products are exact: .* kernel path"), cpu.using("base"):
        check_quantizer(Sound(), laws=["products are exact"])


@pytest.mark.parametrize("kind", ["planes", "ternary"])
def test_a_fault_of_a_form_is_found(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise, with sums of integers that are one too many."""
    sound = FORMS[kind]

    def faulty(*given: Any) -> Any:
        form = sound(*given)
        return replace(form, constant=form.constant + 1)

    monkeypatch.setitem(FORMS, kind, faulty)
    with pytest.raises(LawError, match=r"products are exact: .* kernel path"), cpu.using("base"):
        check_quantizer(Sound(), laws=["products are exact"])


def test_the_sound_one_passes() -> None:
    check_quantizer(Sound())


@pytest.mark.parametrize(
    ("law", "broken"), COUNTEREXAMPLES, ids=[c.__name__ for _, c in COUNTEREXAMPLES]
)
def test_the_law_is_named(law: str, broken: type[Sound]) -> None:
    with pytest.raises(LawError) as caught:
        check_quantizer(broken(), laws=[law])
    assert [v for v in caught.value.violations if v.startswith(f"{law}: ")]
    assert broken.__name__ in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "far", "message"),
    [
        ({"eq": False}, 2.0, "leave out eq=False"),
        ({}, field(default=2.0, compare=False), "compare=False leaves far out of equality"),
    ],
)
def test_a_class_whose_equality_leaves_something_out_is_refused(
    arguments: dict[str, bool], far: Any, message: str
) -> None:
    # The tables are found by equality: two of them, with other levels, would share the same.
    body = {"__annotations__": {"far": float}, "far": far}
    half_equal = dataclass(frozen=True, **arguments)(type("HalfEqual", (Sound,), body))
    with pytest.raises(SpecError, match=f"HalfEqual: .*{message}"):
        half_equal()
    with pytest.raises(PluginError, match=f"half-equal: .*{message}"):
        check_class(half_equal, "half-equal")
    assert [verdict.law for verdict in examine(half_equal).broken] == [MADE]


def test_a_span_cannot_give_a_shift_of_its_own() -> None:
    @dataclass(frozen=True)
    class Shifted(Sound):
        def qparams_from_range(self, low: Any, high: Any) -> QParams:
            return QParams(high, 0 * high, low)  # type: ignore[call-arg] # what is refused

    with pytest.raises(LawError, match=r"fit is sound: .*in qparams_from_range: .*TypeError"):
        check_quantizer(Shifted())


def test_a_law_that_holds_is_not_named() -> None:
    with pytest.raises(LawError) as caught:
        check_quantizer(TakesNaN())
    assert {v.partition(":")[0] for v in caught.value.violations} == {"bad data are refused"}


def test_the_input_is_named_with_what_was_expected_and_found() -> None:
    told = r"encode\(.*e\+20\): expected a code below 3, the number of levels, found 3"
    with pytest.raises(LawError, match=told):
        check_quantizer(CodeOutOfRange())


def test_one_bit_without_a_level_above_zero_is_of_no_use() -> None:
    report = examine(NothingAboveZero)
    (verdict,) = report.broken
    assert verdict.law == "levels reach the data"
    assert {subject for subject, _ in verdict.violations} == {"NothingAboveZero(bits=1)"}
    assert len(report.subjects) == 8


def test_an_error_is_told_with_the_line_that_raised_it() -> None:
    @dataclass(frozen=True)
    class Fails(Sound):
        def surrogate(self, u: Any) -> Any:
            raise KeyError("nothing")

    with pytest.raises(
        LawError, match=r"test_check_quantizer.py, line \d+, in surrogate: .*KeyError"
    ):
        check_quantizer(Fails())


def test_a_class_is_checked_at_every_width_it_has() -> None:
    report = examine(Sound)
    assert report.subjects == ["Sound(bits=2)"]
    assert sorted(report.refused) == [1, 3, 4, 5, 6, 7, 8]
    assert "1 bits have 2 to 2 levels, got 3" in report.refused[1]
    assert report.ok


def test_a_width_refused_by_another_error_breaks_a_law() -> None:
    @dataclass(frozen=True)
    class Divides(Quantizer):
        bits: int = 3

        @property
        def levels(self) -> Any:
            q = 2 ** (self.bits - 1) - 1
            return [n / q for n in range(-q, q + 1)]

    (verdict,) = examine(Divides).broken
    ((_, violation),) = verdict.violations
    assert verdict.law == MADE
    assert violation.given == "bits=1"
    assert "ZeroDivisionError" in violation.found


def test_a_class_without_any_width_breaks_a_law() -> None:
    @dataclass(frozen=True)
    class None_(Quantizer):
        bits: int = 2

        @property
        def levels(self) -> Any:
            return [1, 0, -1]

    report = examine(None_)
    assert [verdict.law for verdict in report.broken] == [MADE]
    assert "ascend" in str(report)
    assert {v.verdict for v in report.verdicts[1:]} == {"not applicable"}


def test_what_needs_no_codebook_is_said_without_one() -> None:
    @dataclass(frozen=True)
    class GreatestOfTheBatch(NothingAboveZero):
        def encode(self, u: Any) -> Any:
            return super().encode(u / np.abs(u).max(initial=1e-30))

    @dataclass(frozen=True)
    class SignOfZero(Quantizer):
        bits: int = 1

        @property
        def levels(self) -> Any:
            return [-1, 1]

        def encode(self, u: Any) -> Any:
            return (np.sign(u) + 1).astype(np.uint8)

    broken = [v.law for v in examine(GreatestOfTheBatch()).broken]
    assert broken == ["codebook", "encode is elementwise"]
    report = examine(SignOfZero)
    assert [v.law for v in report.broken] == ["codebook", "encode is total"]
    assert "0.0 has a code of its own, 1, as sign(0) = 0 makes it" in str(report)
    verdicts = {v.law: v.verdict for v in report.verdicts}
    assert verdicts["engine is evaluation"] == "not applicable"


def test_only_the_laws_that_are_asked_for() -> None:
    check_quantizer(TakesNaN(), laws=["encode is total"])
    with pytest.raises(SpecError, match=r"no law 'encode is totl'.*did you mean 'encode is total'"):
        check_quantizer(Sound(), laws=["encode is totl"])


REGISTERED = """
from dataclasses import dataclass

from qnn_core.quantizer import Quantizer


@dataclass(frozen=True)
class Unsaid(Quantizer):
    bits: int = 2
    table: str = "7"

    @property
    def levels(self):
        return [-1, 0, 1]
"""


def register(folder: Path, name: str, source: str) -> None:
    """Lay out a distribution as pip does."""
    about = folder / f"{name}-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[qnn.quantizers]\n{name} = {name}:Unsaid\n")
    (folder / f"{name}.py").write_text(source)


def test_an_option_that_a_spec_string_cannot_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tmp_path, "unsaid", REGISTERED)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(LawError, match=r"spec string says all: .*table='7'.*found .*table=7"):
        check_quantizer("unsaid")


def test_a_class_that_is_not_registered_has_no_spec_string() -> None:
    report = examine(Sound, laws=["spec string says all"])
    assert "not registered" in report.verdicts[-1].findings[0].reason
    assert report.verdicts[-1].verdict == "not applicable"


def test_a_quantizer_that_cannot_be_hashed_is_no_codebook() -> None:
    @dataclass(frozen=True)
    class WithAList(Sound):
        extra: Any = None

    with pytest.raises(LawError, match=r"codebook: .*unhashable"):
        check_quantizer(WithAList(extra=[1]))


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ([1, 0, -1], "ascend"),
        ([0, 0, 1], "ascend"),
        ([0], "2 bits .* levels"),
        (range(5), "2 bits .* levels"),
        ([[0, 1, 2]], "in one row"),
        ([0, 1, np.nan], "finite"),
        ([0, 1, np.inf], "finite"),
        ([-1e300, 0, 1e300], "finite"),
        (np.array([0, 1, 1e39]), "finite"),
        ([0, 1, 10**400], "numbers"),
        ("ab", "numbers"),
        (None, "levels"),
    ],
)
def test_bad_levels_are_refused_when_the_quantizer_is_made(levels: Any, message: str) -> None:
    @dataclass(frozen=True)
    class Bad(Quantizer):
        bits: int = 2

        @property
        def levels(self) -> Any:
            return bad_levels

    bad_levels = levels
    with pytest.raises(SpecError, match=message):
        Bad()
