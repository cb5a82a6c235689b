"""`check_quantizer` finds each law's violation: a broken quantizer for every law."""

import itertools
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from qnn_core.errors import SpecError
from qnn_core.quantizer import Frame, Quantizer
from qnn_core.testing import LawError, check_quantizer
from qnn_core.testing.quantizer import LAWS


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
class WindowOfAnotherDtype(Sound):
    def window(self, u: Any) -> Any:
        return super().window(u).astype(np.float64)


@dataclass(frozen=True)
class WindowOfNeighbours(Sound):
    def window(self, u: Any) -> Any:
        return (u / np.abs(u).max()).astype(u.dtype)


@dataclass(frozen=True)
class InfiniteWindow(Sound):
    def window(self, u: Any) -> Any:
        with np.errstate(divide="ignore"):
            return 1 / np.abs(u)


@dataclass(frozen=True)
class ZeroScale(Sound):
    def fit(self, x: Any, axis: int | None = None) -> Frame:
        fitted = super().fit(x, axis)
        return fitted if np.any(x) else replace(fitted, scale=0 * fitted.scale)


@dataclass(frozen=True)
class InfiniteScale(Sound):
    def fit(self, x: Any, axis: int | None = None) -> Frame:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=fitted.scale + np.float32(np.inf if np.max(x) > 1e9 else 0))


@dataclass(frozen=True)
class OneScaleForAllChannels(Sound):
    def fit(self, x: Any, axis: int | None = None) -> Frame:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=np.full_like(fitted.scale, fitted.scale.max()))


@dataclass(frozen=True)
class FrameThatDoesNotFit(Sound):
    def fit(self, x: Any, axis: int | None = None) -> Frame:
        fitted = super().fit(x, axis)
        return replace(fitted, scale=np.full(2, fitted.scale)) if x.shape == (6, 5) else fitted


CALLS = itertools.count()


@dataclass(frozen=True)
class WindowThatAlternates(Sound):
    def window(self, u: Any) -> Any:
        return np.full_like(u, next(CALLS) % 2)


@dataclass(frozen=True)
class TakesNaN(Sound):
    def fit(self, x: Any, axis: int | None = None) -> Frame:
        return super().fit(np.nan_to_num(x, posinf=1, neginf=-1), axis)


@dataclass(frozen=True)
class SpanOfVectorsOnly(Sound):
    """Good enough for `fit`, which asks for rows, but not for a layer, which asks for one frame."""

    def span(self, low: Any, high: Any) -> Frame:
        return super().span(low[:], high[:])


COUNTEREXAMPLES: list[tuple[str, type[Sound]]] = [
    ("codebook", LevelsThatShareACode),
    ("encode is total", CodeOutOfRange),
    ("encode is total", WideCodes),
    ("encode is total", FlatCodes),
    ("encode is monotone", NotMonotone),
    ("encode is elementwise", DependsOnTheBatch),
    ("encode is elementwise", Random),
    ("thresholds are encode", StepBeyondTheLevels),
    ("window is sound", WindowOfAnotherDtype),
    ("window is sound", WindowOfNeighbours),
    ("window is sound", InfiniteWindow),
    ("fit is sound", ZeroScale),
    ("fit is sound", InfiniteScale),
    ("fit is sound", OneScaleForAllChannels),
    ("value is exact", FrameThatDoesNotFit),
    ("gradient is as stated", WindowThatAlternates),
    ("bad data are refused", TakesNaN),
    ("evaluation is frozen", SpanOfVectorsOnly),
]


def test_every_law_has_a_counterexample() -> None:
    assert {law for law, _ in COUNTEREXAMPLES} == set(LAWS)


def test_the_sound_one_passes() -> None:
    check_quantizer(Sound())


@pytest.mark.parametrize(
    ("law", "broken"), COUNTEREXAMPLES, ids=[c.__name__ for _, c in COUNTEREXAMPLES]
)
def test_the_law_is_named(law: str, broken: type[Sound]) -> None:
    with pytest.raises(LawError) as caught:
        check_quantizer(broken())
    assert [v for v in caught.value.violations if v.startswith(f"{law}: ")]
    assert broken.__name__ in str(caught.value)


def test_a_law_that_holds_is_not_named() -> None:
    with pytest.raises(LawError) as caught:
        check_quantizer(TakesNaN())
    assert {v.partition(":")[0] for v in caught.value.violations} == {"bad data are refused"}


def test_the_input_is_named() -> None:
    with pytest.raises(LawError, match=r"encode\(.*e\+20.*\) is 3, there are 3 levels"):
        check_quantizer(CodeOutOfRange())


def test_a_quantizer_that_cannot_be_hashed_is_no_codebook() -> None:
    @dataclass(frozen=True)
    class WithAList(Sound):
        extra: Any = None

    with pytest.raises(LawError, match="codebook: unhashable"):
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
